"""Make the channels of what stored products read alike in size, so that one scale for all of them loses little.

ONNX Runtime quantizes the activations before a product with one scale per tensor. A channel that is a hundred times as
large as the others leaves these a handful of steps. Here every channel is divided by a factor, and the row of the
weight that reads it is multiplied by the same: the product stays what it was, but for rounding.

Axis letters: B batch, T tokens, K channels that a product reads.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from onnx import GraphProto, ModelProto, NodeProto, helper, numpy_helper

from edgeenc.errors import GateError
from edgeenc.targets.onnx_file.graph import initializers, write_graph
from edgeenc.targets.onnx_file.rounding import NARROW, TINY, WIDE, rounding_error
from edgeenc.targets.sessions.ort_session import OrtGraph
from edgeenc.targets.sessions.session import Ids

STRENGTHS = (0.5, 0.75)
"""How much of a channel's size goes from the activations into the weights. These have a scale per column anyway, and
mostly bear more than the half of arXiv:2211.10438; which one is taken is measured."""
STEPS = 8
"""Factors are powers of two to the eighth part: the last bits of a range, which a CPU decides, seldom decide a byte."""
LEAST_RANGE = 1 / 32
"""Share of the median range that a channel counts as at least: one that the texts left silent may speak in others."""
LEAST_WEIGHT = 1 / 1024
"""The same of weights, which are known, and may be 0."""
SLICE = 256
"""Tokens that are read at once, and on which products are tried: all activations of them lie in memory together."""
LEAST_ROWS = 64
"""Rows on which products are tried: of one that reads the first token alone, more slices than the first are needed."""

Floats = NDArray[np.float32]


@dataclass
class _Group:
    """Activations and the products that read them; those of one stored weight have the same factors.

    Attributes:
        read: names of activations.
        products: nodes.
    """

    read: set[str]
    products: list[NodeProto]

    @property
    def weights(self) -> list[str]:
        """Names of the stored weights."""
        return sorted({node.input[1] for node in self.products})


@dataclass
class Activations:
    """Activations of the texts.

    Attributes:
        range_K: the largest size of each channel.
        rows_NK: those of the first tokens.
    """

    range_K: Floats
    rows_NK: Floats


def smooth(model: ModelProto, texts: Sequence[Ids]) -> frozenset[str]:
    """Scale the channels before every product with a stored weight, in place; without texts nothing is done.

    Return the names of weights that are better off with 7 bits than with 8 (see `rounding`).

    The factor of a channel is ``a ** s / w ** (1 - s)``, `a` its largest size in the activations of the texts, `w` that
    in the weights that read it, and `s` the strength at which the rounded product is nearest to the right one; where
    none is nearer than the product as it stands, that stays.

    Worked example: a channel that reaches 16 where all others reach 1, and weights that reach 1 everywhere, is at
    strength 0.75 divided by 8 and its row multiplied by 8; of 127 steps the others then have 64 and no longer 8.

    Source: Xiao et al. 2022, arXiv:2211.10438.

    Args:
        model: float32, as it was exported.
        texts: token ids (B, T) without padding, all of them of type 0.

    Raises:
        GateError: an activation is not finite.
    """
    groups = [group for group in _groups(model.graph) if _alone(model.graph, group)] if texts else []
    if not groups:
        return frozenset()
    seen = activations(model, sorted({name for group in groups for name in group.read}), texts)
    stored = initializers(model.graph)
    factors, narrow = dict[str, Floats](), set[str]()
    for group in groups:
        weights = {name: numpy_helper.to_array(stored[name]) for name in group.weights}
        factor_K, most = _best([seen[name] for name in sorted(group.read)], list(weights.values()))
        if most == NARROW:
            narrow |= set(weights)
        if factor_K is None:
            continue
        for name, weight_KN in weights.items():
            stored[name].CopyFrom(numpy_helper.from_array(weight_KN * factor_K[:, None], name))
        factors |= dict.fromkeys(group.read, factor_K)
    _divide(model.graph, factors)
    return frozenset(narrow)


def _best(seen: Sequence[Activations], weights: Sequence[Floats]) -> tuple[Floats | None, int]:
    """Return the factors of a group at the best strength, None where none at all is best, and the steps of weights."""
    range_K = np.max([one.range_K for one in seen], axis=0)
    weight_K = np.max([np.abs(weight_KN).max(1) for weight_KN in weights], axis=0)

    def off(factor_K: Floats, most: int) -> float:
        pairs = ((one.rows_NK / factor_K, weight * factor_K[:, None]) for one in seen for weight in weights)
        return sum(rounding_error(rows_NK, weight_KM, most) for rows_NK, weight_KM in pairs)

    tried = [np.ones_like(range_K), *(factor(range_K, weight_K, strength) for strength in STRENGTHS)]
    cases = [(place, most) for most in (WIDE, NARROW) for place in range(len(tried))]
    best, most = min(cases, key=lambda case: off(tried[case[0]], case[1]))
    return (tried[best] if best else None), most


def factor(range_K: Floats, weight_K: Floats, strength: float) -> Floats:
    """Return the factors (K,) of channels, their geometric mean about 1, from the largest sizes on both sides."""
    log_K = strength * np.log2(_least(range_K, LEAST_RANGE))
    log_K -= (1 - strength) * np.log2(_least(weight_K, LEAST_WEIGHT))
    return np.exp2(np.rint(STEPS * (log_K - log_K.mean())) / STEPS).astype(np.float32)


def _least(size_K: Floats, share: float) -> Floats:
    """Return sizes of which none is below this share of the median."""
    return np.maximum(size_K, max(float(np.median(size_K)) * share, TINY))


def _alone(graph: GraphProto, group: _Group) -> bool:
    """Tell whether nothing but its products reads a group's weights, which are about to change."""
    products, weights = {node.output[0] for node in group.products}, set(group.weights)
    others = (node for node in graph.node if node.output[0] not in products)
    read = {name for node in others for name in node.input} | {value.name for value in graph.output}
    return not (weights & read)


def _groups(graph: GraphProto) -> Iterator[_Group]:
    """Yield the products with a stored weight, those that share activations or a weight together."""
    stored = initializers(graph)
    found = list[_Group]()
    for node in graph.node:
        if node.op_type != "MatMul" or node.input[0] in stored or len(_shape(stored, node.input[1])) != 2:
            continue
        own = _Group({node.input[0]}, [node])
        for other in [one for one in found if node.input[0] in one.read or node.input[1] in one.weights]:
            found.remove(other)
            own = _Group(other.read | own.read, other.products + own.products)
        found.append(own)
    yield from found


def _shape(stored: Mapping[str, object], name: str) -> tuple[int, ...]:
    """Return the shape of a stored tensor, () where there is none."""
    tensor = stored.get(name)
    return tuple(getattr(tensor, "dims", ()))


def activations(model: ModelProto, names: Sequence[str], texts: Sequence[Ids]) -> dict[str, Activations]:
    """Return what the named activations are in the texts.

    Raises:
        GateError: one is not finite.
    """
    watched = ModelProto()
    watched.CopyFrom(model)
    watched.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in names)
    with tempfile.TemporaryDirectory(prefix="edgeenc-ranges-") as scratch:
        path = write_graph(watched, Path(scratch) / "watched.onnx")
        del watched
        graph = OrtGraph(path)
    found = dict[str, Activations]()
    for ids_BT in _slices(texts):
        for name, states in zip(names, graph(names, ids_BT, np.ones_like(ids_BT)), strict=True):
            rows_NK = states.reshape(-1, states.shape[-1])
            largest_K = np.abs(rows_NK).max(0)
            if not np.isfinite(largest_K).all():
                raise GateError(f"int8: {name} of the float32 file is not finite on text of the language")
            if name not in found:
                found[name] = Activations(largest_K, rows_NK)
            elif len(found[name].rows_NK) < LEAST_ROWS:
                found[name].rows_NK = np.concatenate([found[name].rows_NK, rows_NK])
            found[name].range_K = np.maximum(found[name].range_K, largest_K)
    return found


def _slices(texts: Sequence[Ids]) -> Iterator[Ids]:
    """Yield the rows of texts, few at a time."""
    for ids_BT in texts:
        rows = max(1, SLICE // ids_BT.shape[1])
        yield from (ids_BT[first : first + rows] for first in range(0, len(ids_BT), rows))


def _divide(graph: GraphProto, factors: Mapping[str, Floats]) -> None:
    """Let products with a stored weight read activations divided by their factors, by a node for each activation."""
    stored, reading = initializers(graph), dict[str, str]()
    nodes = list[NodeProto]()
    for node in graph.node:
        if node.op_type == "MatMul" and node.input[0] in factors and len(_shape(stored, node.input[1])) == 2:
            read = node.input[0]
            if read not in reading:
                reading[read], inverse = f"{read}/smoothed", f"{read}/smooth"
                graph.initializer.append(numpy_helper.from_array(1 / factors[read], inverse))
                nodes.append(helper.make_node("Mul", [read, inverse], [reading[read]], f"{node.name or read}/Smooth"))
            node.input[0] = reading[read]
        nodes.append(node)
    copies = [NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del graph.node[:]
    graph.node.extend(copies)
