"""Characters that a trimmed tokenizer must still spell: those of the text, in every form that Unicode gives them."""

from __future__ import annotations

import string
import unicodedata
from collections.abc import Iterable
from collections.abc import Set as AbstractSet

ALWAYS = frozenset(string.ascii_letters + string.digits + string.punctuation + "\u00ad\u200b\u200c\u200d\ufe0e\ufe0f")
"""Any text may hold these, whatever the corpus holds; the last six are joiners, soft hyphens and styles of emoji."""


def forms(text: str) -> tuple[str, ...]:
    """Return a text as others may write it: composed, decomposed, compatible, in upper and lower case, without spaces.

    The text itself is the first.
    """
    unicode_forms = (unicodedata.normalize(form, text) for form in ("NFC", "NFD", "NFKC"))
    return tuple(dict.fromkeys((text, *unicode_forms, text.upper(), text.lower(), "".join(text.split()))))


def needed(token: str, characters: AbstractSet[str]) -> bool:
    """Tell whether a token is one character that the text holds, or that any text may hold."""
    return len(token) == 1 and (token in characters or _anywhere(token))


def spelt(characters: AbstractSet[str], tokens: Iterable[str]) -> frozenset[str]:
    """Return the characters of `tokens` that are those of a text in some form; the text's own are among them.

    Forms are upper and lower case, and what is composed, decomposed or made compatible (NFC, NFD, NFKC, NFKD). A
    character counts where the text has all that it is made of. Hangul syllables are thousands made of few letters: of
    those only the text's own count.

    Worked example: a text with é and o has E, the combining accent, and ó; it has not è.
    """
    candidates = frozenset[str]().union(*tokens) - characters
    had = frozenset[str]().union(*map(_made_of, (*characters, *filter(_anywhere, candidates))))
    return frozenset(characters) | {c for c in candidates if not _is_syllable(c) and _made_of(c) <= had}


def _made_of(character: str) -> frozenset[str]:
    """Return the characters that one decomposes to when its case is folded."""
    folded = unicodedata.normalize("NFKD", character).casefold()
    return frozenset(unicodedata.normalize("NFKD", folded))


def _is_syllable(character: str) -> bool:
    return "\uac00" <= character <= "\ud7a3"


def _anywhere(character: str) -> bool:
    """Tell whether text in any language may hold this character."""
    western = ord(character) < 0x100 or 0x2000 <= ord(character) < 0x20D0
    return character in ALWAYS or (western and unicodedata.category(character)[0] in "PN") or character in "€£¥¢§©®°"
