"""Text that is not UTF-8: its encoding is named, and never guessed to read it."""

from __future__ import annotations

from edgeenc.text.beginning import Beginning
from edgeenc.text.encoding import what_encoding, wide_encoding
from edgeenc.text.look import Look


def _said(head: Beginning) -> str:
    """Name it where most of what is not ASCII is no UTF-8; a single bad line is named when it is read."""
    name = wide_encoding(head.raw, whole=head.whole)
    if name:
        return f"{name}, expected UTF-8; convert it first: iconv -f {name} -t UTF-8 FILE > NEW"
    raw = head.raw if head.whole else head.raw[: head.raw.rfind(b"\n") + 1]
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        said, line = what_encoding(raw), raw[: error.start].count(b"\n") + 1
        return f"line {line} is not UTF-8{said}" if "looks like" in said else ""
    return ""


LOOK = Look("not UTF-8", _said, rank=0, is_text=True)
