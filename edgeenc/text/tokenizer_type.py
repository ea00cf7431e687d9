"""What must be known of a type of tokenizer: everything about it in one value, which is all that a new one needs.

Axis letters: V pieces of the tokenizer before the cut.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

Counts = NDArray[np.int64] | NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Marks:
    """How the pieces of a type of tokenizer show where words begin; one of the two is empty.

    Attributes:
        first: what a piece begins with that begins a word.
        later: what a piece begins with that goes on with a word.
    """

    first: str = ""
    later: str = ""

    def bare(self, piece: str) -> str:
        """Return a piece without its mark; a mark that stands alone is a piece itself.

        Worked example: WordPiece `##ab` is `ab`, Unigram `▁ab` is `ab`, `▁` stays `▁`.
        """
        mark = self.first or self.later
        return piece.removeprefix(mark) if len(piece) > len(mark) else piece

    def goes_on(self, piece: str) -> bool:
        """Tell whether a piece goes on with a word.

        Worked example: WordPiece `##ab` does, Unigram `ab` does and `▁ab` does not.
        """
        return piece.startswith(self.later) if self.later else not piece.startswith(self.first)


def no_parts(_: Tokenizer) -> Mapping[int, frozenset[int]]:
    """Return that no piece needs another."""
    return {}


@dataclass(frozen=True, slots=True)
class TokenizerType:
    """A type of tokenizer.

    Attributes:
        name: of the model's class in tokenizers.
        marks: how its pieces show where words begin.
        must_stay: for each of the V ids, whether its piece must stay, by the characters of a text and how often each
            piece was used in it.
        cut: the text of a `tokenizer.json` with only the pieces that have a new id.
        parts: for each piece those that it cannot be without.
        list_file: name of a file with its pieces, one a line, which its first readers ask for.
    """

    name: str
    marks: Marks
    must_stay: Callable[[Tokenizer, AbstractSet[str], Counts], Flags]
    cut: Callable[[str, Mapping[int, int]], str]
    parts: Callable[[Tokenizer], Mapping[int, frozenset[int]]] = no_parts
    list_file: str | None = None
