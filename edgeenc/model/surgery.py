"""Slice a model along a named axis: slices of its state go into a new model; the old one is never touched.

Axis letters: L layers, K kept indices.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from edgeenc.errors import ShapeError
from edgeenc.model.axes import unpacked
from edgeenc.model.encoder import Encoder
from edgeenc.model.family import Family
from edgeenc.model.shape import Shape

State = Mapping[str, Tensor]


def take(state: State, family: Family, axis: str, keep: Tensor) -> dict[str, Tensor]:
    """Keep the indices `keep` along `axis` of every tensor that has it, in each block where it is packed.

    Args:
        state: parameters by name.
        family: the table that names their axes.
        axis: `vocab`, `hidden`, `attention`, `ffn`, `positions` or `types`.
        keep: (K,) for every tensor alike, or (L, K) where each layer keeps its own.

    Raises:
        InputError: a parameter is not in the table.
    """
    return {name: _take(name, tensor, family, axis, keep) for name, tensor in state.items()}


def _take(name: str, tensor: Tensor, family: Family, axis: str, keep: Tensor) -> Tensor:
    layer = family.layer_of(name)
    chosen = keep[layer] if keep.ndim == 2 and layer is not None else keep
    for dim, own in enumerate(family.axes(name)):
        blocks, single = unpacked(own)
        if single == axis:
            size = tensor.shape[dim] // blocks
            tensor = tensor.index_select(dim, torch.cat([chosen + block * size for block in range(blocks)]))
    return tensor.clone()


def keep_layers(state: State, family: Family, layers: Sequence[int]) -> dict[str, Tensor]:
    """Keep `layers` (0-based, in this order) and number them from 0; all else stays.

    Worked example: layers (1, 3) of four make old layer 1 the new layer 0 and old layer 3 the new layer 1.
    """
    place = {old: new for new, old in enumerate(layers)}
    kept = {}
    for name, tensor in state.items():
        layer = family.layer_of(name)
        if layer is None:
            kept[name] = tensor.clone()
        elif layer in place:
            kept[family.in_layer(name, place[layer])] = tensor.clone()
    return kept


def rebuild(encoder: Encoder, state: State, shape: Shape, ids: Mapping[str, int | None] | None = None) -> Encoder:
    """Return a new encoder of `shape` that holds exactly `state`, in the dtype of `encoder`.

    Args:
        encoder: stays as it is; its configuration is the pattern.
        state: parameters by name, tied ones under their first name at least.
        shape: sizes of the new model.
        ids: fields of the configuration that hold the id of a token, where tokens were renumbered.

    Raises:
        ShapeError: the library cannot build this shape, or a tensor of `state` is missing, unknown or of a wrong size.
    """
    if shape.attention != shape.hidden:
        raise ShapeError(
            f"attention width {shape.attention} ({shape.heads} heads of {shape.head_width}) differs from hidden"
            f" {shape.hidden}; transformers cannot load such a model"
        )
    fields = shape.config_like(encoder.model.config) | dict(ids or {})
    config = type(encoder.model.config).from_dict(fields)
    with torch.random.fork_rng(devices=[]):
        fresh = nn.Module.to(encoder.family.model_class(config), encoder.model.dtype)
    names = encoder.family.tied
    try:
        fresh.load_state_dict(dict(state) | {n: state[names[n]] for n in names if names[n] in state}, strict=True)
    except RuntimeError as error:
        raise ShapeError(f"the sliced tensors do not make a model of {shape}: {error}") from None
    return replace(encoder, model=fresh.eval())
