"""What the cells of a table say: empty or not, a text or a list, which label; and how an error describes them."""

from __future__ import annotations

from edgeenc.tasks.datatable import DataTable

OPTIONS = "--text-column/--label-column"


def listing(table: DataTable) -> str:
    """Return the columns, and how to choose among them."""
    return f"columns are {', '.join(table.columns)}; say which with {OPTIONS}"


def as_list(cell: object) -> list[object] | None:
    """Return a list, or the parts of a text between its spaces."""
    if isinstance(cell, str):
        return list(cell.split())
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


def label_of(cell: object, names: tuple[str, ...]) -> str:
    """Return the label that a cell says: a number is one of `names` where the file gives them."""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    if isinstance(cell, int) and not isinstance(cell, bool) and 0 <= cell < len(names):
        return names[cell]
    return str(cell).strip()
