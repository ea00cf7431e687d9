"""What a compression stage is to a plan: a frozen spec that a recipe names, arithmetic on shapes, and refusals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Protocol

from pydantic import BaseModel, ConfigDict, Field

from edgeenc.errors import ShapeError
from edgeenc.model.shape import Shape


class Stage(BaseModel):
    """A step of a recipe that turns one encoder into another.

    A subclass adds `kind: Literal[...]`, its fields and `reshape`; what is done with an encoder stands in
    `edgeenc.compress.apply`. `version` goes up when the same fields would give another model, so that old results are
    not taken for new ones.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)
    version: ClassVar[int] = 1
    trains: ClassVar[bool] = False
    trims: ClassVar[bool] = False
    """Whether it changes the tokenizer."""
    loss_unit: ClassVar[str] = "nats"
    """Of the loss on validation text, where it trains; nothing where the loss is a sum of several measures."""

    kind: str
    name: str = Field(default="", pattern=r"^[a-z0-9-]*$")
    """What other stages call this step; its kind where nothing is said."""

    @property
    def label(self) -> str:
        """The step's name in plans, keys and reports."""
        return self.name or self.kind

    @property
    def reads(self) -> tuple[str, ...]:
        """Names of the earlier steps whose encoders the stage needs beside the one it changes."""
        return ()

    @property
    def trains_head(self) -> bool:
        """Whether it trains the masked-LM head, so that logits mean something after it."""
        return False

    @property
    def reads_logits(self) -> bool:
        """Whether it decides by logits of the encoder that it changes, or of one that it `reads`."""
        return self.trains_head

    @property
    def imitates(self) -> bool:
        """Whether it learns from the logits of what it `reads`."""
        return False

    @property
    def compares_tokens(self) -> bool:
        """Whether what it `reads` must have the same tokens as what it changes."""
        return True

    @property
    def exact(self) -> bool:
        """Whether `reshape` tells the shape, not only a bound of it."""
        return True

    def reshape(self, shape: Shape) -> Shape:
        """Return the shape that comes out when `shape` goes in.

        Raises:
            ShapeError: the stage cannot work on `shape`.
        """
        return shape

    @property
    def makes_vectors(self) -> bool:
        """Whether it reads or makes sentence vectors, so that what the teacher's folder says of them must be known."""
        return False

    @property
    def reads_prompts(self) -> tuple[str, ...]:
        """Names of the prompts that it puts before texts, which teacher and student must have."""
        return ()

    @property
    def adds_map(self) -> bool:
        """Whether a linear map without bias, a Dense module, becomes part of what makes vectors."""
        return False

    def dimensions_after(self, own: int, taught: Mapping[str, int]) -> int:
        """Return how long a text's vector is after this stage, before which it had `own` dimensions.

        Args:
            own: of the encoder as the stage makes it, before what it adds to the making of vectors.
            taught: of the earlier steps that it reads, by name.

        Raises:
            ShapeError: vectors of these lengths cannot be compared.
        """
        return own

    def agree(self, shape: Shape, earlier: Mapping[str, Shape]) -> None:
        """Refuse what cannot work between `shape`, which the stage makes, and the shapes of the steps it `reads`.

        Raises:
            ShapeError: it cannot work.
        """


def within(what: str, value: int, most: int) -> int:
    """Return `value` if it lies in 1..`most`.

    Raises:
        ShapeError: it does not.
    """
    if not 1 <= value <= most:
        raise ShapeError(f"{what} {value:,} is outside 1..{most:,}; choose a smaller one")
    return value


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
    for name in stage.reads if stage.compares_tokens else ():
        _require_same_tokens(stage, name, steps)
    after = stage.reshape(before)
    stage.agree(after, {name: shape for name in stage.reads if (shape := steps[name].shape)})
    return after


def _require_same_tokens(stage: Stage, name: str, steps: Mapping[str, Planned]) -> None:
    """Refuse a step from before a cut by coverage: how many tokens it has more is known when they have been counted."""
    for later in list(steps)[list(steps).index(name) + 1 :]:
        between = steps[later].stage
        if between is not None and not between.exact:
            raise ShapeError(
                f"{stage.kind} reads {name!r}, and {later!r}, which comes after that, trims the vocabulary by coverage:"
                f" the two would have other tokens; read {later!r} or a step after it, or put {later!r} behind this one"
            )
