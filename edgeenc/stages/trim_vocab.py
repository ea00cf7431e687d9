"""Keep some of the tokens, as a recipe says it."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, Self

from pydantic import Field, model_validator

from edgeenc.model.shape import Shape
from edgeenc.stages.stage import Stage


class TrimVocab(Stage):
    """Fewer tokens: by number, or as many as cover a share of the text."""

    kind: Literal["trim-vocab"] = "trim-vocab"
    size: int | None = Field(default=None, gt=0)
    """Tokens to keep in all."""
    coverage: float | None = Field(default=None, gt=0, le=1)
    """Instead of `size`: the share of token occurrences to cover, e.g. 0.9995."""
    count: Literal["tokens", "documents"] = "tokens"
    """What makes a token frequent: how often it occurs, or in how many lines, each a document (arXiv:2505.16956)."""

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.size is None) == (self.coverage is None):
            raise ValueError("give either size or coverage")
        if self.coverage is not None and self.count == "documents":
            raise ValueError("a coverage is a share of occurrences: count tokens, or give a size")
        return self

    @property
    def exact(self) -> bool:
        """A size is known beforehand, a coverage only when the tokens are counted."""
        return self.size is not None

    def reshape(self, shape: Shape) -> Shape:
        """Return `shape` with a smaller vocabulary; under a coverage the old one is the bound."""
        return replace(shape, vocab=min(self.size or shape.vocab, shape.vocab))
