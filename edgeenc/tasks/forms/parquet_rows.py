"""Rows of Parquet, and the names of integer labels, which the library `datasets` notes beside the schema."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from edgeenc.errors import InputError
from edgeenc.tasks.files.datafile import MOST_BYTES, MOST_ROWS, DataRow, too_large
from edgeenc.tasks.files.datatext import require_file
from edgeenc.tasks.files.given_file import GivenFile
from edgeenc.tasks.labelled_form import Fit, FormRows, LabelledForm

if TYPE_CHECKING:
    from pyarrow import parquet

Names = Mapping[str, tuple[str, ...]]


def parquet_rows(path: Path) -> FormRows:
    """Return the rows of a file, counted from 1, and its columns in their order.

    Raises:
        InputError: the file is missing, damaged or too large, or two columns have one name.
    """
    import pyarrow as pa
    from pyarrow import parquet

    require_file(path)
    try:
        with parquet.ParquetFile(path) as file:
            _require_size(path, file.metadata)
            read = file.read()
        columns = tuple(read.column_names)
        twice = [name for name, count in Counter(columns).items() if count > 1]
        if twice:
            raise InputError(f"task data {path}: a column name is given twice: {twice[0][:40]!r}; rename one")
        rows = tuple(DataRow(number, cells) for number, cells in enumerate(read.to_pylist(), 1))
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        raise InputError(f"task data {path}: no readable Parquet file ({str(error)[:200]})") from None
    return FormRows(rows, columns, _label_names(read.schema.metadata))


def _require_size(path: Path, found: parquet.FileMetaData) -> None:
    """Do nothing if a file is as small unpacked as other files have to be."""
    size = sum(found.row_group(number).total_byte_size for number in range(found.num_row_groups))
    if size > MOST_BYTES or found.num_rows > MOST_ROWS:
        raise too_large(path)


def _label_names(metadata: Mapping[bytes, bytes] | None) -> Names:
    """Return the names that are noted; a note that cannot be read has none."""
    try:
        noted = json.loads((metadata or {}).get(b"huggingface", b"{}"))
    except (ValueError, RecursionError):
        return {}
    info = noted.get("info") if isinstance(noted, dict) else None
    features = info.get("features") if isinstance(info, dict) else None
    if not isinstance(features, dict):
        return {}
    return {column: found for column, feature in features.items() if (found := _class_names(feature))}


def _class_names(feature: object) -> tuple[str, ...]:
    """Return the names of a ClassLabel, or of a list of them; none for another feature."""
    if isinstance(feature, list):
        feature = feature[0] if len(feature) == 1 else None
    elif isinstance(feature, dict) and "feature" in feature:
        feature = feature["feature"]
    if isinstance(feature, dict) and feature.get("_type") == "ClassLabel" and isinstance(feature.get("names"), list):
        return tuple(map(str, feature["names"]))
    return ()


def _read(given: GivenFile) -> FormRows:
    return parquet_rows(given.path)


FORM = LabelledForm("Parquet", (".parquet",), lambda _: Fit.NO, _read, is_text=False, unit="row")
