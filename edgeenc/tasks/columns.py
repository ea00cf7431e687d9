"""Which columns of a table hold the texts and the labels, and what they say as items.

Guessed from usual names; where several would do, or none, the user is asked. A column of lists has words or tags.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from edgeenc.errors import InputError
from edgeenc.model.purpose import Kind
from edgeenc.tasks.datafile import LABEL_NAMES, TEXT_NAMES, wrong
from edgeenc.tasks.datatable import Table
from edgeenc.tasks.examples import Item
from edgeenc.tasks.spec import TaskSpec

OPTIONS = "--text-column/--label-column"


@dataclass(frozen=True, slots=True)
class Columns:
    """What was chosen.

    Attributes:
        text: column of the texts, or of the words.
        label: column of the labels, or of the tags.
        kind: whether a row is a text to classify or a sentence to tag.
    """

    text: str
    label: str
    kind: Kind


def choose(spec: TaskSpec, table: Table) -> Columns:
    """Return the columns that the spec names, or else those with usual names; where they hold lists, tags are meant.

    Raises:
        InputError: a named column is not there; or none, or more than one, has a usual name.
    """
    fitting = [c for c in table.columns if spec.kind in ("", "tag" if _has_lists(table, c) else "classify")]
    usual = _usual(fitting, LABEL_NAMES) or _usual(table.columns, LABEL_NAMES)
    label = _named(table, spec.label) or _guess(table, _of_task(spec.name, usual), "labels")
    kind = spec.kind or ("tag" if _has_lists(table, label) else "classify")
    texts = [column for column in _usual(table.columns, TEXT_NAMES) if column != label]
    alike = [column for column in texts if _has_lists(table, column) == _has_lists(table, label)]
    text = _named(table, spec.text) or _guess(table, alike or texts, "words" if kind == "tag" else "texts")
    if text == label:
        raise InputError(f"task data {table.path}: {text!r} is asked for both text and label; {_listing(table)}")
    return Columns(text, label, kind)


def to_items(table: Table, columns: Columns) -> tuple[Item, ...]:
    """Return the rows as items; integers become `0`, `1`, ..., or the names that the file gives them.

    Raises:
        InputError: the table lacks a column; a row has no text or label, one of the wrong kind, or not a tag a word.
    """
    for column in (columns.text, columns.label):
        _named(table, column)
    empty = [at for at, row in zip(table.lines, table.rows, strict=True) if _is_empty(row.get(columns.text))]
    empty += [at for at, row in zip(table.lines, table.rows, strict=True) if _is_empty(row.get(columns.label))]
    if empty:
        raise wrong(
            table.path,
            min(empty),
            f"no {columns.text!r} or no {columns.label!r} in {len(set(empty)):,} of {len(table.rows):,} rows,"
            " of which this is the first; remove or complete them",
        )
    read = _tagged_items if columns.kind == "tag" else _text_items
    return tuple(read(table, columns))


def _text_items(table: Table, columns: Columns) -> Iterator[Item]:
    names = table.names.get(columns.label, ())
    for at, row in zip(table.lines, table.rows, strict=True):
        text, label = row[columns.text], row[columns.label]
        if not isinstance(text, str):
            raise wrong(table.path, at, f"{columns.text!r} is {_said(text)}, expected a text; {_listing(table)}")
        if isinstance(label, list | dict):
            raise wrong(table.path, at, f"{columns.label!r} is {_said(label)}, expected one label; {_listing(table)}")
        yield Item((text,), (_label(label, names),))


def _tagged_items(table: Table, columns: Columns) -> Iterator[Item]:
    names = table.names.get(columns.label, ())
    for at, row in zip(table.lines, table.rows, strict=True):
        words, tags = _list(row[columns.text]), _list(row[columns.label])
        if words is None or tags is None or not all(isinstance(word, str) for word in words):
            raise wrong(
                table.path,
                at,
                f"{columns.text!r} is {_said(row[columns.text])} and {columns.label!r} {_said(row[columns.label])},"
                f" expected a list of words and one of tags; {_listing(table)}",
            )
        if len(words) != len(tags):
            found = f"{len(words)} words in {columns.text!r} but {len(tags)} tags in {columns.label!r}"
            raise wrong(table.path, at, f"{found}: {' '.join(map(str, words))[:60]}; each word needs one tag")
        if any(_is_empty(tag) for tag in tags):
            raise wrong(table.path, at, f"a word without tag in {columns.label!r}; each word needs one tag")
        yield Item(tuple(map(str, words)), tuple(_label(tag, names) for tag in tags))


def _has_lists(table: Table, column: str) -> bool:
    """Tell by the first cell that is there."""
    return isinstance(next((row[column] for row in table.rows if row.get(column) is not None), None), list)


def _usual(columns: Collection[str], names: Collection[str]) -> list[str]:
    return [column for column in columns if column.strip().lower() in names]


def _of_task(task: str, columns: list[str]) -> list[str]:
    """Return the columns named after the task, `ner_tags` for `ner`, if there are any; else all."""
    return [column for column in columns if task in column.lower().split("_")] or columns


def _named(table: Table, column: str) -> str:
    if column and column not in table.columns:
        raise InputError(f"task data {table.path}: no column {column!r}; {_listing(table)}")
    return column


def _guess(table: Table, found: list[str], what: str) -> str:
    if len(found) == 1:
        return found[0]
    said = f"columns {', '.join(found)} may all hold the {what}" if found else f"no column with a usual name for {what}"
    raise InputError(f"task data {table.path}: {said}; {_listing(table)}")


def _listing(table: Table) -> str:
    return f"columns are {', '.join(table.columns)}; say which with {OPTIONS}"


def _list(cell: object) -> list[object] | None:
    """Return a list, or the parts of a text between its spaces."""
    if isinstance(cell, str):
        return list(cell.split())
    return cell if isinstance(cell, list) else None


def _is_empty(cell: object) -> bool:
    """Tell whether a cell says nothing: missing, not a number, without a letter, without a word."""
    if isinstance(cell, str):
        return not cell.strip()
    return cell is None or cell != cell or cell == []


def _said(cell: object) -> str:
    kind = {str: "a text", list: "a list", int: "a number", float: "a number", dict: "an object"}.get(type(cell))
    return f"{kind or type(cell).__name__} ({str(cell)[:40]})"


def _label(cell: object, names: tuple[str, ...]) -> str:
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    if isinstance(cell, int) and not isinstance(cell, bool) and 0 <= cell < len(names):
        return names[cell]
    return str(cell).strip()
