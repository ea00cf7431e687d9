"""A data file as a table of named columns: CSV, TSV, JSONL, JSON, Parquet, CoNLL-U and plain CoNLL columns.

Text files may be packed with gzip, xz or bzip2. Every error names the file and the line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from edgeenc.errors import InputError
from edgeenc.tasks.conll import column_rows, conllu_rows, is_tagged
from edgeenc.tasks.datafile import (
    COLUMNED,
    CONLLU,
    DELIMITED,
    LISTED,
    MOST_ROWS,
    PARQUET,
    SUFFIXES,
    DataRow,
    suffix,
    too_large,
)
from edgeenc.tasks.datatext import read_text
from edgeenc.tasks.delimited import DELIMITERS, delimited, usual_names
from edgeenc.tasks.jsonrows import json_rows
from edgeenc.tasks.parquetrows import parquet_rows

Cells = Mapping[str, object]
NOTED = ".txt"
"""The suffix that says least: its text is looked at first."""
LOOK = 400
"""Lines that are looked at."""

_JSON = re.compile(r"\s*(\{\s*(\"|$)|\[\s*(\{|$))", re.MULTILINE)


@dataclass(frozen=True)
class DataTable:
    """The rows of a file.

    Attributes:
        path: of the file.
        columns: their names, in the order of the file.
        rows: cells by column; a column of a sentence's words or tags has a list.
        lines: for each row the line where it starts, counted from 1; for Parquet the number of the row.
        names: of integer labels by column, where the file gives them.
        word_lines: for each row the line of each of its words, where they have their own.
        headless: whether a table of texts has no header, so that its columns are called `1`, `2`, ...
    """

    path: Path
    columns: tuple[str, ...]
    rows: tuple[Cells, ...]
    lines: tuple[int, ...]
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    word_lines: tuple[tuple[int, ...], ...] = ()
    headless: bool = False

    def line_of(self, row: int, word: int) -> int:
        """Return the line of a word, or of its row where words have no lines of their own."""
        own = self.word_lines[row] if self.word_lines else ()
        return own[word] if word < len(own) else self.lines[row]


def read_table(path: Path, *, numbered: bool = False) -> DataTable:
    """Read a file by its suffix; what a file without one is, and a `.txt`, is seen in it.

    Args:
        path: of the file.
        numbered: whether its columns are asked for by number, which a table without a header has.

    Raises:
        InputError: the file is missing, damaged, too large, empty, of an unknown format, or breaks its format's rules.
    """
    kind = suffix(path)
    if kind == PARQUET:
        columns, rows, names = parquet_rows(path)
        table = DataTable(path, columns, tuple(row.cells for row in rows), tuple(row.line for row in rows), names)
    else:
        table = _from_text(path, kind, numbered=numbered)
    if not table.rows:
        raise InputError(f"task data {path}: no example in it; expected rows with a text and a label")
    return table


def _from_text(path: Path, kind: str, *, numbered: bool) -> DataTable:
    """Return the table that a text is."""
    text = read_text(path)
    form = kind if kind in SUFFIXES and kind != NOTED else _looks(text) or (kind if kind == NOTED else "")
    if form == ".tsv" and is_tagged(text):
        form = COLUMNED[0]
    if form in LISTED:
        return _table(path, json_rows(path, text))
    if form == CONLLU:
        return _table(path, conllu_rows(path, text))
    if form in DELIMITED:
        rows, headless = delimited(path, text, numbered=numbered)
        return _table(path, rows, headless=headless)
    if form in COLUMNED:
        return _table(path, column_rows(path, text))
    raise _unknown(path, kind)


def _looks(text: str) -> str:
    """Return the suffix of what a text looks like; nothing where it looks like nothing that is known."""
    if _JSON.match(text):
        return ".json"
    lines = [line.rstrip() for line in islice(text.splitlines(), LOOK) if not line.startswith("#")]
    full = [line for line in lines if line.strip()]
    if not full:
        return ""
    if len(full) == len(lines) and usual_names(re.split(f"[{DELIMITERS}]", full[0])):
        return ".tsv" if "\t" in full[0] else ".csv"
    cells = [line.split("\t") for line in full]
    if len(full) == len(lines) and 3 * sum(" " in cell for row in cells for cell in row if len(row) > 1) > len(full):
        return ".tsv"  # a cell has a text, and no sentence ends
    counts = [len(row) if len(row) > 1 else len(row[0].split(" ")) for row in cells]
    return COLUMNED[0] if 10 * sum(1 < count < 11 for count in counts) > 9 * len(counts) else ""


def _unknown(path: Path, kind: str) -> InputError:
    return InputError(f"task data {path}: unknown format {kind!r}; known: {' '.join(SUFFIXES)}, text also .gz or .xz")


def _table(path: Path, found: Iterable[DataRow], *, headless: bool = False) -> DataTable:
    rows = tuple(islice(found, MOST_ROWS + 1))
    if len(rows) > MOST_ROWS:
        raise too_large(path)
    return DataTable(
        path,
        tuple(dict.fromkeys(name for row in rows for name in row.cells)),
        tuple(row.cells for row in rows),
        tuple(row.line for row in rows),
        word_lines=tuple(row.lines for row in rows) if rows and rows[0].lines else (),
        headless=headless,
    )
