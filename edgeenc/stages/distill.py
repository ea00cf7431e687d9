"""Train a student towards a teacher, on masked words, or on both, as a recipe says it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from edgeenc.errors import ShapeError
from edgeenc.model.shape import Shape
from edgeenc.stages.match import Match
from edgeenc.stages.stage import Stage
from edgeenc.stages.training import TrainingOptions

LogitLoss = Literal["kl", "ce", "mse"]
Positions = Literal["masked", "tokens", "all"]


class DistillOptions(TrainingOptions):
    """Training options, and how the losses are weighed."""

    loss: Literal[LogitLoss, "none"] = "kl"
    """What is compared of the teacher's and the student's logits: `kl`, T^2 times the divergence of the distributions
    at temperature T; `ce`, T^2 times their cross entropy; `mse`, the squared error of the raw logits, mean over the
    vocabulary, as arXiv:2505.16956 published it; `none`, nothing."""
    temperature: float = Field(default=2.0, gt=0)
    """Both distributions are flattened by this before they are compared; `mse` knows no temperature."""
    alpha: float = Field(default=0.5, ge=0, le=1)
    """Weight of the masked-LM loss; the loss of the logits has the rest. Without a teacher it is 1."""
    positions: Positions = "masked"
    """Where logits and hidden states are compared: at the `masked` positions, at all `tokens`, or at `all` positions,
    those of special tokens too. Rows are packed full, so no padding is ever compared."""
    match: Match = Match()
    """Weights of losses between inner states, which add to the two above."""


class Distill(Stage, DistillOptions):
    """Knowledge distillation from an earlier step of the recipe, or the same training without a teacher."""

    trains: ClassVar[bool] = True
    kind: Literal["distill"] = "distill"
    teacher: str | None = None
    """The step whose encoder is imitated, `teacher` for the untouched one; none for masked words alone."""

    @model_validator(mode="after")
    def _teacher_is_used(self) -> Self:
        if self.teacher is None and self.loss != "none":
            raise ValueError(f"loss: {self.loss} needs a `teacher`; for masked words alone say loss: none, alpha: 1")
        if self.teacher is None and self.alpha != 1:
            raise ValueError("without a teacher the masked-LM loss is all there is: say alpha: 1")
        if self.teacher is None and self.match.wanted:
            raise ValueError("`match` needs a `teacher`")
        if self.teacher is not None and not self.match.wanted and (self.loss == "none" or self.alpha == 1):
            why = "loss is none" if self.loss == "none" else "alpha is 1"
            raise ValueError(f"the teacher would not be used: {why}; leave `teacher` out, or give it a weight")
        return self

    @property
    def reads(self) -> tuple[str, ...]:
        """The teacher's step."""
        return () if self.teacher is None else (self.teacher,)

    def agree(self, shape: Shape, earlier: Mapping[str, Shape]) -> None:
        """Refuse a teacher that this student cannot imitate."""
        for name, taught in earlier.items():
            if taught.vocab != shape.vocab:
                raise ShapeError(
                    f"the student has {shape.vocab:,} tokens and the teacher {name!r} {taught.vocab:,}; trim the"
                    " vocabulary before the teacher's step, or after the distillation"
                )
            self.match.require_heads(taught)
            if self.match.wanted:
                self.match.pairs(shape, taught)
            if self.match.relation:
                self.match.parts(shape, taught)
