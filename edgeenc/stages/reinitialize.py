"""Fresh random weights in the shape of the encoder, to show what its own weights were worth."""

from __future__ import annotations

from typing import Literal

from edgeenc.stages.stage import Stage


class Reinitialize(Stage):
    """Random weights in place of the encoder's own, as the library starts a model; shape and tokens stay.

    With the stages of a training after it, it is the control of a recipe: what does copying weights gain?
    """

    kind: Literal["reinitialize"] = "reinitialize"
