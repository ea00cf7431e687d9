"""Distil a student from a teacher, train it by masked language modelling, or both, as a recipe says it."""

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
    """Softmax temperature of teacher and student; `mse` has none."""
    alpha: float = Field(default=0.5, ge=0, le=1)
    """Weight of the masked-LM (hard) loss; the distillation (soft) loss on the logits has the rest. Without a teacher
    it is 1."""
    positions: Positions = "masked"
    """Where logits and hidden states are compared: at the `masked` positions, at all `tokens`, or at `all` positions,
    those of special tokens too. Sequences are packed full, so no padding is ever compared."""
    match: Match = Match()
    """Weights of losses between intermediate layers (hidden states and attention), which add to the two above."""

    @property
    def trains_head(self) -> bool:
        """Whether one of the two losses on logits has a weight."""
        return self.alpha > 0 or self.loss != "none"


class Distill(Stage, DistillOptions):
    """Knowledge distillation from an earlier step of the recipe, or the same training without a teacher."""

    trains: ClassVar[bool] = True
    kind: Literal["distill"] = "distill"
    teacher: str | None = None
    """The step that is distilled from, `teacher` for the untouched encoder; none for the masked-LM loss alone."""

    @model_validator(mode="after")
    def _teacher_is_used(self) -> Self:
        if self.teacher is None and self.loss != "none":
            raise ValueError(
                f"loss: {self.loss} needs a `teacher`; for the masked-LM loss alone say loss: none, alpha: 1"
            )
        if self.teacher is None and self.alpha != 1:
            raise ValueError("without a teacher the masked-LM loss is all there is: say alpha: 1")
        if self.teacher is None and self.match.wanted:
            raise ValueError("`match` needs a `teacher`")
        if self.teacher is not None and not self.match.wanted and (self.loss == "none" or self.alpha == 1):
            why = "loss is none" if self.loss == "none" else "alpha is 1"
            raise ValueError(f"the teacher would not be used: {why}; leave `teacher` out, or give it a weight")
        return self

    @property
    def trains_head(self) -> bool:
        """Whether one of the two losses on logits has a weight."""
        return self.alpha > 0 or self.loss != "none"

    @property
    def imitates(self) -> bool:
        """Whether the loss on the teacher's logits has a weight."""
        return self.loss != "none" and self.alpha < 1

    @property
    def reads(self) -> tuple[str, ...]:
        """The teacher's step."""
        return () if self.teacher is None else (self.teacher,)

    def agree(self, shape: Shape, earlier: Mapping[str, Shape]) -> None:
        """Refuse a teacher from which this student cannot be distilled."""
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
