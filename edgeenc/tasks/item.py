"""One labelled text, and what stands for a label that is missing.

A text to classify is one word long: the whole text, and its label. A tagged sentence has its words and a tag for each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

NOWHERE = -1
"""The place of a word that was truncated or gives no token; what is predicted for it is wrong."""
UNLABELLED = ""
"""The label of a word of a text that nobody labelled; a table with an empty label is refused."""


@dataclass(frozen=True, slots=True)
class Item:
    """One labelled text.

    Attributes:
        words: the whole text alone, or the words of a sentence, as its task kind reads them.
        labels: as many labels as words.
        spaces: whether a space stands before each word, where the source says it.
        lines: of each word the line of its file, for messages; not kept, and nothing where it is not known.
    """

    words: tuple[str, ...]
    labels: tuple[str, ...]
    spaces: tuple[bool, ...] = ()
    lines: tuple[int, ...] = field(default=(), compare=False, repr=False)

    @property
    def row(self) -> list[Sequence[str | bool]]:
        """What it is written as in JSON: words, labels, and spaces where they are known."""
        return [self.words, self.labels, *([self.spaces] if self.spaces else [])]


@dataclass(frozen=True, slots=True)
class Labelled:
    """The items of one file, in its order, and what its places are counted in."""

    path: Path
    items: tuple[Item, ...]
    unit: str = "line"


@dataclass(frozen=True, slots=True)
class Spot:
    """A word of a file, as a message names it."""

    path: Path
    line: int
    word: str
    label: str

    def __str__(self) -> str:
        """Return file, line, word and label, cut where they are long."""
        where = f"line {self.line} " if self.line else ""
        return f"{self.path.name}: {where}({self.word[:40]!r}, {self.label[:40]!r})"


Predicted = Sequence[tuple[str, ...]]
"""For each item as many labels as it has words."""


def spots(files: Sequence[Labelled]) -> Iterator[Spot]:
    """Yield every word of some files."""
    for file in files:
        for item in file.items:
            for place, (word, label) in enumerate(zip(item.words, item.labels, strict=True)):
                yield Spot(file.path, item.lines[place] if item.lines else 0, word, label)
