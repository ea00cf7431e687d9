"""Tables whose cells are parted by commas, semicolons, tabs or bars, with a header or without."""

from __future__ import annotations

import csv
import io
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Literal, NamedTuple

from edgeenc.tasks.files.datafile import MOST_ROWS, DataRow, suffix, too_large, usual_names, wrong
from edgeenc.tasks.files.given_file import GivenFile
from edgeenc.tasks.files.list_cells import with_lists
from edgeenc.tasks.labelled_form import Fit, FormRows, LabelledForm

DELIMITERS = "\t|;,"
"""The rarest in running text first: where two would do, every text may have a comma."""
LOOK = 200
"""Records that are looked at to find the delimiter."""

_SAID = re.compile(r'"?sep=(.)"?[ ;,\t]*\r?\n', re.IGNORECASE)
"""The first line of Excel that says the delimiter."""


class Record(NamedTuple):
    """The line where a record starts, and its cells."""

    line: int
    cells: list[str]


class Delimited(NamedTuple):
    """The rows of a table, and whether its first record is one of them, so that columns are called `1`, `2`, ..."""

    rows: tuple[DataRow, ...]
    headless: bool


def delimited(path: Path, text: str, *, numbered: bool) -> Delimited:
    """Return the rows of a table.

    The first record is a header, unless one of its cells comes again below itself and none is a usual name.

    Args:
        path: in errors.
        text: of the file.
        numbered: whether columns are asked for by number, so that a first record without a usual name is a row.

    Raises:
        InputError: a record has more or fewer cells than the first, a quote stays open, two columns have one name.
    """
    said = _SAID.match(text)
    delimiter = said[1] if said else _delimiter(path, text)
    skipped = 1 if said else 0
    records = [
        Record(line + skipped, cells) for line, cells in _records(path, text[said.end() :] if said else text, delimiter)
    ]
    if not records:
        return Delimited((), False)
    headless = _headless(records, numbered=numbered)
    width = len(records[0].cells)
    header = [str(place) for place in range(1, width + 1)] if headless else _header(path, records[0])
    rows = tuple(_rows(path, header, records if headless else records[1:], headless=headless))
    return Delimited(rows, headless)


def _rows(path: Path, header: Sequence[str], records: Sequence[Record], *, headless: bool) -> Iterator[DataRow]:
    for line, cells in records:
        if len(cells) > len(header) and not any(cells[len(header) :]):
            cells = cells[: len(header)]
        if len(cells) != len(header):
            named = "the first line has" if headless else "the header names"
            raise wrong(
                path,
                line,
                f"{len(cells)} cells, but {named} {len(header)} columns {_shown(header)}; quote a cell"
                " that contains the delimiter or a line break",
            )
        yield DataRow(line, dict(zip(header, cells, strict=True)))


def _shown(header: Sequence[str]) -> str:
    more = f" and {len(header) - 12} more" if len(header) > 12 else ""
    return f"[{', '.join(repr(name[:40]) for name in header[:12])}]{more}"


def _header(path: Path, record: Record) -> list[str]:
    """Return the names of the columns; one without a name has its number."""
    header = [name.strip() or str(place) for place, name in enumerate(record.cells, 1)]
    twice = [name for name, count in Counter(header).items() if count > 1]
    if twice:
        raise wrong(
            path, record.line, f"a column name is given twice in {_shown(header)}: {twice[0][:40]!r}; rename one"
        )
    return header


def _headless(records: Sequence[Record], *, numbered: bool) -> bool:
    """Tell whether the first record is a row like the others."""
    first = records[0].cells
    if usual_names(first):
        return False
    return numbered or any(
        cell.strip() and any(place < len(cells) and cells[place] == cell for _, cells in records[1:])
        for place, cell in enumerate(first)
    )


def _delimiter(path: Path, text: str) -> str:
    """Return the delimiter: one that gives a header with a usual name, or all records alike, or the most cells."""
    if suffix(path) == ".tsv" and "\t" in text.split("\n", 1)[0]:
        return "\t"

    def fit(delimiter: str) -> tuple[bool, bool, int]:
        first = [record.cells for record in islice(_parsed(path, text, delimiter, most=LOOK)[0], LOOK)]
        width = len(first[0]) if first else 0
        alike = width > 1 and len({len(cells) for cells in first}) == 1
        return width > 1 and usual_names(first[0]), alike, -DELIMITERS.index(delimiter) if alike else width

    return max(DELIMITERS, key=fit)


def _records(path: Path, text: str, delimiter: str) -> list[Record]:
    """Return the records with the line where each starts.

    Many TSV files quote nothing, so that a stray quote would swallow lines: if taking quotes as letters gives a
    regular table with more records, that is what was meant.
    """
    quoted, trouble = _parsed(path, text, delimiter)
    if delimiter == "\t" and '"' in text:
        plain, _ = _parsed(path, text, delimiter, quoting=csv.QUOTE_NONE)
        if len(plain) > len(quoted) and len({len(cells) for _, cells in plain}) == 1:
            return plain
    if trouble:
        raise wrong(path, quoted[-1].line + 1 if quoted else 1, f"{trouble}; a quote may be open from there on")
    return quoted


def _parsed(
    path: Path, text: str, delimiter: str, *, quoting: Literal[0, 3] = csv.QUOTE_MINIMAL, most: int | None = None
) -> tuple[list[Record], str]:
    """Return the records, quoted as usual (0) or with quotes as letters (3), and what ended the reading early."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quoting=quoting, strict=True)
    found, line = list[Record](), 1
    former = csv.field_size_limit(sys.maxsize)  # the library's own, of 131,072 letters, ends a long review
    try:
        for cells in reader:
            if cells and any(cells):
                found.append(Record(line, cells))
            line = reader.line_num + 1
            if most is not None and len(found) >= most:
                break
            if len(found) > MOST_ROWS:
                raise too_large(path)
    except csv.Error as error:
        return found, str(error)
    finally:
        csv.field_size_limit(former)
    return found, ""


def _looks(given: GivenFile) -> Fit:
    """Return how surely a text is a table: no blank line, and a header, or cells that have texts."""
    full = [line for line in given.first_lines if line.strip()]
    if given.suffix or not full or len(full) < len(given.first_lines):
        return Fit.NO
    if usual_names(re.split(f"[{DELIMITERS}]", full[0])):
        return Fit.CERTAIN
    rows = [line.split("\t") for line in full]
    texts = sum(" " in cell for row in rows for cell in row if len(row) > 1)
    return Fit.CERTAIN if 3 * texts > len(full) else Fit.NO


def _read(given: GivenFile) -> FormRows:
    rows, headless = delimited(given.path, given.text, numbered=given.numbered)
    return FormRows(with_lists(rows) if rows else rows, headless=headless)


FORM = LabelledForm("table", (".csv", ".tsv"), _looks, _read)
