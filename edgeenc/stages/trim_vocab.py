"""Keep some of the vocabulary, as a recipe says it."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from edgeenc.model.shape import Shape
from edgeenc.record.former import Former
from edgeenc.stages.stage import Stage

MOST_TOKENS = 2_000_000
"""Twice what any published tokenizer has; more is a slip of the finger."""


class TrimVocab(Stage):
    """A smaller vocabulary: of a given size, or of as many tokens as cover a share of the text."""

    FORMER: ClassVar[Former] = Former({"vocab_size": "size"})
    trims: ClassVar[bool] = True
    version: ClassVar[int] = 2

    kind: Literal["trim-vocab"] = "trim-vocab"
    vocab_size: int | None = Field(default=None, gt=0, le=MOST_TOKENS)
    """Tokens to keep in all, special tokens included; all where the teacher has no more, at most 2,000,000."""
    coverage: float | None = Field(default=None, gt=0, le=1)
    """Instead of `vocab_size`: the share of token occurrences to cover, e.g. 0.9995."""
    count: Literal["tokens", "documents"] = "tokens"
    """Which tokens are kept: those of the highest token frequency (`tokens`), or of the highest document frequency
    (`documents`, each line a document, arXiv:2505.16956)."""

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.vocab_size is None) == (self.coverage is None):
            raise ValueError("give either vocab_size or coverage")
        if self.coverage is not None and self.count == "documents":
            raise ValueError("a coverage is a share of occurrences: count tokens, or give a vocab_size")
        return self

    @property
    def exact(self) -> bool:
        """A vocabulary size is known beforehand, a coverage only when the tokens are counted."""
        return self.vocab_size is not None

    def reshape(self, shape: Shape) -> Shape:
        """Return `shape` with a smaller vocabulary; of fewer tokens, and under a coverage, the old one is the bound."""
        return replace(shape, vocab=min(self.vocab_size or shape.vocab, shape.vocab))
