"""Keep the feed-forward neurons that the language uses.

Axis letters: L layers, F feed-forward neurons, K kept neurons, N heads,
A attention channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from edgeenc.compress.importance import fisher, importance, per_batch, root_mean_squares
from edgeenc.compress.modules import linears
from edgeenc.compress.refit import refitted
from edgeenc.model.encoder import Encoder
from edgeenc.model.surgery import rebuild, take
from edgeenc.stages.prune_ffn import Score, require_judged
from edgeenc.stages.stage import within
from edgeenc.text.batches import Masked


def prune_ffn(
    encoder: Encoder,
    batches: Sequence[Masked],
    *,
    width: int,
    score: Score = "per-token",
    refit: float | None = None,
) -> Encoder:
    """Return `encoder` with the `width` most useful neurons of every layer, in their old order.

    Rows of the up projection, its bias, and columns of the down projection go together; nothing is trained. With a
    `refit` strength the down projection and its bias are fitted again (see `refitted`).

    Source: arXiv:2505.16956, step 2; the scores are those of `usefulness`.

    Raises:
        ShapeError: `width` is outside 1..F.
        InputError: `batches` is empty where text is needed.
    """
    within("prune-ffn: intermediate_size", width, encoder.shape.ffn)
    keep_LK = usefulness(encoder, batches, score).topk(width, dim=1).indices.sort(dim=1).values
    state = take(encoder.model.state_dict(), encoder.family, "ffn", keep_LK)
    if refit is not None:
        state |= refitted(encoder, batches, keep_LK, refit)
    return rebuild(encoder, state, replace(encoder.shape, ffn=width))


def usefulness(encoder: Encoder, batches: Sequence[Masked], score: Score) -> Tensor:
    """Return how much each neuron is worth (L, F).

    - `per-token`: sum over tokens of |a * dL/da|, a the neuron's activation (arXiv:1906.10771).
    - `paper`: sum over batches of |sum over tokens of z * dL/dz|, z the neuron before the activation function; the same
      as |w . dL/dw + b * dL/db| of its row w and bias b (arXiv:2505.16956, step 2, after FastFormers,
      arXiv:2010.13382).
    - `fisher`: sum over rows of (sum over the row's tokens of a * dL/da)^2 (arXiv:2204.09656).
    - `activation`: sqrt(mean over tokens of a^2) times the norm of the neuron's column in the down projection: the size
      of what it adds to the stream (after Sun et al. 2023, arXiv:2306.11695, whose score of a weight is its size times
      the norm of its input). Worked example: activations 3 and 4, column (0, 2): sqrt(25 / 2) * 2 = 7.07.
    - `magnitude`: norm of the neuron's row, bias included, times the norm of its column (after arXiv:1608.08710).

    Raises:
        ShapeError: the family's neurons cannot be judged so.
        InputError: `batches` is empty where text is needed.
    """
    require_judged(encoder.shape, score)
    if score == "magnitude":
        ups, downs = linears(encoder, out="ffn", into="hidden"), linears(encoder, out="hidden", into="ffn")
        return torch.stack(
            [_length(up) * down.weight.detach().norm(dim=0) for up, down in zip(ups, downs, strict=True)]
        )
    if score == "paper":
        return torch.stack(importance(encoder, linears(encoder, "ffn", "hidden"), batches, per_batch, "output"))
    downs = linears(encoder, out="hidden", into="ffn")
    if score == "activation":
        sizes = root_mean_squares(encoder, downs, batches)
        return torch.stack([a * down.weight.detach().norm(dim=0) for a, down in zip(sizes, downs, strict=True)])
    return torch.stack(
        importance(encoder, downs, batches, fisher) if score == "fisher" else importance(encoder, downs, batches)
    )


def _length(up: nn.Linear) -> Tensor:
    """Return the norm of each row of a linear module, its bias included."""
    squares = up.weight.detach().square().sum(1)
    return (squares if up.bias is None else squares + up.bias.detach().square()).sqrt()


def sort_heads(encoder: Encoder, batches: Sequence[Masked]) -> Encoder:
    """Return `encoder` with the heads of each layer in descending importance; its outputs stay what they were.

    The importance of a head is the sum over batches of |sum over tokens and its channels of c * dL/dc|, c what it
    passes to the output projection: the gradient of a gate on the head.

    Source: Michel et al. 2019, arXiv:1905.10650, as the code of arXiv:2505.16956 calls it before it prunes.

    Raises:
        InputError: `batches` is empty.
    """
    heads, width = encoder.shape.heads, encoder.shape.head_width

    def by_head(gain_BTC: Tensor) -> Tensor:
        return gain_BTC.flatten(0, -2).sum(0).view(heads, width).sum(1).abs()

    scores = importance(encoder, linears(encoder, out="hidden", into="attention"), batches, by_head)
    order_LN = torch.stack(scores).argsort(dim=1, descending=True, stable=True)
    order_LA = (order_LN[..., None] * width + torch.arange(width)).flatten(1)
    state = take(encoder.model.state_dict(), encoder.family, "attention", order_LA)
    return rebuild(encoder, state, encoder.shape)
