"""Cells of a table that are lists as Python, JSON or numpy write them: `['Ana', 'ay']`, `["O"]`, `['O' 'B-PER']`."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass

from edgeenc.tasks.files.datafile import DataRow

_ITEM = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|[^\s,'\"\[\]]+")
_PLAIN = re.compile(r"[\s,]*")


def with_lists(rows: Sequence[DataRow]) -> Sequence[DataRow]:
    """Return rows in which the cells of a column are lists, where all of them are written so."""
    found = {name: lists for name in rows[0].cells if (lists := _column([row.cells[name] for row in rows]))}
    if not found:
        return rows
    read = {name: iter(lists.cells) for name, lists in found.items()}
    return [row._replace(cells={**row.cells, **{name: next(cells) for name, cells in read.items()}}) for row in rows]


@dataclass(frozen=True, slots=True)
class _Lists:
    cells: tuple[list[object], ...]


def _column(cells: Sequence[object]) -> _Lists | None:
    """Return the lists that the cells of a column are; nothing if one is none."""
    if not all(isinstance(cell, str) and cell.strip()[:1] == "[" and cell.strip()[-1:] == "]" for cell in cells):
        return None
    lists = [_list(str(cell).strip()) for cell in cells]
    read = tuple(one for one in lists if one is not None)
    return _Lists(read) if len(read) == len(lists) else None


def _list(cell: str) -> list[object] | None:
    """Return a list; commas between its items are not needed, as numpy leaves them out."""
    inside = cell[1:-1]
    if _PLAIN.fullmatch(_ITEM.sub("", inside)) is None:
        return None
    try:
        return [_value(item) for item in _ITEM.findall(inside)]
    except (ValueError, SyntaxError):
        return None


def _value(item: str) -> object:
    return ast.literal_eval(item) if item[0] in "'\"" or item.lstrip("-").isdecimal() else item
