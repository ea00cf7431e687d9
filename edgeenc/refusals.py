"""What a plan refuses before anything runs: a stage that cannot work on the shape, or beside the steps, before it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from edgeenc.errors import ShapeError
from edgeenc.model.shape import Shape
from edgeenc.stages.stage import Stage


class Planned(Protocol):
    """A step of a plan, as far as it matters to the stages after it."""

    @property
    def stage(self) -> Stage | None:
        """The stage of the recipe, where it is one."""
        ...

    @property
    def shape(self) -> Shape | None:
        """Of the encoder that the step makes."""
        ...


def shape_after(stage: Stage, before: Shape, steps: Mapping[str, Planned]) -> Shape:
    """Return the shape that `stage` makes of an encoder of shape `before`; `steps` are those before it, in their order.

    Raises:
        ShapeError: it cannot work on such an encoder, or not with what it reads of earlier steps.
    """
    if reason := before.table.refused.get(stage.kind):
        raise ShapeError(f"{stage.kind} cannot work on a {before.family} model: {reason}")
    for name in stage.reads:
        _require_same_pieces(stage, name, steps)
    after = stage.reshape(before)
    stage.agree(after, {name: shape for name in stage.reads if (shape := steps[name].shape)})
    return after


def _require_same_pieces(stage: Stage, name: str, steps: Mapping[str, Planned]) -> None:
    """Refuse a step from before a cut by coverage: how many pieces it has more is known when they have been counted."""
    for later in list(steps)[list(steps).index(name) + 1 :]:
        between = steps[later].stage
        if between is not None and not between.exact:
            raise ShapeError(
                f"{stage.kind} reads {name!r}, and {later!r}, which comes after that, cuts the vocabulary by coverage:"
                f" the two would have other pieces; read {later!r} or a step after it, or put {later!r} behind this one"
            )
