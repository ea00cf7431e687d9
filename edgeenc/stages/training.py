"""What a training is asked to do, as a recipe says it, and the schedule that follows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from edgeenc.text.masking import Unit


class TrainingOptions(BaseModel):
    """What a masked-LM training is asked to do; every field changes the weights."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)

    tokens: int = Field(default=1_000_000, gt=0)
    """Tokens to read, repeats included."""
    lr: float = Field(default=5e-4, gt=0)
    """Learning rate on the plateau."""
    batch_tokens: int = Field(default=2048, ge=64)
    """Tokens of one optimiser step."""
    lengths: tuple[Annotated[int, Field(ge=8)], ...] = Field(default=(64, 64, 64, 64, 64, 64, 64, 256), min_length=1)
    """Row length of each step, repeated: mostly short rows, some long ones so that late positions are not forgotten."""
    mask_rate: float = Field(default=0.3, gt=0, lt=1)
    """Share of the tokens to predict; more than the usual 15 % teaches more per token (arXiv:2202.08005)."""
    mask: Unit = "words"
    """Whether whole words are masked, or tokens one by one."""
    decay: float = Field(default=0.5, ge=0, le=1)
    """Share of the steps, at the end, in which the rate falls to zero."""
    looks: int = Field(default=6, gt=0)
    """How often the held-out loss is measured; the best checkpoint is kept."""

    @model_validator(mode="after")
    def _rows_fit(self) -> Self:
        if max(self.lengths) > self.batch_tokens:
            raise ValueError(f"a row of {max(self.lengths)} does not fit into batch_tokens {self.batch_tokens}")
        return self

    @property
    def steps(self) -> int:
        """Optimiser steps."""
        return max(1, math.ceil(self.tokens / self.batch_tokens))

    def schedule(self) -> Schedule:
        """Return steps and rates; the warm-up takes a twentieth of the steps."""
        every = max(1, math.ceil(self.steps / self.looks))
        return Schedule(self.steps, self.lr, warmup=max(1, self.steps // 20), decay=self.decay, every=every)


@dataclass(frozen=True, slots=True)
class Schedule:
    """How many steps at which rate: linear warm-up, a plateau, linear decay to zero.

    Attributes:
        steps: optimiser steps.
        lr: learning rate on the plateau.
        warmup: steps of the linear warm-up.
        decay: share of the steps, at the end, in which the rate falls to zero.
        every: steps between two looks at the held-out loss.
    """

    steps: int
    lr: float
    warmup: int = 50
    decay: float = 0.3
    every: int = 200

    def rate(self, step: int) -> float:
        """Return the factor of `lr` at `step` (0-based).

        Worked example: 100 steps, warm-up 10, decay 0.3: step 4 gives 0.5, step 50 gives 1, step 85 gives 0.5.
        """
        left = (self.steps - step) / max(1.0, self.decay * self.steps)
        return min(1.0, (step + 1) / max(1, self.warmup), left)
