"""Look inside an encoder, and compare what two did there: hidden states, attention, relations between tokens.

Axis letters: B rows, T tokens, P compared positions, H hidden, A attention channels, R relation heads, W width.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgeenc.compress.modules import attentions
from edgeenc.model.encoder import Encoder

Heads = tuple[Tensor, Tensor, Tensor]
"""Query, key and value of a layer, each (B, T, A)."""


@dataclass(frozen=True)
class Inner:
    """What happened inside an encoder on a batch.

    Attributes:
        hidden: the embedding's output, then each layer's, at last what the head reads (B, T, H).
        heads: each layer's query, key and value (B, T, A); empty where nobody asked.
        width: channels of a head.
    """

    hidden: tuple[Tensor, ...]
    heads: tuple[Heads, ...]
    width: int


def look_inside(encoder: Encoder, ids_BT: Tensor, *, heads: bool) -> Inner:
    """Run the encoder and return its intermediate states.

    Raises:
        InputError: heads are asked for and the family packs query, key and value into one matrix.
    """
    seen: dict[str, Tensor] = {}
    found = attentions(encoder) if heads else []
    modules = [name for layer in found for name in (layer.query, layer.key, layer.value)]
    with _kept(encoder, modules, seen):
        made = encoder.model.base_model(input_ids=ids_BT, output_hidden_states=True)
    states = tuple((seen[layer.query], seen[layer.key], seen[layer.value]) for layer in found)
    return Inner((*made.hidden_states[:-1], made.last_hidden_state), states, encoder.shape.head_width)


@contextmanager
def _kept(encoder: Encoder, modules: list[str], seen: dict[str, Tensor]) -> Iterator[None]:
    """Keep the outputs of some modules by their names."""

    def hook_of(name: str) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
        def hook(_: nn.Module, __: tuple[Tensor, ...], output: Tensor) -> None:
            seen.setdefault(name, output)  # DeBERTa runs it once more, on its table of distances

        return hook

    handles = [encoder.model.get_submodule(name).register_forward_hook(hook_of(name)) for name in modules]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def cosine_distance(own_PH: Tensor, taught_PH: Tensor) -> Tensor:
    """Return 1 - cosine (P,). Worked example: (1, 0) and (1, 1) give 1 - 1 / root 2 = 0.2929."""
    return 1 - F.cosine_similarity(own_PH, taught_PH, dim=-1)


def relation(own: Heads, taught: Heads, parts: int) -> Tensor:
    """Return KL(teacher || student) of the relations: nats, sum over keys, mean over the three, parts and tokens.

    Queries (keys, values) of a row, all heads side by side, are split into `parts`; the relation of a part is the
    softmax over tokens of its products with itself, over the root of its width. So neither the number of heads nor
    their width must be the same in both.

    Source: Wang et al. 2021, arXiv:2012.15828 (MiniLMv2), section 3.1, with equal weights.
    """
    return torch.stack([_divergence(s, t, parts) for s, t in zip(own, taught, strict=True)]).mean()


def _divergence(own_BTA: Tensor, taught_BTA: Tensor, parts: int) -> Tensor:
    """Return the divergence between two relations."""
    log_own, log_taught = (_relations(x, parts) for x in (own_BTA, taught_BTA))
    return F.kl_div(log_own, log_taught, log_target=True, reduction="none").sum(-1).mean()


def _relations(x_BTA: Tensor, parts: int) -> Tensor:
    """Return the logarithms of the relations (B, R, T, T)."""
    x_BRTW = x_BTA.float().unflatten(-1, (parts, -1)).transpose(1, 2)
    return F.log_softmax(x_BRTW @ x_BRTW.mT / math.sqrt(x_BRTW.shape[-1]), dim=-1)


def mean_map(heads: Heads, width: int) -> Tensor:
    """Return the attention (B, T, T) of rows without padding, averaged over heads of `width` channels."""
    query, key = (x.float().unflatten(-1, (-1, width)).transpose(1, 2) for x in heads[:2])
    return F.softmax(query @ key.mT / math.sqrt(width), dim=-1).mean(1)


def map_error(own_BTT: Tensor, taught_BTT: Tensor) -> Tensor:
    """Return the squared error of two maps: sum over keys, mean over queries.

    Source: arXiv:2502.18020 (AfroXLMR-Comet) for maps averaged over heads; the sum over keys, so that the loss does not
    fall with the length of a row, is ours.
    """
    return (own_BTT - taught_BTT).square().sum(-1).mean()
