"""Adapt to the language by masked language modelling, as a recipe says it."""

from __future__ import annotations

from typing import ClassVar, Literal

from edgeenc.stages.stage import Stage
from edgeenc.stages.training import TrainingOptions


class Adapt(Stage, TrainingOptions):
    """Masked-LM training of the whole encoder on the text of the language."""

    trains: ClassVar[bool] = True
    kind: Literal["adapt"] = "adapt"

    @property
    def trains_head(self) -> bool:
        """The loss is that of masked words."""
        return True
