"""Text: one sentence or paragraph a line; what no other form claims and what is not told to be something else."""

from __future__ import annotations

from collections.abc import Iterator

from edgeenc.errors import InputError
from edgeenc.text.packing import Piece
from edgeenc.text.text_form import TextForm, decoded_lines


def _read(piece: Piece, column: str) -> Iterator[str]:
    if column:
        raise InputError(f"corpus {piece.called}: text has no column {column!r}; leave #{column} out")
    for _, line in decoded_lines(piece):
        yield line


FORM = TextForm("plain", lambda _: False, _read)
