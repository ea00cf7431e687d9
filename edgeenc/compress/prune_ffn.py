"""Keep the feed-forward neurons that the language uses.

Axis letters: L layers, F feed-forward neurons, K kept neurons.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Literal

import torch
from pydantic import Field

from edgeenc.compress.importance import calibration, importance, linears
from edgeenc.compress.stage import Desk, Made, Stage, within
from edgeenc.model.encoder import Encoder
from edgeenc.model.shape import Shape
from edgeenc.model.surgery import rebuild, take
from edgeenc.text.batches import Masked


class PruneFfn(Stage):
    """Structured pruning of the feed-forward blocks, the same width in every layer."""

    kind: Literal["prune-ffn"] = "prune-ffn"
    width: int = Field(gt=0)
    """Neurons kept in each layer; a multiple of 8 suits int8 kernels."""
    batches: int = Field(default=16, gt=0)
    """Batches of 2,048 tokens of training text on which the neurons are judged."""

    def reshape(self, shape: Shape) -> Shape:
        """Return `shape` with a narrower feed-forward block."""
        return replace(shape, ffn=within("prune-ffn: width", self.width, shape.ffn))

    def apply(self, encoder: Encoder, desk: Desk) -> Made:
        """Call `prune_ffn`."""
        return Made(
            prune_ffn(encoder, calibration(encoder, desk.corpus, self.batches, desk.job.seed), width=self.width)
        )


def prune_ffn(encoder: Encoder, batches: Iterable[Masked], *, width: int) -> Encoder:
    """Return `encoder` with the `width` most useful neurons of every layer, in their old order.

    Use is the first-order importance of the neuron's output (see `importance`). Rows of the up projection, its bias,
    and columns of the down projection go together; nothing is trained.

    Source: arXiv:2505.16956, step 2.

    Raises:
        ShapeError: `width` is outside 1..F.
        InputError: `batches` is empty.
    """
    within("prune-ffn: width", width, encoder.shape.ffn)
    use_LF = torch.stack(importance(encoder, linears(encoder, out="hidden", into="ffn"), batches))
    keep_LK = use_LF.topk(width, dim=1).indices.sort(dim=1).values
    state = take(encoder.model.state_dict(), encoder.anatomy, "ffn", keep_LK)
    return rebuild(encoder, state, replace(encoder.shape, ffn=width))
