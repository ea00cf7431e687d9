"""Parquet: a column of which holds the text of a document in each row; read some rows at a time."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from edgeenc.errors import InputError
from edgeenc.machine.disk import on_disk
from edgeenc.text.beginning import Beginning
from edgeenc.text.packing import Piece
from edgeenc.text.text_form import TextForm, paragraphs, require_column

ROWS = 64
"""Rows that are held at a time: documents are long."""


def _fits(head: Beginning) -> bool:
    return head.raw.startswith(b"PAR1")


def _read(piece: Piece, column: str) -> Iterator[str]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with _seekable(piece) as source, pq.ParquetFile(source, buffer_size=1 << 20) as file:
            texts = [field.name for field in file.schema_arrow if _is_text(field.type)]
            chosen = require_column(piece, column, texts, file.schema_arrow.names)
            if chosen not in texts:
                raise InputError(
                    f"corpus {piece.called}: {chosen!r} holds {file.schema_arrow.field(chosen).type}, expected text"
                )
            number = 0
            for batch in file.iter_batches(ROWS, columns=[chosen]):
                for text in batch.column(0):
                    number += 1
                    yield from paragraphs(piece, text.as_py() or "", f"row {number}")
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise InputError(f"corpus {piece.called}: damaged Parquet file ({str(error)[:200]})") from None


@contextmanager
def _seekable(piece: Piece) -> Iterator[Path | IO[bytes]]:
    """Give the file; where it is packed, what it unpacks to, in a file that is gone afterwards."""
    if not piece.member and _is_bare(piece):
        yield piece.path
        return
    folder = Path(tempfile.gettempdir())
    with on_disk(folder), tempfile.TemporaryFile() as whole:
        with piece.opened() as packed:
            shutil.copyfileobj(packed, whole, 1 << 20)
        yield whole


def _is_bare(piece: Piece) -> bool:
    with piece.path.open("rb") as file:
        return file.read(4) == b"PAR1"


def _is_text(kind: object) -> bool:
    return str(kind) in ("string", "large_string", "string_view") or str(kind).startswith(
        ("dictionary<values=string", "dictionary<values=large_string")
    )


FORM = TextForm("parquet", _fits, _read)
