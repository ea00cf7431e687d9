"""Texts with their labels before them, as fastText reads them."""

from __future__ import annotations

from edgeenc.text.beginning import Beginning
from edgeenc.text.look import Look, most


def _said(head: Beginning) -> str:
    if not most((line.startswith("__label__") for line in head.lines), 0.8):
        return ""
    return (
        "labelled lines of fastText (__label__...), not text; as a corpus take the labels out:"
        " sed 's/__label__[^ ]* *//g' FILE > NEW"
    )


LOOK = Look("fastText", _said)
