"""Keep some of the layers, with their weights; nothing is trained here."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from edgeenc.compress.importance import mean_loss
from edgeenc.compress.inner import cosine_distance
from edgeenc.compress.losses import similarity_divergence
from edgeenc.errors import InputError
from edgeenc.model.encoder import Encoder
from edgeenc.model.sentence_head import SentenceHead
from edgeenc.model.surgery import keep_layers, rebuild
from edgeenc.stages.drop_layers import ascending
from edgeenc.stages.stage import within
from edgeenc.text.batches import Masked

TEMPERATURE = 0.05
"""Softmax temperature at which the similarities of sentence vectors are compared, as in training on them."""

Gone = list[tuple[int, float]]
"""Which layer went, in turn, and the loss without it."""


def measured_layers(encoder: Encoder, keep: int, batches: Sequence[Masked]) -> tuple[tuple[int, ...], Gone]:
    """Return the `keep` layers that are left when the least needed one is taken out, again and again.

    The least needed layer is the one without which the masked-LM loss on `batches` (nats, mean over their positions)
    is lowest; the second value says which layer went, in turn, and the loss without it.

    Source: the greedy search of arXiv:2402.09025 (SLEB).

    Raises:
        ShapeError: `keep` is outside 1..L.
    """
    return _one_by_one(encoder, keep, lambda cut: mean_loss(cut, batches))


def layers_for_vectors(encoder: Encoder, keep: int, texts: Sequence[Masked]) -> tuple[tuple[int, ...], Gone]:
    """Return the same, the loss being how far sentence vectors of `texts` are from those of the uncut encoder.

    It is 1 - cosine of the vectors, mean over texts, and the divergence of the similarities of each text to the others;
    neither needs a masked-LM head or a training. `texts` are batches without padding, as `whole_texts` gives them.

    Source: the search is that of arXiv:2402.09025; the loss that of `distill_sentences`.

    Raises:
        ShapeError: `keep` is outside 1..L.
        InputError: there are fewer than 2 texts.
    """
    if sum(len(batch.ids_BT) for batch in texts) < 2:
        raise InputError("drop-layers: rule vectors compares texts, and there are fewer than 2; give more text")
    whole_ND = _vectors(encoder, texts)

    def loss(cut: Encoder) -> float:
        own_ND = _vectors(cut, texts)
        near = cosine_distance(own_ND, whole_ND).mean()
        return float(near + similarity_divergence(own_ND, whole_ND, TEMPERATURE))

    return _one_by_one(encoder, keep, loss)


@torch.no_grad()
def _vectors(encoder: Encoder, texts: Sequence[Masked]) -> Tensor:
    """Return the sentence vectors (N, D) of all texts."""
    head = encoder.sentence or SentenceHead()
    return torch.cat([head(encoder.hidden(text.ids_BT), torch.ones_like(text.ids_BT)).float() for text in texts])


def _one_by_one(encoder: Encoder, keep: int, loss: Callable[[Encoder], float]) -> tuple[tuple[int, ...], Gone]:
    """Take out the layer without which the loss is lowest, until `keep` are left."""
    within("drop-layers: layers", keep, encoder.shape.layers)
    left, gone = tuple(range(encoder.shape.layers)), Gone()
    while len(left) > keep:
        without = {layer: tuple(other for other in left if other != layer) for layer in left}
        losses = {layer: loss(drop_layers(encoder, rest)) for layer, rest in without.items()}
        least = min(losses, key=losses.__getitem__)
        left = without[least]
        gone.append((least, losses[least]))
    return left, gone


def drop_layers(encoder: Encoder, layers: Sequence[int]) -> Encoder:
    """Return `encoder` with only `layers` (0-based, ascending), in their order.

    Raises:
        ShapeError: no layer, a layer that is not there, or an order that is not ascending.
    """
    ascending(layers, encoder.shape.layers)
    state = keep_layers(encoder.model.state_dict(), encoder.family, layers)
    return rebuild(encoder, state, encoder.shape.with_layers(layers))
