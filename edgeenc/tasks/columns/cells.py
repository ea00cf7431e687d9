"""What the cells of a table say: empty or not, a text or a list, which label; and how an error describes them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from edgeenc.tasks.datatable import DataTable

OPTIONS = "--text-column/--label-column"


MOST_COLUMNS = 12
"""Columns of a list in a message."""
_BLANKS = re.compile(r"[ \t\r\n\f\v]+")


def listing(table: DataTable, beside: Sequence[str] = ()) -> str:
    """Return the columns, the keys `beside` them that may be asked for too, and how to choose.

    A column that has a number for a name is shown with what it holds first.
    """
    named = ", ".join(_called(table, column) for column in table.columns[:MOST_COLUMNS])
    more = f" and {len(table.columns) - MOST_COLUMNS} more" if len(table.columns) > MOST_COLUMNS else ""
    keys = f", also {', '.join(beside[:6])}{', ...' if len(beside) > 6 else ''}" if beside else ""
    return f"columns are {named}{more}{keys}; say which with {OPTIONS}"


def _called(table: DataTable, column: str) -> str:
    if not column.isdecimal() or not table.rows:
        return column[:40]
    cell = table.rows[0].get(column)
    return f"{column} ({str(cell[0] if isinstance(cell, list) and cell else cell)[:20]})"


def as_list(cell: object) -> list[object] | None:
    """Return a list, or the parts of a text between its spaces; a no-break space parts nothing."""
    if isinstance(cell, str):
        return [part for part in _BLANKS.split(cell) if part]
    return cell if isinstance(cell, list) else None


def is_empty(cell: object) -> bool:
    """Tell whether a cell says nothing: missing, not a number, without a letter, without a word."""
    if isinstance(cell, str):
        return not cell.strip()
    return cell is None or cell != cell or cell == []


def said(cell: object) -> str:
    """Return what a cell is, and how it begins."""
    kind = {str: "a text", list: "a list", int: "a number", float: "a number", dict: "an object"}.get(type(cell))
    return f"{kind or type(cell).__name__} ({str(cell)[:40]})"


def label_of(table: DataTable, column: str, line: int, cell: object) -> str:
    """Return the label that a cell says: a number is one of the names that the file gives; `1.0` is `1`.

    Raises:
        InputError: a number for which the file gives no name; -1 has none where labels are withheld.
    """
    names = table.names.get(column, ())
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    if names and isinstance(cell, int) and not isinstance(cell, bool) and cell >= 0:
        if cell >= len(names):
            raise table.wrong(line, f"{cell} in {column!r}, for which the file gives {len(names)} names only")
        return names[cell]
    return str(cell).strip()
