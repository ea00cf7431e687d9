"""Reduce the hidden size, as a recipe says it, and the shape that comes out."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Literal

from pydantic import Field

from edgeenc.errors import ShapeError
from edgeenc.model.shape import Shape
from edgeenc.record.former import Former
from edgeenc.stages.stage import Stage, within

Method = Literal["leading", "importance", "heads", "svd", "pca"]


class TruncateHidden(Stage):
    """A smaller hidden size; which hidden dimensions stay is decided once, since all layers share them."""

    FORMER: ClassVar[Former] = Former({"hidden_size": "hidden", "calibration_batches": "batches"})
    kind: Literal["truncate-hidden"] = "truncate-hidden"
    hidden_size: int = Field(gt=0)
    """Hidden dimensions to keep."""
    method: Method = "importance"
    """`leading`, the first dimensions of everything, as arXiv:2505.16956 published it: as many heads as before, each
    hidden_size / heads wide, taken across the old heads' borders; `importance`, the dimensions with the highest
    importance scores, and in each head its own; `heads`, hidden dimensions likewise, and whole heads of the old width;
    `svd`, hidden dimensions likewise, and heads narrowed by singular values; `pca`, the principal components of the
    hidden states, and heads narrowed likewise."""
    calibration_batches: int = Field(default=16, gt=0)
    """Batches of 2,048 tokens of training text on which importance scores and components are measured."""

    @property
    def reads_logits(self) -> bool:
        """Scores are read off the masked-LM loss, but for the methods that have none."""
        return self.method not in ("leading", "pca")

    def reshape(self, shape: Shape) -> Shape:
        """Narrower, with fewer heads or narrower ones."""
        return narrowed(shape, self.hidden_size, self.method)


def narrowed(shape: Shape, hidden: int, method: Method) -> Shape:
    """Return `shape` with `hidden` channels; heads keep their width under `heads`, their number otherwise.

    Raises:
        ShapeError: `hidden` is outside 1..H, or cannot be divided into heads.
    """
    within("truncate-hidden: hidden_size", hidden, shape.hidden)
    if hidden == shape.embedding:
        raise ShapeError(
            f"truncate-hidden: hidden_size {hidden} is the width of the token table too, and models of {shape.family}"
            " have no projection between equal widths, so that the one there is would be lost; choose another size"
        )
    unit = shape.head_width if method == "heads" else shape.heads
    if hidden % unit:
        what = f"heads of width {unit}" if method == "heads" else f"{unit} equal heads"
        near = max(unit, hidden // unit * unit)
        raise ShapeError(f"truncate-hidden: {hidden} does not divide into {what}; {near} does")
    if method == "heads":
        return replace(shape, hidden=hidden, heads=hidden // unit)
    return replace(shape, hidden=hidden, head_width=hidden // unit)
