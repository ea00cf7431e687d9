"""Which columns of a table hold the texts and the labels, and what they say as items.

Guessed from usual names; where several would do, or none, the user is asked. A column of lists has words or tags.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from edgeenc.errors import InputError
from edgeenc.tasks.columns.cells import is_empty, listing
from edgeenc.tasks.columns.keyed import keys_of, with_key
from edgeenc.tasks.columns.meanings import Meaning, held_meaning, named_meaning
from edgeenc.tasks.datatable import DataTable
from edgeenc.tasks.files.datafile import LABEL_NAMES, TEXT_NAMES, WORD_NAMES
from edgeenc.tasks.item import Item
from edgeenc.tasks.spec import TaskSpec
from edgeenc.tasks.tags.spellings import mark_spans
from edgeenc.tasks.task_kind import TaskKind, task_kind_named, task_kinds

_BY_NUMBER = ", or their numbers (1, 2, ...) if the first line is no header"


@dataclass(frozen=True, slots=True)
class Columns:
    """What was chosen.

    Attributes:
        text: column of the texts, or of the words.
        label: column of the labels, or of the tags.
        kind: what a row is.
    """

    text: str
    label: str
    kind: TaskKind


def choose(spec: TaskSpec, table: DataTable) -> Columns:
    """Return the columns that the spec names, or else those with usual names; their cells tell the kind.

    A task of tags that is called `ner`, `pos` or `chunk` gets no column of another of these.

    Raises:
        InputError: a named column is not there; or none, or more than one, has a usual name or holds what is learnt.
    """
    asked = task_kind_named(spec.kind) if spec.kind else None
    table = with_key(table, spec.label_column)
    label = _named(table, spec.label_column) or _label(spec.name, table, asked)
    table = with_key(table, label)
    kind = asked or next(one for one in task_kinds() if one.lists == _has_lists(table, label))
    if asked is None and not kind.lists:
        _require_texts(spec.name, table, label)
    text = _named(table, spec.text_column) or _text(table, label, kind)
    if text == label:
        raise InputError(f"task data {table.path}: {text!r} is asked for both text and label; {listing(table)}")
    return Columns(text, label, kind)


def _require_texts(task: str, table: DataTable, label: str) -> None:
    """Do nothing if the cells of the label column may be labels of texts.

    Raises:
        InputError: they are tags: of a word a row, which would be learnt without its sentence, or of several.
    """
    found = {str(row.get(label) or "O").strip() for row in table.rows}
    tags = {tag for cell in found for tag in cell.split()}
    if mark_spans(tags) or (named_meaning(task) is not None and held_meaning(tags) is named_meaning(task)):
        raise table.wrong(
            table.lines[0],
            f"{label!r} has tags of words, but no list of them a row; write a word and its tag a line, blank lines"
            " between sentences (.conll), or lists (JSONL). To classify each row as a text, kind: classify in a"
            " language file",
        )


def _label(task: str, table: DataTable, asked: TaskKind | None) -> str:
    """Return the column of labels, by its name or by what it holds."""
    fitting = [column for column in table.columns if asked is None or asked.lists == _has_lists(table, column)]
    usual = _usual(fitting, LABEL_NAMES) or _usual(table.columns, LABEL_NAMES)
    meaning = named_meaning(task)
    named = [column for column in usual if meaning and named_meaning(column) == meaning] or _of_task(task, usual)
    found = [column for column in named if meaning is None or _may_mean(table, column, meaning)]
    if not found and meaning is not None:
        others = [*(column for column in fitting if column not in usual), *keys_of(table)]
        found = [column for column in others if held_meaning(_tags(with_key(table, column), column)) == meaning]
        if not found and usual:
            only = ", ".join(_with_meaning(table, column) for column in usual[:3])
            raise InputError(
                f"task data {table.path}: no column of {meaning.said} for a task called {task!r}, only {only};"
                f" {listing(table, keys_of(table))}"
            )
    if not found and table.headless and len(table.columns) == 2:
        found = _fewer(table)
    return _guess(table, found, "labels")


def _text(table: DataTable, label: str, kind: TaskKind) -> str:
    """Return the column of texts, or of words: by its name, or, where columns have numbers, the first of words."""
    texts = [column for column in _usual(table.columns, TEXT_NAMES) if column != label]
    alike = [column for column in texts if _has_lists(table, column) == _has_lists(table, label)]
    if not texts and all(column.isdecimal() for column in table.columns if column != label):
        alike = [column for column in table.columns if column != label]
        alike = alike[1:2] if len(alike) > 1 and _counts_words(table, alike[0]) else alike[:1] if kind.lists else alike
    if not texts and not alike:
        alike = [column for column in table.columns if column.lower() in WORD_NAMES and column != label]
    return _guess(table, alike or texts, kind.texts)


def _may_mean(table: DataTable, column: str, meaning: Meaning) -> bool:
    """Tell whether a column may be learnt by a task of that meaning: neither its name nor its tags say another."""
    named, tags = named_meaning(column), _tags(table, column)
    held = held_meaning(tags)
    if named is None and held is None and meaning.outsides and tags:
        return bool(tags & meaning.outsides)
    return named in (None, meaning) and held in (None, meaning)


def _with_meaning(table: DataTable, column: str) -> str:
    meaning = held_meaning(_tags(table, column)) or named_meaning(column)
    return f"{column!r} ({meaning.said})" if meaning else repr(column)


def other_meaning(spec: TaskSpec, table: DataTable, columns: Columns) -> tuple[str, ...]:
    """Return what is said where a column was named that has tags of another meaning than the task's name has."""
    table = with_key(table, columns.label)
    meaning, held = named_meaning(spec.name), held_meaning(_tags(table, columns.label))
    if meaning is None or held is None or held is meaning:
        return ()
    return (f"column {columns.label!r} holds {held.said}, for a task called {spec.name!r}; it is what was asked for",)


def _tags(table: DataTable, column: str) -> set[str]:
    """Return the different tags of a column of lists; none of another column."""
    names = table.names.get(column)
    if names:
        return set(names)
    lists = (row.get(column) for row in table.rows)
    return {str(tag).strip() for cell in lists if isinstance(cell, list) for tag in cell}


def _counts_words(table: DataTable, column: str) -> bool:
    """Tell whether a column of lists counts the words of each sentence."""
    lists = [row.get(column) for row in table.rows]
    return all(isinstance(cell, list) and all(str(word).isdecimal() for word in cell) for cell in lists)


def _fewer(table: DataTable) -> list[str]:
    """Return the one of two columns that has far fewer different cells, where there is one."""
    sizes = sorted((len({str(row.get(column)) for row in table.rows}), column) for column in table.columns)
    return [sizes[0][1]] if 2 * sizes[0][0] <= sizes[1][0] else []


def to_items(table: DataTable, columns: Columns) -> tuple[Item, ...]:
    """Return the rows as items; integers become `0`, `1`, ..., or the names that the file gives them.

    Raises:
        InputError: the table lacks a column; a row has no text or label, one of the wrong kind, or not a tag a word.
    """
    table = with_key(table, columns.label)
    for column in (columns.text, columns.label):
        _named(table, column)
    empty = [at for at, row in zip(table.lines, table.rows, strict=True) if is_empty(row.get(columns.text))]
    empty += [at for at, row in zip(table.lines, table.rows, strict=True) if is_empty(row.get(columns.label))]
    if empty:
        raise table.wrong(
            min(empty),
            f"no {columns.text!r} or no {columns.label!r} in {len(set(empty)):,} of {len(table.rows):,} rows,"
            " of which this is the first; remove or complete them",
        )
    return tuple(columns.kind.items(table, columns.text, columns.label))


def _has_lists(table: DataTable, column: str) -> bool:
    """Tell by the first cell that is there."""
    return isinstance(next((row[column] for row in table.rows if row.get(column) is not None), None), list)


def _usual(columns: Collection[str], names: Collection[str]) -> list[str]:
    return [column for column in columns if column.strip().lower() in names]


def _of_task(task: str, columns: list[str]) -> list[str]:
    """Return the columns named after the task, `ner_tags` for `ner`, if there are any; else all."""
    return [column for column in columns if task in column.lower().split("_")] or columns


def _named(table: DataTable, column: str) -> str:
    if column and column not in table.columns:
        raise InputError(f"task data {table.path}: no column {column[:40]!r}; {listing(table, keys_of(table))}")
    return column


def _guess(table: DataTable, found: list[str], what: str) -> str:
    if len(found) == 1:
        return found[0]
    said = f"columns {', '.join(found)} may all hold the {what}" if found else f"no column with a usual name for {what}"
    numbers = "" if found or any(column.isdecimal() for column in table.columns) else _BY_NUMBER
    raise InputError(f"task data {table.path}: {said}; {listing(table)}{numbers}")
