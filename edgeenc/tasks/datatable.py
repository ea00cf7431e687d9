"""A data file as a table of named columns: CSV, TSV, JSONL, JSON, Parquet, CoNLL-U and plain CoNLL columns.

Text files may be packed with gzip or xz. Every error names the file and the line.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from edgeenc.errors import InputError
from edgeenc.tasks.conll import column_rows, conllu_rows, is_tagged
from edgeenc.tasks.datafile import COLUMNED, CONLLU, LISTED, PARQUET, SUFFIXES, read_text, suffix, wrong

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
    """

    path: Path
    columns: tuple[str, ...]
    rows: tuple[Cells, ...]
    lines: tuple[int, ...]
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def read_table(path: Path) -> DataTable:
    """Read a file by its suffix.

    Raises:
        InputError: the file is missing, damaged, empty, of an unknown format, or breaks the rules of its format.
    """
    kind = suffix(path)
    if kind not in SUFFIXES:
        raise InputError(
            f"task data {path}: unknown format {kind!r}; known: {' '.join(SUFFIXES)}, text also .gz or .xz"
        )
    table = _parquet(path) if kind == PARQUET else _from_text(path, kind)
    if not table.rows:
        raise InputError(f"task data {path}: no example in it; expected rows with a text and a label")
    return table


def _from_text(path: Path, kind: str) -> DataTable:
    text = read_text(path)
    if kind == CONLLU:
        found = conllu_rows(path, text)
    elif kind in COLUMNED or (kind == ".tsv" and is_tagged(text)):
        found = column_rows(path, text)
    else:
        found = _listed(path, text) if kind in LISTED else _delimited(path, text)
    lines, rows = [], list[Cells]()
    for line, row in found:
        lines.append(line)
        rows.append(row)
    return DataTable(path, tuple(dict.fromkeys(name for row in rows for name in row)), tuple(rows), tuple(lines))


def _delimited(path: Path, text: str) -> Iterator[tuple[int, Cells]]:
    """Yield the rows of CSV (comma, semicolon or tab, whichever cuts the header most) or TSV under its header."""
    first = text.split("\n", 1)[0]
    delimiter = "\t" if suffix(path) == ".tsv" else max(",;\t", key=first.count)
    records = _records(path, text, delimiter)
    if not records:
        return
    header = [name.strip() for name in records[0][1]]
    if len(set(header)) < len(header):
        raise wrong(path, 1, f"a column name is given twice in {header}; rename one")
    for line, cells in records[1:]:
        if len(cells) != len(header):
            raise wrong(
                path,
                line,
                f"{len(cells)} cells, but the header names {len(header)} columns {header}; quote a cell"
                " that contains the delimiter or a line break",
            )
        yield line, dict(zip(header, cells, strict=True))


def _records(path: Path, text: str, delimiter: str) -> list[tuple[int, list[str]]]:
    """Return the records with the line where each starts.

    Many TSV files quote nothing, so that a stray quote would swallow lines: if taking quotes as letters gives a
    regular table with more records, that is what was meant.
    """
    quoted, trouble = _parsed(text, delimiter, csv.QUOTE_MINIMAL)
    if delimiter == "\t" and '"' in text:
        plain, _ = _parsed(text, delimiter, csv.QUOTE_NONE)
        if len(plain) > len(quoted) and len({len(cells) for _, cells in plain}) == 1:
            return plain
    if trouble:
        raise wrong(path, quoted[-1][0] + 1 if quoted else 1, f"{trouble}; a quote may be open from there on")
    return quoted


def _parsed(text: str, delimiter: str, quoting: Literal[0, 3]) -> tuple[list[tuple[int, list[str]]], str]:
    """Return the records, quoted as usual (0) or with quotes as letters (3), and what ended the reading early."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quoting=quoting, strict=True)
    found, line = [], 1
    try:
        for cells in reader:
            if cells and any(cells):
                found.append((line, cells))
            line = reader.line_num + 1
    except csv.Error as error:
        return found, str(error)
    return found, ""


def _listed(path: Path, text: str) -> Iterator[tuple[int, Cells]]:
    """Yield the objects of JSONL, or of one JSON list."""
    if suffix(path) == ".json" and text.lstrip().startswith("["):
        try:
            rows = json.loads(text)
        except json.JSONDecodeError as error:
            raise wrong(path, error.lineno, f"broken JSON ({error.msg})") from None
        numbered = enumerate(rows, 1)
    else:
        numbered = _json_lines(path, text)
    for line, row in numbered:
        if not isinstance(row, dict):
            raise wrong(
                path, line, f'an object such as {{"text": ..., "label": ...}} is expected, found {str(row)[:40]}'
            )
        yield line, row


def _json_lines(path: Path, text: str) -> Iterator[tuple[int, object]]:
    for line, content in enumerate(text.split("\n"), 1):
        if content.strip():
            try:
                yield line, json.loads(content)
            except json.JSONDecodeError as error:
                raise wrong(path, line, f"broken JSON ({error.msg} at character {error.colno})") from None


def _parquet(path: Path) -> DataTable:
    """Read Parquet; the names of integer labels are in what the library `datasets` notes beside the schema."""
    import pyarrow as pa
    from pyarrow import parquet

    try:
        read = parquet.read_table(path)
    except FileNotFoundError:
        raise InputError(f"task data {path}: no such file") from None
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"task data {path}: no readable Parquet file ({str(error)[:200]})") from None
    noted = json.loads((read.schema.metadata or {}).get(b"huggingface", b"{}"))
    features = noted.get("info", {}).get("features", {})
    names = {column: found for column, feature in features.items() if (found := _class_names(feature))}
    rows = tuple(read.to_pylist())
    return DataTable(path, tuple(read.column_names), rows, tuple(range(1, len(rows) + 1)), names)


def _class_names(feature: object) -> tuple[str, ...]:
    """Return the names of a ClassLabel, or of a list of them; none for another feature."""
    if isinstance(feature, list):
        feature = feature[0] if len(feature) == 1 else None
    elif isinstance(feature, dict) and "feature" in feature:
        feature = feature["feature"]
    if isinstance(feature, dict) and feature.get("_type") == "ClassLabel":
        return tuple(map(str, feature.get("names") or ()))
    return ()
