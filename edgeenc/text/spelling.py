"""Characters that a trimmed tokenizer must still spell."""

from __future__ import annotations

import string
import unicodedata
from collections.abc import Set as AbstractSet

ALWAYS = frozenset(string.ascii_letters + string.digits + string.punctuation)
"""Any text may hold these, whatever the corpus holds."""


def needed(token: str, characters: AbstractSet[str]) -> bool:
    """Tell whether a token is one character that the text holds, or that any text may hold."""
    return len(token) == 1 and (token in characters or _anywhere(token))


def _anywhere(character: str) -> bool:
    """Tell whether text in any language may hold this character."""
    western = ord(character) < 0x100 or 0x2000 <= ord(character) < 0x20D0
    return character in ALWAYS or (western and unicodedata.category(character)[0] in "PN") or character in "€£¥¢§©®°"
