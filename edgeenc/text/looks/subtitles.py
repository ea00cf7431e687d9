"""Subtitles: lines with the times at which they are shown."""

from __future__ import annotations

import re

from edgeenc.text.beginning import Beginning
from edgeenc.text.look import Look

_TIMED = re.compile(
    r"(\d+:)?\d\d:\d\d[.,]\d{1,3}\s*-->|\{\d+\}\{\d+\}|\[\d\d:\d\d[.:]\d\d\]|\d+:\d\d:\d\d\.\d\d,\d|Dialogue: \d"
)
"""SubRip and WebVTT, MicroDVD, lyrics, SubViewer, SubStation."""


def _said(head: Beginning) -> str:
    timed = sum(bool(_TIMED.match(line.lstrip("\ufeff"))) for line in head.lines)
    early = any(_TIMED.match(line) for line in head.lines[:6])
    told = early or (timed > 2 and 5 * timed > len(head.lines)) or head.lines[:1] == ("[Script Info]",)
    return "subtitles, not text; leave the numbers and times out" if told else ""


LOOK = Look("subtitles", _said)
