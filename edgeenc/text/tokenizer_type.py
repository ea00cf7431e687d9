"""What must be known of a type of tokenizer: everything about it in one value, which is all that a new one needs.

Axis letters: V tokens of the tokenizer before trimming.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

Counts = NDArray[np.int64] | NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Marks:
    """How the tokens of a type of tokenizer show where words begin; one of the two is empty.

    Attributes:
        first: what a token begins with that begins a word.
        later: what a token begins with that goes on with a word.
    """

    first: str = ""
    later: str = ""

    def bare(self, token: str) -> str:
        """Return a token without its mark; a mark that stands alone is a token itself.

        Worked example: WordPiece `##ab` is `ab`, Unigram `▁ab` is `ab`, `▁` stays `▁`.
        """
        mark = self.first or self.later
        return token.removeprefix(mark) if len(token) > len(mark) else token

    def goes_on(self, token: str) -> bool:
        """Tell whether a token goes on with a word.

        Worked example: WordPiece `##ab` does, Unigram `ab` does and `▁ab` does not.
        """
        return token.startswith(self.later) if self.later else not token.startswith(self.first)


def always(_: Tokenizer) -> bool:
    """Return that a type has every tokenizer of its model's class."""
    return True


def no_parts(_: Tokenizer) -> Mapping[int, frozenset[int]]:
    """Return that no token needs another."""
    return {}


@dataclass(frozen=True, slots=True)
class TokenizerType:
    """A type of tokenizer.

    Attributes:
        name: of the model's class in tokenizers.
        marks: how its tokens show where words begin.
        must_stay: for each of the V ids, whether its token must stay, by the characters of a text and how often each
            token was used in it.
        trim: the text of a `tokenizer.json` with only the tokens that have a new id.
        parts: for each token those that it cannot be without.
        list_file: name of a file with its tokens, one a line, which its first readers ask for.
        made_up: the text of a `tokenizer.json` of so many tokens, the first ones made of pieces of Unigram, the most
            frequent first, for rehearsals; None where nobody has said how.
        fits: whether a tokenizer of that class is of this type, where a class has several.
    """

    name: str
    marks: Marks
    must_stay: Callable[[Tokenizer, AbstractSet[str], Counts], Flags]
    trim: Callable[[str, Mapping[int, int]], str]
    parts: Callable[[Tokenizer], Mapping[int, frozenset[int]]] = no_parts
    list_file: str | None = None
    made_up: Callable[[Sequence[str], int], str] | None = None
    fits: Callable[[Tokenizer], bool] = always
