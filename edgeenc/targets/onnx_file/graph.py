"""Put an ONNX graph into one canonical form, so that the same model gives the same bytes and names say what they hold.

Nothing is fused and nothing is computed: the same arithmetic on the same numbers. Why at all: the exporter's long names
and repeated constants take several percent of a small int8 file, and it names weights by a counter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import onnx
from onnx import GraphProto, ModelProto, NodeProto, TensorProto

from edgeenc.errors import InputError

PRODUCER = "edgeenc"


def read_graph(path: Path) -> ModelProto:
    """Read an ONNX file.

    Raises:
        InputError: it is missing or damaged.
    """
    try:
        return onnx.load(str(path))
    except Exception as error:  # protobuf's DecodeError shares no base class with OSError
        raise InputError(f"{path}: cannot be read as an ONNX file ({error}); export it again") from None


def write_graph(model: ModelProto, path: Path) -> Path:
    """Write `model` as one file, map fields in sorted order, and return `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(model.SerializeToString(deterministic=True))
    return path


def initializers(graph: GraphProto) -> dict[str, TensorProto]:
    """Return the stored tensors by name."""
    return {tensor.name: tensor for tensor in graph.initializer}


def tidy(model: ModelProto) -> ModelProto:
    """Return `model` in canonical form: no aliases, every constant and every repeated node once, short names.

    Weights that a product owns are named after it: `/encoder/layer.0/output/dense/MatMul` owns
    `encoder.layer.0.output.dense.weight`. Intermediate values are numbered `v0, v1, ...` in the order of the nodes.

    Worked example: `c = Constant(1); d = Constant(1); a = x + c; b = x + d; y = a * b` becomes
    `v0 = x + c0; y = v0 * v0`, with `c0` stored.
    """
    model = ModelProto.FromString(model.SerializeToString())
    graph = model.graph
    _store_constants(graph)
    _drop_repeats(graph)
    _rename(graph, dict(_names(graph)))
    _drop_unused(graph)
    for node in graph.node:
        node.ClearField("doc_string")
        del node.metadata_props[:]
        node.name = _node_name(node)
    for field in ("doc_string", "value_info", "metadata_props", "quantization_annotation"):
        graph.ClearField(field)
    for field in ("doc_string", "metadata_props", "producer_version", "model_version", "domain"):
        model.ClearField(field)
    graph.name = PRODUCER
    model.producer_name = PRODUCER
    return model


def _store_constants(graph: GraphProto) -> None:
    """Move the tensors of `Constant` nodes among the stored ones."""
    nodes = []
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            tensor = graph.initializer.add()
            tensor.CopyFrom(node.attribute[0].t)
            tensor.name = node.output[0]
            tensor.ClearField("doc_string")
        else:
            nodes.append(node)
    _replace_nodes(graph, nodes)


def _drop_repeats(graph: GraphProto) -> None:
    """Leave out `Identity` nodes, equal small integers and constants, and nodes that repeat an earlier one."""
    outputs = {value.name for value in graph.output}
    same: dict[str, str] = {}
    seen: dict[bytes, str] = {}
    for tensor in graph.initializer:
        if tensor.data_type == TensorProto.INT64 or not tensor.dims:
            same[tensor.name] = seen.setdefault(_content(tensor), tensor.name)
    first: dict[tuple[str, str, tuple[str, ...], tuple[bytes, ...]], NodeProto] = {}
    nodes = []
    for node in graph.node:
        node.input[:] = [same.get(name, name) for name in node.input]
        if node.op_type == "Identity" and node.output[0] not in outputs:
            same[node.output[0]] = node.input[0]
            continue
        attributes = tuple(sorted(a.SerializeToString(deterministic=True) for a in node.attribute))
        earlier = first.setdefault((node.domain, node.op_type, tuple(node.input), attributes), node)
        if earlier is node or outputs & set(node.output):
            nodes.append(node)
        else:
            same.update(zip(node.output, earlier.output, strict=True))
    _replace_nodes(graph, nodes)


def _content(tensor: TensorProto) -> bytes:
    """Return what a tensor holds, without its name."""
    anonymous = TensorProto()
    anonymous.CopyFrom(tensor)
    anonymous.ClearField("name")
    return anonymous.SerializeToString(deterministic=True)


def _names(graph: GraphProto) -> Iterator[tuple[str, str]]:
    """Yield (old name, new name) for weights, constants and values; inputs and outputs of the graph keep theirs."""
    stored = initializers(graph)
    kept = {value.name for value in (*graph.input, *graph.output)}
    named: set[str] = set()
    values = constants = 0
    for node in graph.node:
        for name in node.input:
            if name in named or name not in stored:
                continue
            named.add(name)
            if name.startswith("onnx::"):
                yield name, node.name.strip("/").rsplit("/", 1)[0].replace("/", ".") + ".weight"
            elif _is_constant(name, stored[name]):
                yield name, f"c{constants}"
                constants += 1
        for name in node.output:
            if name and name not in kept:
                yield name, f"v{values}"
                values += 1


def _is_constant(name: str, tensor: TensorProto) -> bool:
    """Tell whether a stored tensor is no weight; one that was numbered before is numbered anew, or two would meet."""
    return "/" in name or bool(re.fullmatch(r"c\d+", name)) or not tensor.dims or tensor.data_type == TensorProto.INT64


def _node_name(node: NodeProto) -> str:
    """Return a node's path; ONNX Runtime names some nodes after a value, whose number has changed since."""
    return f"{node.op_type}/{node.output[0]}" if re.match(r"v\d+_", node.name) else node.name.lstrip("/")


def _rename(graph: GraphProto, names: dict[str, str]) -> None:
    for tensor in graph.initializer:
        tensor.name = names.get(tensor.name, tensor.name)
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]


def _drop_unused(graph: GraphProto) -> None:
    """Forget stored tensors that no node reads, and sort the rest by name."""
    used = {name for node in graph.node for name in node.input} | {value.name for value in graph.output}
    for place in reversed(range(len(graph.initializer))):  # in place: a message gives back no memory while it lives
        if graph.initializer[place].name not in used:
            del graph.initializer[place]
    graph.initializer.sort(key=lambda tensor: tensor.name)


def _replace_nodes(graph: GraphProto, nodes: list[NodeProto]) -> None:
    copies = [NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del graph.node[:]
    graph.node.extend(copies)
