"""Keep some of the layers, with their weights; nothing is trained here."""

from __future__ import annotations

from collections.abc import Sequence

from edgeenc.compress.importance import mean_loss
from edgeenc.model.encoder import Encoder
from edgeenc.model.surgery import keep_layers, rebuild
from edgeenc.stages.drop_layers import ascending
from edgeenc.stages.stage import within
from edgeenc.text.batches import Masked


def measured_layers(
    encoder: Encoder, keep: int, batches: Sequence[Masked]
) -> tuple[tuple[int, ...], list[tuple[int, float]]]:
    """Return the `keep` layers that are left when the least needed one is taken out, again and again.

    The least needed layer is the one without which the masked-LM loss on `batches` (nats, mean over their positions)
    is lowest; the second value says which layer went, in turn, and the loss without it.

    Source: the greedy search of arXiv:2402.09025 (SLEB).

    Raises:
        ShapeError: `keep` is outside 1..L.
    """
    within("drop-layers: layers", keep, encoder.shape.layers)
    left, gone = tuple(range(encoder.shape.layers)), list[tuple[int, float]]()
    while len(left) > keep:
        without = {layer: tuple(other for other in left if other != layer) for layer in left}
        losses = {layer: mean_loss(drop_layers(encoder, rest), batches) for layer, rest in without.items()}
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
