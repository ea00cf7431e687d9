"""A word and its tags on each line."""

from __future__ import annotations

import re

from edgeenc.text.beginning import Beginning
from edgeenc.text.look import FEWEST, USE_DATA, Look, most, usual

_TAG = re.compile(r"[BIESLUM]-\S+|O|[A-Z]{1,6}[A-Z0-9$:.+|_-]*|[.,:;!?\"'()$#`]+")
"""A tag of names, or of words: `B-PER`, `O`, `NOUN`, `PRP$`, `.`."""


def _said(head: Beginning) -> str:
    """Find a word and its tags on each line, between spaces or tabs."""
    rows = [line.split() for line in head.lines if not line.startswith(("#", "-DOCSTART-"))]
    width = usual(map(len, rows))
    if len(rows) < FEWEST or width not in range(2, 7) or not most(len(row) == width for row in rows):
        return ""
    last = [row[-1] for row in rows]
    kinds = set(last)
    if not most(_TAG.fullmatch(tag) for tag in last) or not 1 < len(kinds) <= max(3, len(last) // 3):
        return ""
    if (
        sum(tag.isalpha() or "-" in tag for tag in kinds) < len(kinds) / 2
    ):  # tokens of a text, that end with a full stop
        return ""
    return f"a word and its tag on each line, not running text; {USE_DATA}"


LOOK = Look("tagged words", _said, rank=2)
