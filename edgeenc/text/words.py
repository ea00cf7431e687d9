"""Words of a line: runs between spaces; of a script without spaces, what Unicode segmentation cuts such a run into.

Thai, Lao, Khmer, Burmese, Chinese and Japanese are cut with the dictionaries of ICU, Tibetan at its marks between
syllables. Javanese, Balinese and other scripts that no dictionary of ICU knows stay runs between spaces.

Source: Unicode Standard Annex 29, section 4; the dictionaries are those of ICU.

Axis letters: T tokens.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from edgeenc.language import Tag

Span = tuple[int, int]
"""First character of a word, and the one after its last."""
Breaker = Callable[[str], Iterable[str]]

SCRIPTS = frozenset("Thai Laoo Khmr Mymr Tibt Hani Hans Hant Jpan Hira Kana Hrkt".split())
"""Scripts without spaces between words, by ISO 15924."""

SHARE = 0.2
"""Of the letters of a line, that make it one without spaces: a foreign name in a spaced line stays the word it is."""

_SPACED = re.compile(r"\S+")
_UNSPACED = re.compile(
    "[\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u19e0-\u19ff\ua9e0-\ua9ff\uaa60-\uaa7f"  # Thai to Burmese, Khmer
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3038-\u303b\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
    "\u3041-\u30ff\u31f0-\u31ff\uff66-\uff9f]"  # kana
)
_OPENING = ("Ps", "Pi")


def is_unspaced(language: Tag) -> bool:
    """Tell whether a language is written without spaces between words."""
    return language.script in SCRIPTS


def word_spans(line: str) -> list[Span]:
    """Return where the words of a line begin and end, in characters.

    Worked example: `Kumusta ka?` has the words `Kumusta` and `ka?`; `我爱北京。` has `我`, `爱` and `北京。`.
    """
    runs = [match.span() for match in _SPACED.finditer(line)]
    return [span for run in runs for span in _cut(line, run)] if _without_spaces(line) else runs


def is_cut(spans: Sequence[Span]) -> bool:
    """Tell whether some words of a line follow each other without a space."""
    return any(one[1] == other[0] for one, other in pairwise(spans))


def begun_in(line: str, spans: Sequence[Span], begins: Sequence[int]) -> NDArray[np.int64]:
    """Return the number of the word that each token begins in, by its first character.

    A token that begins with the space before a word, as `▁kape` may, begins in that word.
    """
    starts = np.array([start for start, _ in spans], dtype=np.int64)
    begin_T = np.array(begins, dtype=np.int64)
    spaces_T = np.array([line[begin : begin + 1].isspace() for begin in begins], dtype=np.int64)
    return np.searchsorted(starts, begin_T, side="right") - 1 + spaces_T


def _without_spaces(line: str) -> bool:
    if line.isascii():
        return False
    found = sum(map(str.isalnum, _UNSPACED.findall(line)))
    return found > 0 and found >= SHARE * sum(map(str.isalnum, line))


def _cut(line: str, run: Span) -> Iterator[Span]:
    """Yield the words of a run: marks go with the word before them, those that open something with the next one."""
    first, end = run
    if not _UNSPACED.search(line, first, end):
        yield run
        return
    begin, place, has_word = first, first, False
    for piece in _breaker()(line[first:end]):
        is_word = any(map(str.isalnum, piece))
        opens = unicodedata.category(piece[0]) in _OPENING
        if has_word and (is_word or opens):
            yield begin, place
            begin, has_word = place, False
        has_word |= is_word
        place += len(piece)
    yield begin, end


@cache
def _breaker() -> Breaker:
    from icu4py.breakers import WordBreaker  # 40 MB of tables, which text with spaces does without

    return lambda text: WordBreaker(text, "root")
