"""JSON lines: an object a line, one field of which is the text of a document; OSCAR, HPLT, mC4 and others."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import chain, islice

from edgeenc.errors import InputError
from edgeenc.text.beginning import Beginning
from edgeenc.text.packing import Piece
from edgeenc.text.text_form import LONGEST_ROW, TextForm, decoded_lines, paragraphs, require_column

_FIRST = 3
"""Objects that are looked at for the field of text: the first may lack it."""


def _fits(head: Beginning) -> bool:
    """Tell whether most first lines are objects; of a line that is longer than the beginning, whether it begins so."""
    if not head.whole and "\n" not in head.text:
        return re.match(r'\{\s*"(?:[^"\\]|\\.){1,200}"\s*:', head.text) is not None
    rows = [_object(line) is not None for line in head.lines[:50]]
    return bool(rows) and rows[0] and 2 * sum(rows) > len(rows)


def _object(line: str) -> dict[str, object] | None:
    if not line.lstrip().startswith("{"):
        return None
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _read(piece: Piece, column: str) -> Iterator[str]:
    rows = _rows(piece)
    first = list(islice(rows, _FIRST))
    if not first:
        return
    names = list(dict.fromkeys(name for _, row in first for name in row))
    texts = [name for name in names if all(isinstance(row.get(name), str | None) for _, row in first)]
    chosen = require_column(piece, column, texts, names)
    for number, row in chain(first, rows):
        text = row.get(chosen)
        if not isinstance(text, str | None):
            what = type(text).__name__
            raise InputError(f"corpus {piece.called}: line {number}: {chosen!r} holds {what}, expected text")
        yield from paragraphs(piece, text or "", f"line {number}")


def _rows(piece: Piece) -> Iterator[tuple[int, dict[str, object]]]:
    for number, line in decoded_lines(piece, LONGEST_ROW):
        if line.strip():
            row = _object(line)
            if row is None:
                raise InputError(f"corpus {piece.called}: line {number} is no JSON object; expected one on each line")
            yield number, row


FORM = TextForm("json lines", _fits, _read)
