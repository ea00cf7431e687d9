"""Narrow the residual stream, as a recipe says it, and the shape that comes out."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from pydantic import Field

from edgeenc.errors import ShapeError
from edgeenc.model.shape import Shape
from edgeenc.stages.stage import Stage, within

Method = Literal["leading", "importance", "heads", "svd", "pca"]


class TruncateHidden(Stage):
    """A smaller hidden size; which channels stay is decided once, since all layers share the residual stream."""

    kind: Literal["truncate-hidden"] = "truncate-hidden"
    hidden: int = Field(gt=0)
    """Channels of the residual stream to keep."""
    method: Method = "importance"
    """`leading`, the first channels of everything, as arXiv:2505.16956 published it: as many heads as before, each
    hidden / heads wide, cut across the old heads' borders; `importance`, the channels on which the loss hangs, and in
    each head its own; `heads`, channels likewise, and whole heads of the old width; `svd`, channels likewise, and
    heads narrowed by singular values; `pca`, the principal components of the stream, and heads narrowed likewise."""
    batches: int = Field(default=16, gt=0)
    """Batches of 2,048 tokens of training text on which the channels are judged."""

    def reshape(self, shape: Shape) -> Shape:
        """Narrower, with fewer heads or narrower ones."""
        return narrowed(shape, self.hidden, self.method)


def narrowed(shape: Shape, hidden: int, method: Method) -> Shape:
    """Return `shape` with `hidden` channels; heads keep their width under `heads`, their number otherwise.

    Raises:
        ShapeError: `hidden` is outside 1..H, or cannot be divided into heads.
    """
    within("truncate-hidden: hidden", hidden, shape.hidden)
    unit = shape.head_width if method == "heads" else shape.heads
    if hidden % unit:
        what = f"heads of width {unit}" if method == "heads" else f"{unit} equal heads"
        near = max(unit, hidden // unit * unit)
        raise ShapeError(f"truncate-hidden: {hidden} does not divide into {what}; {near} does")
    if method == "heads":
        return replace(shape, hidden=hidden, heads=hidden // unit)
    return replace(shape, hidden=hidden, head_width=hidden // unit)
