"""Fit the down projections again after neurons were dropped: those that stay write what those that went wrote.

Axis letters: L layers, F feed-forward neurons, K kept neurons, N tokens, H hidden.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from edgeenc.compress.least_squares import Seen, ridge, with_one
from edgeenc.compress.modules import linear, names
from edgeenc.errors import InputError
from edgeenc.model.encoder import Encoder
from edgeenc.text.batches import Masked


def refitted(encoder: Encoder, batches: Sequence[Masked], keep_LK: Tensor, strength: float) -> dict[str, Tensor]:
    """Return, by name, down projections (H, K) and biases that give from the kept neurons nearly what all gave.

    For each layer the change D of the kept columns and of the bias is the least-squares answer to what the dropped
    neurons wrote: the least |x_kept D - x_dropped W_dropped|^2 + ridge, on the activations x of the uncut model. Worked
    example: a dropped neuron that always is twice a kept one adds its column, doubled, to that one's.

    Source: He, Zhang and Sun 2017, arXiv:1707.06168, for reconstruction by least squares; Kwon et al. 2022,
    arXiv:2204.09656, for its use after pruning a transformer.

    Raises:
        InputError: there is no batch to fit on.
    """
    if not batches:
        raise InputError("prune-ffn: there is no batch to fit the down projection on; give more text")
    found = names(encoder, "hidden", "ffn")
    downs = [found[layer][0] for layer in sorted(found)]
    seen: dict[int, Seen] = {}
    modules = [linear(encoder, name) for name in downs]
    handles = [_watch(down, keep_K, seen, i) for i, (down, keep_K) in enumerate(zip(modules, keep_LK, strict=True))]
    try:
        with torch.no_grad():
            for batch in batches:
                encoder.hidden(batch.ids_BT)
    finally:
        for handle in handles:
            handle.remove()
    state: dict[str, Tensor] = {}
    for place, (name, down) in enumerate(zip(downs, modules, strict=True)):
        change_HK = ridge(seen[place], strength).T
        width = keep_LK.shape[1]
        state[f"{name}.weight"] = (down.weight.detach()[:, keep_LK[place]] + change_HK[:, :width]).to(down.weight.dtype)
        if down.bias is not None:
            state[f"{name}.bias"] = (down.bias.detach() + change_HK[:, width]).to(down.bias.dtype)
    return state


def _watch(down: nn.Linear, keep_K: Tensor, seen: dict[int, Seen], place: int) -> RemovableHandle:
    """Add up, in `seen[place]`, the kept inputs of `down` and what it makes of the dropped ones."""
    dropped_F = torch.ones(down.weight.shape[1], dtype=torch.bool).index_fill(0, keep_K, value=False)

    def hook(_: nn.Module, args: tuple[Tensor, ...]) -> None:
        x_NF = args[0].flatten(0, -2)
        kept_NK = x_NF[:, keep_K]
        inputs = kept_NK if down.bias is None else with_one(kept_NK)
        now = Seen.of(inputs, x_NF[:, dropped_F] @ down.weight[:, dropped_F].T)
        seen[place] = seen[place] + now if place in seen else now

    return down.register_forward_pre_hook(hook)
