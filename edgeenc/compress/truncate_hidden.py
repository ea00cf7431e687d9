"""Narrow the residual stream and the attention with it; nothing is trained here.

Axis letters: L layers, H hidden, A attention channels, N heads, W channels of a head, K kept.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from edgeenc.compress.importance import importance
from edgeenc.compress.modules import attentions, linears
from edgeenc.compress.narrow_heads import narrow_heads
from edgeenc.compress.rotate import rotate
from edgeenc.model.encoder import Encoder
from edgeenc.model.shape import Shape
from edgeenc.model.surgery import rebuild, take
from edgeenc.stages.truncate_hidden import Method, narrowed
from edgeenc.text.batches import Masked


def truncate_hidden(
    encoder: Encoder, batches: Sequence[Masked], *, hidden: int, method: Method = "importance"
) -> Encoder:
    """Return `encoder` with `hidden` channels of the residual stream, and as many attention channels.

    - `leading`: the first channels of every tensor, heads split anew across their borders, as published.
    - `importance`: the channels that the loss depends on most (see `importance`), summed over all layers; each head
      keeps its most important channels, query and key the same ones, and the query is scaled so that scores keep their
      temperature.
    - `heads`: hidden channels as under `importance`, whole heads by their importance.
    - `svd`: hidden channels as under `importance`, heads narrowed by singular values (see `narrow_heads`).
    - `pca`: the stream in its principal components, an approximation that training must recover (see `rotate`).

    Source: arXiv:2505.16956, step 3, for `leading`; the others are ours, with the scores of arXiv:1906.10771.

    Raises:
        ShapeError: as `narrowed`.
        InputError: `batches` is empty where they are needed, or the family's heads cannot be narrowed by `svd`.
    """
    shape = narrowed(encoder.shape, hidden, method)
    if method == "pca":
        return rotate(encoder, batches, shape)
    keep_K, keep_LA = _choose(encoder, batches, shape, method)
    if encoder.sentence is not None:
        encoder = replace(encoder, sentence=encoder.sentence.reading(torch.eye(encoder.shape.hidden)[:, keep_K]))
    state = take(encoder.model.state_dict(), encoder.family, "hidden", keep_K)
    if method == "svd":
        found = attentions(encoder)
        return rebuild(encoder, narrow_heads(state, found, shape.heads, shape.head_width), shape)
    state = take(state, encoder.family, "attention", keep_LA)
    if method == "importance":
        state = _keep_temperature(encoder, state, math.sqrt(shape.head_width / encoder.shape.head_width))
    return rebuild(encoder, state, shape)


def _choose(encoder: Encoder, batches: Sequence[Masked], new: Shape, method: Method) -> tuple[Tensor, Tensor]:
    """Return the hidden channels (K,) and the attention channels (L, K) to keep, ascending."""
    old = encoder.shape
    if method == "leading":
        return torch.arange(new.hidden), torch.arange(new.attention).expand(old.layers, -1)
    reads_stream = linears(encoder, out="attention", into="hidden") + linears(encoder, out="ffn", into="hidden")
    reads_heads = linears(encoder, out="hidden", into="attention")
    scores = importance(encoder, [*reads_stream, *reads_heads], batches)
    stream_H = torch.stack(scores[: len(reads_stream)]).sum(0)
    context_LNW = torch.stack(scores[len(reads_stream) :]).view(old.layers, old.heads, old.head_width)
    first_LNW = torch.arange(old.attention).view(1, old.heads, old.head_width).expand(old.layers, -1, -1)
    if method == "heads":
        heads_LK = context_LNW.sum(2).topk(new.heads, dim=1).indices.sort(dim=1).values
        keep_LA = first_LNW.gather(1, heads_LK[..., None].expand(-1, -1, old.head_width)).flatten(1)
    else:
        inner_LNK = context_LNW.topk(new.head_width, dim=2).indices.sort(dim=2).values
        keep_LA = first_LNW.gather(2, inner_LNK).flatten(1)
    return stream_H.topk(new.hidden).indices.sort().values, keep_LA


def _keep_temperature(encoder: Encoder, state: dict[str, Tensor], factor: float) -> dict[str, Tensor]:
    """Scale the queries by `factor`, since narrower heads divide their scores by a smaller root."""
    queries = {id(module) for module in linears(encoder, out="attention", into="hidden")}
    names = {name for name, module in encoder.model.named_modules() if id(module) in queries}
    return {n: t * factor if n.rsplit(".", 1)[0] in names else t for n, t in state.items()}
