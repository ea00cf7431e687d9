"""What makes vectors of texts, whatever its engine: a model with its prompts.

Axis letters: N texts, D dimensions of a vector.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from edgeenc.model.sentence_head import SentenceHead

Vectors = NDArray[np.float32]

QUERY, PASSAGES = "query", ("passage", "document", "corpus")
"""What a prompt for a text that searches is called, and those for one that is searched: the first that a model has."""


@dataclass(frozen=True)
class Reader:
    """A model that makes vectors.

    Attributes:
        model, precision: as figures name it, `student` and `int8`.
        read: from texts with their prompts to vectors (N, D).
        query, passage: the prompts.
    """

    model: str
    precision: str
    read: Callable[[Sequence[str]], Vectors]
    query: str = ""
    passage: str = ""

    @property
    def name(self) -> str:
        """Model and precision in one, such as `student int8`."""
        return f"{self.model} {self.precision}"

    def searches(self, texts: Sequence[str]) -> Vectors:
        """Return vectors (N, D) of length one of texts that search, or that are compared with each other."""
        return _of_length_one(self.read([self.query + text for text in texts]))

    def searched(self, texts: Sequence[str]) -> Vectors:
        """Return vectors (N, D) of length one of texts that are searched."""
        return _of_length_one(self.read([self.passage + text for text in texts]))


def prompts_of(head: SentenceHead | None) -> tuple[str, str]:
    """Return the prompts of a model, for a text that searches and for one that is searched; empty where it has none.

    Worked example: a model whose only prompt is its default one has that for both.
    """
    if head is None:
        return "", ""
    return head.prompt(QUERY), head.prompt(_passage(head.prompts))


def _passage(prompts: Mapping[str, str]) -> str | None:
    return next((name for name in PASSAGES if name in prompts), None)


def _of_length_one(vectors_ND: Vectors) -> Vectors:
    """Return vectors of length one; one of zeros stays."""
    lengths_N1 = np.linalg.norm(vectors_ND, axis=1, keepdims=True)
    return (vectors_ND / np.where(lengths_N1 == 0, 1, lengths_N1)).astype(np.float32)
