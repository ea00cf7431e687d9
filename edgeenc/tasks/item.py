"""One labelled text, and what stands for a label that is missing.

A text to classify is one word long: the whole text, and its label. A tagged sentence has its words and a tag for each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

NOWHERE = -1
"""The place of a word that was truncated or gives no token; what is predicted for it is wrong."""


@dataclass(frozen=True, slots=True)
class Item:
    """One labelled text.

    Attributes:
        words: the whole text alone, or the words of a sentence, as its task kind reads them.
        labels: as many labels as words.
        spaces: whether a space stands before each word, where the source says it.
    """

    words: tuple[str, ...]
    labels: tuple[str, ...]
    spaces: tuple[bool, ...] = ()

    @property
    def row(self) -> list[Sequence[str | bool]]:
        """What it is written as in JSON: words, labels, and spaces where they are known."""
        return [self.words, self.labels, *([self.spaces] if self.spaces else [])]


Predicted = Sequence[tuple[str, ...]]
"""For each item as many labels as it has words."""
