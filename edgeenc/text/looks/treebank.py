"""CoNLL-U, with ten columns, or other numbered words of a treebank with comments between."""

from __future__ import annotations

import re

from edgeenc.text.beginning import Beginning
from edgeenc.text.look import FEWEST, USE_DATA, Look, most


def _said(head: Beginning) -> str:
    rows = [line.split("\t") for line in head.lines if not line.startswith("#")]
    widths = range(3, 31) if len(rows) < len(head.lines) else (10,)
    if len(rows) < FEWEST or not most(len(row) in widths and re.fullmatch(r"\d+([-.]\d+)?", row[0]) for row in rows):
        return ""
    return f"CoNLL-U, not running text; {USE_DATA}, its text comes out with: sed -n 's/^# text = //p' FILE > NEW"


LOOK = Look("conllu", _said)
