"""Turn a float32 ONNX file into int8: dynamic per-channel products by ONNX Runtime, one scale per row for every table.

ONNX Runtime's tool gives a gathered table either 4 bits or one scale for all its rows; one scale per row has a tenth of
that error for 4 bytes a row (30,522 rows, loss of mean-pooled cosine: 2e-5 against 3e-4), so tables are done here.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

from edgeenc.errors import GateError
from edgeenc.machine.quiet import quiet
from edgeenc.targets.onnx_file.gemm import gemms_as_products
from edgeenc.targets.onnx_file.graph import initializers, read_graph, tidy, write_graph
from edgeenc.targets.onnx_file.rounding import NARROW, rounded_weight
from edgeenc.targets.onnx_file.smooth import smooth
from edgeenc.targets.sessions.session import Ids

PRODUCTS = ("MatMul", "Gemm")
"""What reads a stored matrix as the weight of a product, whose scales belong to its columns."""

LARGEST_FLOAT = 0.05
"""Share of the int8 file that one float32 tensor may take; more means that something was not quantized."""


def quantize(fp32: Path, out: Path, texts: Sequence[Ids] = ()) -> Path:
    """Write the int8 form of the file `fp32` to `out` and return `out`; the same input gives the same bytes.

    Products with a stored weight become `MatMulInteger` with int8 weights, one scale per output channel, and
    activations quantized per tensor as they come. Gathered tables become int8 rows, each with its scale; a masked-LM
    output reads the same int8 table. With texts, channels are made alike in size first (see `smooth`): one of great
    size would else leave the others a handful of steps.

    Args:
        fp32: as `export` wrote it; stays as it is.
        out: the file to write.
        texts: token ids (B, T) without padding, of the language that the model is for; a few thousand tokens do.

    Raises:
        InputError: `fp32` is missing or damaged.
        GateError: a float32 tensor above 5 % of the file is left.
    """
    model = read_graph(fp32)
    gemms_as_products(model.graph, {node.input[0] for node in model.graph.node if node.op_type == "Gather"})
    narrow = smooth(model, texts)
    weights = {name: numpy_helper.to_array(initializers(model.graph)[name]) for name in sorted(narrow)}
    _quantize_tables(model.graph)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".quantize-") as scratch:
        products = Path(scratch) / "products.onnx"
        _quantize_products(model, products)
        model = read_graph(products)
        _narrow(model.graph, weights)
        model = tidy(model)
    _require_small_floats(model)
    return write_graph(model, out)


def _quantize_products(model: ModelProto, out: Path) -> None:
    """Run ONNX Runtime's dynamic quantization on every product with a stored weight."""
    with quiet():  # it advises a pre-processing that would fuse the graph
        quantize_dynamic(model, out, op_types_to_quantize=["MatMul"], per_channel=True, weight_type=QuantType.QInt8)


def _narrow(graph: GraphProto, weights: Mapping[str, NDArray[np.float32]]) -> None:
    """Give these weights of products 7 bits in the place of 8."""
    stored = initializers(graph)
    for name, weight_KM in weights.items():
        steps_KM, step_M = rounded_weight(weight_KM, NARROW)
        for kind, array in (("quantized", steps_KM.astype(np.int8)), ("scale", step_M)):
            stored[f"{name}_{kind}"].CopyFrom(numpy_helper.from_array(array, f"{name}_{kind}"))


def quantize_rows(table_VH: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Return int8 rows (V, H) and their scales (V,), so that `rows * scale` is within half a scale of the table.

    Worked example: the row (0.5, -1.27, 0.004) has scale 1.27 / 127 = 0.01 and becomes (50, -127, 0).
    """
    scale_V = np.abs(table_VH).max(axis=1).astype(np.float32) / np.float32(127)
    scale_V[scale_V == 0] = 1
    rows_VH = np.rint(table_VH / scale_V[:, None]).astype(np.int8)
    return rows_VH, scale_V


def _quantize_tables(graph: GraphProto) -> None:
    """Replace float32 tables and the nodes that read them: `Gather`, the tied output `Gemm`, and what reads them whole.

    Whole tables are those of the distances between tokens: their rows are made float32 again where the graph begins.
    """
    stored = initializers(graph)
    tables = {n.input[0] for n in graph.node if n.op_type == "Gather" and _is_table(stored.get(n.input[0]))}
    read = {name for node in graph.node if node.op_type not in PRODUCTS for name in node.input}
    whole = sorted(name for name in read - tables if _is_table(stored.get(name)) and stored[name].dims[0] > 1)
    nodes: list[NodeProto] = [node for name in whole for node in _whole(name)]
    for node in graph.node:
        if node.op_type == "Gather" and node.input[0] in tables:
            nodes.extend(_gather(node))
        elif node.op_type == "Gemm" and node.input[1] in tables:
            nodes.extend(_output(node))
        else:
            nodes.append(node)
    copies = [NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del graph.node[:]
    graph.node.extend(copies)
    for name in whole:
        rows_VH, scale_V = quantize_rows(numpy_helper.to_array(stored[name]))
        graph.initializer.remove(stored[name])
        graph.initializer.append(numpy_helper.from_array(rows_VH, f"{name}_quantized"))
        graph.initializer.append(numpy_helper.from_array(scale_V[:, None], f"{name}_scale"))
    for name in sorted(tables):
        rows_VH, scale_V = quantize_rows(numpy_helper.to_array(stored[name]))
        graph.initializer.remove(stored[name])
        graph.initializer.append(numpy_helper.from_array(rows_VH, f"{name}_quantized"))
        graph.initializer.append(numpy_helper.from_array(scale_V, f"{name}_scale"))
    graph.initializer.append(numpy_helper.from_array(np.array([-1], dtype=np.int64), "/last"))


def _is_table(tensor: TensorProto | None) -> bool:
    return tensor is not None and tensor.data_type == TensorProto.FLOAT and len(tensor.dims) == 2


def _whole(table: str) -> Iterator[NodeProto]:
    """Yield `Cast -> Mul(scale)` from int8 rows to the table under its old name."""
    yield helper.make_node("Cast", [f"{table}_quantized"], [f"{table}/floats"], f"{table}/Cast", to=TensorProto.FLOAT)
    yield helper.make_node("Mul", [f"{table}/floats", f"{table}_scale"], [table], f"{table}/Mul")


def _gather(node: NodeProto) -> Iterator[NodeProto]:
    """Yield `Gather(int8) -> Cast -> Mul(Gather(scale))`: standard operators, known to every runtime."""
    table, ids = node.input
    at = node.name.removesuffix("/Gather")
    yield helper.make_node("Gather", [f"{table}_quantized", ids], [f"{at}/rows"], f"{at}/Gather")
    yield helper.make_node("Cast", [f"{at}/rows"], [f"{at}/floats"], f"{at}/Cast", to=TensorProto.FLOAT)
    yield helper.make_node("Gather", [f"{table}_scale", ids], [f"{at}/scales"], f"{at}/GatherScale")
    yield helper.make_node("Unsqueeze", [f"{at}/scales", "/last"], [f"{at}/column"], f"{at}/Unsqueeze")
    yield helper.make_node("Mul", [f"{at}/floats", f"{at}/column"], [node.output[0]], f"{at}/Mul")


def _output(node: NodeProto) -> Iterator[NodeProto]:
    """Yield the output product on the int8 table: its row scales are the channel scales of the product.

    The runtime folds the `Transpose` of the stored table once, when it loads the file.
    """
    x, table, bias = node.input
    at = node.name.removesuffix("/Gemm")
    yield helper.make_node("DynamicQuantizeLinear", [x], [f"{at}/q", f"{at}/qs", f"{at}/qz"], f"{at}/Quantize")
    yield helper.make_node("Transpose", [f"{table}_quantized"], [f"{at}/turned"], f"{at}/Transpose", perm=[1, 0])
    yield helper.make_node("MatMulInteger", [f"{at}/q", f"{at}/turned", f"{at}/qz"], [f"{at}/sums"], f"{at}/MatMul")
    yield helper.make_node("Cast", [f"{at}/sums"], [f"{at}/floats"], f"{at}/Cast", to=TensorProto.FLOAT)
    yield helper.make_node("Mul", [f"{at}/qs", f"{table}_scale"], [f"{at}/scales"], f"{at}/Scales")
    yield helper.make_node("Mul", [f"{at}/floats", f"{at}/scales"], [f"{at}/product"], f"{at}/Mul")
    yield helper.make_node("Add", [f"{at}/product", bias], [node.output[0]], f"{at}/Add")


def _require_small_floats(model: ModelProto) -> None:
    """Refuse a file in which one float32 tensor takes more than `LARGEST_FLOAT`.

    Raises:
        GateError: naming the largest such tensor, its bytes and its share.
    """
    whole = model.ByteSize()
    floats = [t for t in model.graph.initializer if t.data_type == TensorProto.FLOAT]
    largest = max(floats, key=lambda tensor: tensor.ByteSize())
    share = largest.ByteSize() / whole
    if share > LARGEST_FLOAT:
        raise GateError(
            f"int8: {largest.name} is float32 and takes {largest.ByteSize():,} of {whole:,} bytes ({share:.1%}; at most"
            f" {LARGEST_FLOAT:.0%}); it was not quantized"
        )
