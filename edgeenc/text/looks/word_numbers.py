"""Words with numbers: lists of counts, and vectors of words."""

from __future__ import annotations

import re

from edgeenc.text.beginning import Beginning
from edgeenc.text.look import FEWEST, Look, most

_NUMBER = re.compile(r"-?\d+([.,]\d+)?(e-?\d+)?")


def _said(head: Beginning) -> str:
    """Find lines of one word and numbers behind it, or one number before it."""
    rows = [line.split() for line in head.lines]
    if len(rows) < FEWEST or not most(len(row) > 1 for row in rows):
        return ""
    behind = most(len(row) > 1 and all(map(_NUMBER.fullmatch, row[1:])) for row in rows)
    before = most(len(row) == 2 and _NUMBER.fullmatch(row[0]) for row in rows)
    return "words with numbers, not running text; a corpus needs sentences" if behind or before else ""


LOOK = Look("numbers", _said, rank=2)
