"""Numbered lines, as the Leipzig corpora have them: a number that grows, a tab, a sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from edgeenc.errors import InputError
from edgeenc.text.beginning import Beginning
from edgeenc.text.packing import Piece
from edgeenc.text.text_form import TextForm, decoded_lines

_NUMBERED = re.compile(r" *(\d{1,15})\t([^\t]*)\n?")


def _fits(head: Beginning) -> bool:
    found = [_NUMBERED.fullmatch(line) for line in head.lines]
    numbers = [int(one[1]) for one in found if one]
    return len(numbers) == len(found) > 1 and all(one < other for one, other in pairwise(numbers))


def _read(piece: Piece, column: str) -> Iterator[str]:
    if column:
        raise InputError(f"corpus {piece.called}: numbered lines have no column {column!r}; leave #{column} out")
    for _, line in decoded_lines(piece):
        found = _NUMBERED.fullmatch(line.replace("\r\n", "\n"))
        yield found[2] if found else line


FORM = TextForm("numbered", _fits, _read)
