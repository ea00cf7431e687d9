"""A data file as a table of named columns, whatever its form.

Text files may be packed with gzip, xz or bzip2. Every error names the file and the line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from edgeenc.errors import InputError
from edgeenc.tasks.files.datafile import MOST_ROWS, too_large, wrong
from edgeenc.tasks.forms import form_of, given_file

Cells = Mapping[str, object]


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
        unit: what `lines` count.
    """

    path: Path
    columns: tuple[str, ...]
    rows: tuple[Cells, ...]
    lines: tuple[int, ...]
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    word_lines: tuple[tuple[int, ...], ...] = ()
    headless: bool = False
    unit: str = "line"

    def line_of(self, row: int, word: int) -> int:
        """Return the line of a word, or of its row where words have no lines of their own."""
        own = self.word_lines[row] if self.word_lines else ()
        return own[word] if word < len(own) else self.lines[row]

    def wrong(self, line: int, what: str) -> InputError:
        """Return the error that names a place of it."""
        return wrong(self.path, line, what, self.unit)


def read_table(path: Path, *, numbered: bool = False) -> DataTable:
    """Read a file in its form, which its suffix says; what one without a suffix is, and a `.txt`, is seen in it.

    Args:
        path: of the file.
        numbered: whether its columns are asked for by number, which a table without a header has.

    Raises:
        InputError: the file is missing, damaged, too large, empty, of an unknown format, or breaks its format's rules.
    """
    given = given_file(path, numbered=numbered)
    form = form_of(given)
    found = form.read(given)
    rows = tuple(islice(found.rows, MOST_ROWS + 1))
    if not rows:
        raise InputError(f"task data {path}: no example in it; expected rows with a text and a label")
    if len(rows) > MOST_ROWS:
        raise too_large(path)
    return DataTable(
        path,
        found.columns or tuple(dict.fromkeys(name for row in rows for name in row.cells)),
        tuple(row.cells for row in rows),
        tuple(row.line for row in rows),
        names=found.names,
        word_lines=tuple(row.lines for row in rows) if rows[0].lines else (),
        headless=found.headless,
        unit=form.unit,
    )
