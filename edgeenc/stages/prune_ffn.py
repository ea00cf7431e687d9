"""Keep some of the feed-forward neurons, as a recipe says it."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Literal

from pydantic import Field

from edgeenc.errors import ShapeError
from edgeenc.model.shape import Shape
from edgeenc.record.former import Former
from edgeenc.stages.stage import Stage, within

Score = Literal["per-token", "paper", "fisher", "magnitude", "activation"]


class PruneFfn(Stage):
    """Structured pruning of the feed-forward blocks, to the same intermediate size in every layer."""

    FORMER: ClassVar[Former] = Former({"intermediate_size": "width", "calibration_batches": "batches"})
    kind: Literal["prune-ffn"] = "prune-ffn"
    intermediate_size: int = Field(gt=0)
    """Neurons kept in each layer; a multiple of 8 suits int8 kernels."""
    score: Score = "per-token"
    """Importance score of a neuron: `per-token`, the change of the loss without the neuron, to first order, absolute
    value token by token; `paper`, the same before the activation, absolute value batch by batch, as arXiv:2505.16956
    published it; `fisher`, squares sequence by sequence; `magnitude`, from the weights alone; `activation`, the root
    mean square of what a neuron passes on, times the norm of its column (after arXiv:2306.11695): it needs no masked-LM
    head, and is measured, as is its refit, on whole texts behind the prompt of a sentence encoder."""
    refit: bool = False
    """Fit the down projection again, by least squares, so that the neurons that stay stand in for those that go."""
    ridge: float = Field(default=1e-3, gt=0)
    """Ridge penalty of a refit, as a multiple of the mean square of a neuron."""
    sort_heads: bool = False
    """Sort the attention heads of each layer by descending importance score. No output changes; but a later
    `truncate-hidden` with `method: leading` then keeps the heads that count, as in the code of arXiv:2505.16956."""
    calibration_batches: int = Field(default=16, gt=0)
    """Batches of 2,048 tokens of training text on which importance scores are measured."""

    @property
    def reads_logits(self) -> bool:
        """Scores are read off the masked-LM loss, but for those that need none."""
        return self.score not in ("magnitude", "activation") or self.sort_heads

    def reshape(self, shape: Shape) -> Shape:
        """Return `shape` with a narrower feed-forward block."""
        require_judged(shape, self.score)
        return replace(shape, ffn=within("prune-ffn: intermediate_size", self.intermediate_size, shape.ffn))


def require_judged(shape: Shape, score: Score) -> None:
    """Refuse a score that says nothing of the neurons of a shape.

    Raises:
        ShapeError: it looks at a neuron's one row before the activation, and in this family a neuron has two.
    """
    if shape.table.gated and score in ("paper", "magnitude"):
        raise ShapeError(
            f"prune-ffn: score {score} judges a neuron by its row before the activation; in a {shape.family} model it"
            " has two, of which one is a gate; take per-token, fisher or activation, which judge what it passes on"
        )
