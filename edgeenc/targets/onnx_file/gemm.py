"""Write `Gemm` as `MatMul` and `Add`, so that the layers of a head are quantized as all other products are.

ONNX Runtime's quantizer does the same, but only when channels cannot be made alike in size any more: the dense layer of
a classifier read its input with one scale for all channels, and lost a tenth of the labels.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np
from onnx import GraphProto, NodeProto, helper, numpy_helper

from edgeenc.targets.onnx_file.graph import initializers


def gemms_as_products(graph: GraphProto, tables: Collection[str]) -> None:
    """Replace in place every `Gemm` with a stored weight of its own that only multiplies and adds.

    Args:
        graph: of a float32 file.
        tables: weights that are left as they are, since something else reads their rows.
    """
    found = [new for node in graph.node for new in _as_product(graph, node, tables)]
    nodes = [NodeProto.FromString(node.SerializeToString()) for node in found]  # those of the graph end with it
    graph.ClearField("node")
    graph.node.extend(nodes)


def _as_product(graph: GraphProto, node: NodeProto, tables: Collection[str]) -> Iterator[NodeProto]:
    """Yield the nodes in the place of one."""
    stored, said = initializers(graph), {one.name: helper.get_attribute_value(one) for one in node.attribute}
    plain = not said.get("transA") and said.get("alpha", 1.0) == said.get("beta", 1.0) == 1.0
    if node.op_type != "Gemm" or not plain or node.input[1] not in stored or node.input[1] in tables:
        yield node
        return
    weight = numpy_helper.to_array(stored[node.input[1]])
    at, (name,) = node.name.removesuffix("/Gemm"), node.output
    turned = np.ascontiguousarray(weight.T if said.get("transB") else weight)
    graph.initializer.append(numpy_helper.from_array(turned, f"{at}/turned"))
    bias = node.input[2:]
    product = name if not bias else f"{at}/product"
    yield helper.make_node("MatMul", [node.input[0], f"{at}/turned"], [product], f"{at}/MatMul")
    if bias:
        yield helper.make_node("Add", [product, bias[0]], [name], f"{at}/Add")
