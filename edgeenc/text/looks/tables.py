"""Tables: cells between commas, semicolons, tabs or bars."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence

from edgeenc.text.beginning import Beginning
from edgeenc.text.look import ENOUGH, FEWEST, USE_DATA, Look, most, usual

_USUAL = frozenset("id text sentence label labels tag tags class category sentiment title url lang language".split())
"""Usual names of columns."""
_DELIMITERS = {"\t": "tabs", ",": "commas", ";": "semicolons", "|": "bars"}


def _said(head: Beginning) -> str:
    if head.text.startswith("sep="):
        return _as_table(head.text[4:5], ())
    named = head.suffix in (".csv", ".tsv", ".tab")
    header = head.lines[0] if head.lines else ""
    sign = next((sign for sign in _DELIMITERS if sign in header), ",")
    columns = [name.strip('" ') for name in header.split(sign)]
    if _has_usual(columns) if named else _is_header(columns):
        return _as_table(sign, [columns])
    for sign in _DELIMITERS:
        if same := _table_rows(head, sign, named=named):
            return _as_table(sign, same)
    return ""


def _table_rows(head: Beginning, sign: str, *, named: bool) -> Sequence[Sequence[str]]:
    """Return the rows of the commonest width, where they make a table; of few lines a name or tabs must say so too."""
    rows = list(_rows(head, sign))
    width = usual(map(len, rows))
    same = [row for row in rows if len(row) == width]
    fewest = 1 if named else 2 if sign == "\t" else FEWEST
    enough = len(rows) >= fewest and width > 1 and len(same) >= (0.6 if named else ENOUGH) * len(rows)
    return same if enough and _cells(sign, same) else ()


def _is_header(columns: Sequence[str]) -> bool:
    """Tell names of columns, two of them usual, from words of a sentence."""
    return (
        len(columns) > 1 and all(map(str.isidentifier, columns)) and sum(one.lower() in _USUAL for one in columns) > 1
    )


def _has_usual(columns: Sequence[str]) -> bool:
    return any(name.strip().lower() in _USUAL for name in columns)


def _cells(sign: str, rows: Sequence[Sequence[str]]) -> bool:
    """Tell cells from parts of sentences, whose commas have a space behind them, by that or by the names of columns."""
    if sign not in ",;" or _has_usual(rows[0]):
        return True
    return most((not any(cell.startswith(" ") for cell in row[1:]) for row in rows), 0.8)


def _rows(head: Beginning, sign: str) -> Iterator[Sequence[str]]:
    """Yield the cells of the first rows; those in quotes may have several lines."""
    text = head.text if head.whole else head.text[: head.text.rfind("\n") + 1]
    try:
        for row in csv.reader(text.splitlines(keepends=True)[:300], delimiter=sign, strict=sign != "\t"):
            if row:
                yield row
    except csv.Error:
        return


def _as_table(sign: str, rows: Sequence[Sequence[str]]) -> str:
    names = ["".join(c for c in name.strip()[:20] if c.isprintable()) or "''" for name in rows[0][:5]] if rows else []
    columns = f", columns {', '.join(names)}{', ...' if len(rows[0]) > 5 else ''}" if rows else ""
    shown = f"a table ({_DELIMITERS.get(sign, 'columns')}{columns}), not text; {USE_DATA}"
    cut = f", e.g. cut -f{_longest(rows)} FILE > NEW" if sign == "\t" and rows else ""
    return f"{shown}; as a corpus give its texts alone, one a line{cut}"


def _longest(rows: Sequence[Sequence[str]]) -> int:
    """Return the number, from 1, of the column with most characters."""
    return 1 + max(range(len(rows[0])), key=lambda place: sum(len(row[place]) for row in rows))


LOOK = Look("table", _said, rank=3)
