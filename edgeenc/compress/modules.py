"""Find the modules of an encoder by the axes of their weights, so that a stage works on every family."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from edgeenc.errors import InputError
from edgeenc.model.encoder import Encoder


@dataclass(frozen=True, slots=True)
class Attention:
    """The names of a layer's attention projections."""

    query: str
    key: str
    value: str
    output: str


def names(encoder: Encoder, out: str, into: str) -> dict[int, list[str]]:
    """Return for each layer the names of its linear modules that map axis `into` to axis `out`, in their order."""
    found: dict[int, list[str]] = {}
    for name, module in encoder.model.named_modules():
        layer = encoder.family.layer_of(f"{name}.")
        if layer is not None and isinstance(module, nn.Linear) and encoder.family.axes(f"{name}.weight") == (out, into):
            found.setdefault(layer, []).append(name)
    return found


def linears(encoder: Encoder, out: str, into: str) -> list[nn.Linear]:
    """Return the first linear module of each layer that maps axis `into` to axis `out`, in the order of the layers.

    Worked example, BERT: (out="attention", into="hidden") gives the query of each layer.
    """
    found = names(encoder, out, into)
    return [linear(encoder, found[layer][0]) for layer in sorted(found)]


def linear(encoder: Encoder, name: str) -> nn.Linear:
    """Return the linear module of that name."""
    module = encoder.model.get_submodule(name)
    assert isinstance(module, nn.Linear)  # names come from the family's table, which knows
    return module


def attentions(encoder: Encoder) -> list[Attention]:
    """Return the attention projections of each layer.

    Raises:
        InputError: the family does not keep query, key and value in three matrices, in this order.
    """
    into, out = names(encoder, "attention", "hidden"), names(encoder, "hidden", "attention")
    layers = range(encoder.shape.layers)
    if any(len(into.get(i, ())) != 3 or len(out.get(i, ())) != 1 for i in layers):
        raise InputError(
            f"{encoder.family.name}: query, key and value of a layer are not three matrices, so heads cannot be"
            " compared or truncated by singular values; choose another method or loss"
        )
    return [Attention(query=into[i][0], key=into[i][1], value=into[i][2], output=out[i][0]) for i in layers]


def norms(encoder: Encoder) -> list[str]:
    """Return the names of the norms over hidden channels, in the order of the model."""
    return [name for name, module in encoder.model.named_modules() if isinstance(module, nn.LayerNorm)]
