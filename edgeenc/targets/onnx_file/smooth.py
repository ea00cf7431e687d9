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
import onnxruntime
from numpy.typing import NDArray
from onnx import GraphProto, ModelProto, NodeProto, helper, numpy_helper

from edgeenc.targets.onnx_file.graph import initializers, write_graph
from edgeenc.targets.sessions.session import Ids

STRENGTH = 0.75
"""How much of a channel's size goes from the activations into the weights; these have a scale per column anyway, and
bear more than the half of arXiv:2211.10438."""
STEPS = 8
"""Factors are powers of two to the eighth part: the last bits of a range, which a CPU decides, decide no byte."""
LEAST = 1e-5
"""Of a range: a channel that is always 0 has a factor too."""

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


def smooth(model: ModelProto, texts: Sequence[Ids]) -> None:
    """Scale the channels before every product with a stored weight, in place; without texts nothing is done.

    The factor of a channel is ``a ** 0.75 / w ** 0.25``, `a` its largest size in the activations of the texts, `w` that
    in the weights that read it.

    Worked example: a channel that reaches 16 where all others reach 1, and weights that reach 1 everywhere, is divided
    by 8 and its row multiplied by 8; of 127 steps the others then have 64 and no longer 8.

    Source: Xiao et al. 2022, arXiv:2211.10438.

    Args:
        model: float32, as it was exported.
        texts: token ids (B, T) without padding, all of them of type 0.
    """
    groups = list(_groups(model.graph)) if texts else []
    if not groups:
        return
    ranges = _ranges(model, sorted({name for group in groups for name in group.read}), texts)
    stored = initializers(model.graph)
    factors = dict[str, Floats]()
    for group in groups:
        weights = {name: numpy_helper.to_array(stored[name]) for name in group.weights}
        largest_K = np.max([np.abs(weight).max(1) for weight in weights.values()], axis=0)
        factor_K = factor(np.max([ranges[name] for name in group.read], axis=0), largest_K)
        for name, weight_KN in weights.items():
            stored[name].CopyFrom(numpy_helper.from_array(weight_KN * factor_K[:, None], name))
        factors |= dict.fromkeys(group.read, factor_K)
    _divide(model.graph, factors, [node for group in groups for node in group.products])


def factor(range_K: Floats, weight_K: Floats) -> Floats:
    """Return the factors (K,) of channels, their geometric mean about 1, from the largest sizes on both sides."""
    log_K = STRENGTH * np.log2(np.maximum(range_K, LEAST)) - (1 - STRENGTH) * np.log2(np.maximum(weight_K, LEAST))
    return np.exp2(np.rint(STEPS * (log_K - log_K.mean())) / STEPS).astype(np.float32)


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


def _ranges(model: ModelProto, names: Sequence[str], texts: Sequence[Ids]) -> dict[str, Floats]:
    """Return the largest size (K,) that each channel of the named activations has in the texts."""
    watched = ModelProto()
    watched.CopyFrom(model)
    watched.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in names)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    with tempfile.TemporaryDirectory(prefix="edgeenc-ranges-") as scratch:
        path = write_graph(watched, Path(scratch) / "watched.onnx")
        del watched
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    known = {value.name for value in session.get_inputs()}
    found = dict[str, Floats]()
    for ids_BT in texts:
        feeds = {"input_ids": ids_BT, "attention_mask": np.ones_like(ids_BT), "token_type_ids": np.zeros_like(ids_BT)}
        seen = session.run(list(names), {name: feeds[name] for name in feeds if name in known})
        for name, states in zip(names, map(np.asarray, seen), strict=True):
            largest_K = np.abs(states.reshape(-1, states.shape[-1])).max(0)
            found[name] = np.maximum(found[name], largest_K) if name in found else largest_K
    return found


def _divide(graph: GraphProto, factors: Mapping[str, Floats], products: Sequence[NodeProto]) -> None:
    """Let the products read activations divided by their factors: one more node for each activation."""
    names, reading = [node.name for node in products], dict[str, str]()
    nodes = list[NodeProto]()
    for node in graph.node:
        if node.op_type == "MatMul" and node.name in names:
            read = node.input[0]
            if read not in reading:
                reading[read], stored = f"{read}/smoothed", f"{read}/smooth"
                graph.initializer.append(numpy_helper.from_array(1 / factors[read], stored))
                nodes.append(helper.make_node("Mul", [read, stored], [reading[read]], f"{node.name}/Smooth"))
            node.input[0] = reading[read]
        nodes.append(node)
    copies = [NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del graph.node[:]
    graph.node.extend(copies)
