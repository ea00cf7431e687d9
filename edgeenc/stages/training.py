"""What a training is asked to do, as a recipe says it, and the schedule that follows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from edgeenc.record.former import Former
from edgeenc.text.masking import Unit

Length = Annotated[int, Field(ge=8)]


class Pace(BaseModel):
    """How long a training is, and how fast."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)

    tokens: int = Field(default=1_000_000, gt=0)
    """Training tokens, repeats included."""
    lr: float = Field(default=5e-4, gt=0)
    """Peak learning rate, after a warm-up ratio of 0.05; then constant, then linear decay."""


class Ending(BaseModel):
    """How a training ends, and what it keeps."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)

    decay_ratio: float = Field(default=0.5, ge=0, le=1)
    """Share of the steps, at the end, in which the learning rate decays linearly to zero."""
    evaluations: int = Field(default=6, gt=0)
    """How often the loss on validation text is measured; the best checkpoint is kept."""


class MaskedText(Pace):
    """What batches of masked text look like."""

    batch_tokens: int = Field(default=2048, ge=64)
    """Tokens per optimiser step."""
    sequence_lengths: tuple[Length, ...] = Field(default=(64, 64, 64, 64, 64, 64, 64, 256), min_length=1)
    """Sequence length of each step, repeated: mostly short sequences, some long ones so that late positions are not
    forgotten."""
    mlm_probability: float = Field(default=0.3, gt=0, lt=1)
    """Share of the tokens to predict; more than the usual 15 % teaches more per token (arXiv:2202.08005)."""
    mask: Unit = "words"
    """Whole-word masking (`words`), or single tokens (`tokens`)."""


class TrainingOptions(Ending, MaskedText):
    """What a masked-LM training is asked to do; every field changes the weights."""

    FORMER: ClassVar[Former] = Former(
        {
            **{"sequence_lengths": "lengths", "mlm_probability": "mask_rate"},
            **{"decay_ratio": "decay", "evaluations": "looks"},
        },
        {"mask": {"tokens": "pieces"}},
    )

    @model_validator(mode="after")
    def _sequences_fit(self) -> Self:
        longest = max(self.sequence_lengths)
        if longest > self.batch_tokens:
            raise ValueError(f"a sequence of {longest} tokens does not fit into batch_tokens {self.batch_tokens}")
        return self

    @property
    def trains_head(self) -> bool:
        """Whether the loss reads logits, so that the masked-LM head is trained."""
        return True

    @property
    def steps(self) -> int:
        """Optimiser steps."""
        return max(1, math.ceil(self.tokens / self.batch_tokens))

    def schedule(self) -> Schedule:
        """Return steps and rates; the warm-up takes a twentieth of the steps."""
        return schedule_of(self.steps, self.lr, self)


@dataclass(frozen=True, slots=True)
class Schedule:
    """How many steps at which rate: linear warm-up, constant, linear decay to zero.

    Attributes:
        steps: optimiser steps.
        lr: peak learning rate.
        warmup: steps of the linear warm-up.
        decay_ratio: share of the steps, at the end, in which the learning rate decays to zero.
        every: steps between two evaluations.
    """

    steps: int
    lr: float
    warmup: int = 50
    decay_ratio: float = 0.3
    every: int = 200

    def rate(self, step: int) -> float:
        """Return the factor of `lr` at `step` (0-based).

        Worked example: 100 steps, warm-up 10, decay ratio 0.3: step 4 gives 0.5, step 50 gives 1, step 85 gives 0.5.
        """
        left = (self.steps - step) / max(1.0, self.decay_ratio * self.steps)
        return min(1.0, (step + 1) / max(1, self.warmup), left)


def schedule_of(steps: int, lr: float, ending: Ending) -> Schedule:
    """Return the schedule of so many steps; the warm-up takes a twentieth of them."""
    every = max(1, math.ceil(steps / ending.evaluations))
    return Schedule(steps, lr, warmup=max(1, steps // 20), decay_ratio=ending.decay_ratio, every=every)
