"""Words as the running text that an app has: spaces between them, none where a text has none.

Tokenizers that keep the space before a word (byte-level BPE, SentencePiece) make other tokens of a word that stands
alone, so a tagger learns, and is scored, on what it will read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import regex

_CLOSES = regex.compile(r"[\p{Pe}\p{Pf}.,;:!?%…。、，．！？：；،؛؟۔।॥၊။།]+")
_OPENS = regex.compile(r"[\p{Ps}\p{Pi}¿¡]+")
_BINDS = regex.compile(r"\p{L}+-|(\p{L}|[Qq]u)['’]")  # what is written onto the next word: il-, d', qu'
_QUOTES = frozenset("\"'")
_UNSPACED = regex.compile(r"[\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}\p{Han}\p{Hiragana}\p{Katakana}]")


def running_text(words: Sequence[str], spaces: Sequence[bool] = ()) -> tuple[str, tuple[int, ...]]:
    """Return the text of `words`, and at which character of it each word begins.

    Worked example: `Si`, `Juan`, `,`, `ang`, `guro`, `.` give `Si Juan, ang guro.` and 0, 3, 7, 9, 13, 17.

    Args:
        words: of one sentence.
        spaces: whether a space stands before each word, where the source says it; else it follows from the writing:
            none before what closes, after what opens, after a bound article, or inside scripts without spaces.
    """
    text, starts = "", list[int]()
    for word, apart in zip(words, spaces or _guessed(words), strict=True):
        text += " " if apart and text else ""
        starts.append(len(text))
        text += word
    return text, tuple(starts)


def _guessed(words: Sequence[str]) -> Iterator[bool]:
    """Yield whether a space stands before each word, by how text is commonly written."""
    before, inside = "", set[str]()  # the word before; the straight quotes that are open
    for word in words:
        quote, was_quote = word in _QUOTES, before in _QUOTES
        closing = _CLOSES.fullmatch(word) or (quote and word in inside)
        given = _OPENS.fullmatch(before) or (was_quote and before in inside) or _BINDS.fullmatch(before)
        unspaced = before and word and _UNSPACED.match(before[-1]) and _UNSPACED.match(word[0])
        yield not (closing or given or unspaced)
        if quote:
            inside ^= {word}
        before = word
