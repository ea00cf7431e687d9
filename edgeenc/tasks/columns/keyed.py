"""Columns of CoNLL-U whose cells are `key=value|key=value`: `misc.NER` is the value of NER in `misc`, a word each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from edgeenc.tasks.datatable import Cells, DataTable
from edgeenc.tasks.forms.conllu import KEYED
from edgeenc.tasks.tags.schemes import OUTSIDE, are_spans

MISSING = "_"
"""What a word without the key has; of spans such a word is outside."""


def keys_of(table: DataTable) -> tuple[str, ...]:
    """Return what can be asked for beside the columns: `misc.NER`, `feats.Case`, sorted."""
    found = {f"{column}.{key}" for column, cell in _cells(table) for key, _ in _pairs(cell)}
    return tuple(sorted(found))


def with_key(table: DataTable, column: str) -> DataTable:
    """Return the table with the column `misc.KEY` where one of that name is asked for and can be made."""
    name, _, key = column.partition(".")
    if column in table.columns or name not in KEYED or name not in table.columns or not key:
        return table
    values = [[dict(_pairs(cell)).get(key) for cell in _list(row, name)] for row in table.rows]
    given = {value for row in values for value in row if value is not None}
    if not given:
        return table
    missing = OUTSIDE if are_spans(given) and OUTSIDE not in given else MISSING
    rows = tuple(
        {**row, column: [missing if value is None else value for value in own]}
        for row, own in zip(table.rows, values, strict=True)
    )
    return replace(table, columns=(*table.columns, column), rows=rows)


def _cells(table: DataTable) -> Iterator[tuple[str, str]]:
    for column in KEYED:
        if column in table.columns:
            yield from ((column, cell) for row in table.rows for cell in _list(row, column))


def _list(row: Cells, column: str) -> list[str]:
    cells = row[column]
    return list(map(str, cells)) if isinstance(cells, list) else []


def _pairs(cell: str) -> Iterator[tuple[str, str]]:
    """Yield keys and values; some files part them by spaces."""
    for pair in cell.replace(" ", "|").split("|"):
        key, sign, value = pair.partition("=")
        if sign and key:
            yield key, value
