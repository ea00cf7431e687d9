"""Which columns of a table hold the texts and the labels, and what they say as items.

Guessed from usual names; where several would do, or none, the user is asked. A column of lists has words or tags.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from edgeenc.errors import InputError
from edgeenc.tasks.cells import is_empty, listing
from edgeenc.tasks.datafile import LABEL_NAMES, TEXT_NAMES, wrong
from edgeenc.tasks.datatable import DataTable
from edgeenc.tasks.item import Item
from edgeenc.tasks.spec import TaskSpec
from edgeenc.tasks.task_kind import TaskKind, task_kind_named, task_kinds


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

    Raises:
        InputError: a named column is not there; or none, or more than one, has a usual name.
    """
    asked = task_kind_named(spec.kind) if spec.kind else None
    fitting = [column for column in table.columns if asked is None or asked.lists == _has_lists(table, column)]
    usual = _usual(fitting, LABEL_NAMES) or _usual(table.columns, LABEL_NAMES)
    label = _named(table, spec.label_column) or _guess(table, _of_task(spec.name, usual), "labels")
    kind = asked or next(one for one in task_kinds() if one.lists == _has_lists(table, label))
    texts = [column for column in _usual(table.columns, TEXT_NAMES) if column != label]
    alike = [column for column in texts if _has_lists(table, column) == _has_lists(table, label)]
    text = _named(table, spec.text_column) or _guess(table, alike or texts, kind.texts)
    if text == label:
        raise InputError(f"task data {table.path}: {text!r} is asked for both text and label; {listing(table)}")
    return Columns(text, label, kind)


def to_items(table: DataTable, columns: Columns) -> tuple[Item, ...]:
    """Return the rows as items; integers become `0`, `1`, ..., or the names that the file gives them.

    Raises:
        InputError: the table lacks a column; a row has no text or label, one of the wrong kind, or not a tag a word.
    """
    for column in (columns.text, columns.label):
        _named(table, column)
    empty = [at for at, row in zip(table.lines, table.rows, strict=True) if is_empty(row.get(columns.text))]
    empty += [at for at, row in zip(table.lines, table.rows, strict=True) if is_empty(row.get(columns.label))]
    if empty:
        raise wrong(
            table.path,
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
        raise InputError(f"task data {table.path}: no column {column!r}; {listing(table)}")
    return column


def _guess(table: DataTable, found: list[str], what: str) -> str:
    if len(found) == 1:
        return found[0]
    said = f"columns {', '.join(found)} may all hold the {what}" if found else f"no column with a usual name for {what}"
    raise InputError(f"task data {table.path}: {said}; {listing(table)}")
