"""Characters that a cut tokenizer must still spell."""

from __future__ import annotations

import string
import unicodedata
from collections.abc import Set as AbstractSet

ALWAYS = frozenset(string.ascii_letters + string.digits + string.punctuation)
"""Any text may hold these, whatever the corpus holds."""


def needed(piece: str, characters: AbstractSet[str]) -> bool:
    """Tell whether a piece is one character that the text holds, or that any text may hold."""
    return len(piece) == 1 and (piece in characters or _anywhere(piece))


def _anywhere(character: str) -> bool:
    """Tell whether text in any language may hold this character."""
    western = ord(character) < 0x100 or 0x2000 <= ord(character) < 0x20D0
    return character in ALWAYS or (western and unicodedata.category(character)[0] in "PN") or character in "€£¥¢§©®°"
