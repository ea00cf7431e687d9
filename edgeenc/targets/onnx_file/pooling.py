"""Behind the hidden states of a traced graph: one vector a text, by the same arithmetic as `SentenceHead`.

It is written by hand and not traced: the same few nodes for every family, and the graph before them is to the bit that
of the hidden states.

Axis letters: B batch, T tokens, H hidden, D dimensions of the vector.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from onnx import GraphProto, NodeProto, TensorProto, helper, numpy_helper

from edgeenc.model.sentence_head import Dense, SentenceHead

FEWEST_TOKENS, SHORTEST = 1e-9, 1e-12
"""What a mean and a length are at least, so that none is divided by 0."""
LAST = np.array([-1], dtype=np.int64)


@dataclass
class _Behind:
    """Nodes and constants behind a graph."""

    nodes: list[NodeProto] = field(default_factory=list)
    stored: list[TensorProto] = field(default_factory=list)

    def add(self, kind: str, *inputs: str, set_to: tuple[str, int] | None = None) -> str:
        """Add a node, perhaps with an attribute, and return the name of its output."""
        out, name = f"/pool/v{len(self.nodes)}", f"/pool/{kind}_{len(self.nodes)}"
        node = helper.make_node(kind, list(inputs), [out], name)
        node.attribute.extend([] if set_to is None else [helper.make_attribute(*set_to)])
        self.nodes.append(node)
        return out

    def keep(self, name: str, value: NDArray[np.float32] | NDArray[np.int64]) -> str:
        """Add a stored tensor, once, and return its name."""
        if all(tensor.name != name for tensor in self.stored):
            self.stored.append(numpy_helper.from_array(value, name))
        return name


def append_pooling(graph: GraphProto, head: SentenceHead, tokens: str, vector: str) -> None:
    """Put the making of vectors behind the only output (B, T, H) of a graph, which is called `tokens` from then on.

    The second output is `vector` (B, D).
    """
    (states,) = graph.output
    _call(graph, states.name, tokens)
    batch = states.type.tensor_type.shape.dim[0].dim_param
    hidden = states.type.tensor_type.shape.dim[2].dim_value
    behind = _Behind()
    _vectors(behind, head, tokens)
    behind.nodes[-1].output[0] = vector
    graph.node.extend(behind.nodes)
    graph.initializer.extend(behind.stored)
    width = head.dimensions(hidden) or None
    graph.output.append(helper.make_tensor_value_info(vector, TensorProto.FLOAT, [batch, width]))


def _call(graph: GraphProto, old: str, new: str) -> None:
    """Give the output `old` of a graph another name, wherever it is read too."""
    for node in graph.node:
        node.input[:] = [new if name == old else name for name in node.input]
        node.output[:] = [new if name == old else name for name in node.output]
    graph.output[0].name = new


def _vectors(behind: _Behind, head: SentenceHead, tokens: str) -> None:
    """Add the nodes of pooling, maps and length; what the last one gives are the vectors (B, D)."""
    pooled = _first(behind, tokens) if head.pooling == "cls" else _mean(behind, tokens)
    for place, dense in enumerate(head.dense):
        pooled = _mapped(behind, dense, f"dense.{place}", pooled)
    if head.normalize:
        length = behind.add("ReduceL2", pooled, behind.keep("/pool/last", LAST), set_to=("keepdims", 1))
        least = behind.keep("/pool/shortest", np.array(SHORTEST, dtype=np.float32))
        behind.add("Div", pooled, behind.add("Max", length, least))


def _first(behind: _Behind, tokens: str) -> str:
    """Return the states (B, H) of the first tokens."""
    return behind.add("Gather", tokens, behind.keep("/pool/first", np.array(0, dtype=np.int64)), set_to=("axis", 1))


def _mean(behind: _Behind, tokens: str) -> str:
    """Return the means (B, H) of the states at real tokens."""
    along = behind.keep("/pool/along", np.array([1], dtype=np.int64))
    least = behind.keep("/pool/fewest", np.array(FEWEST_TOKENS, dtype=np.float32))
    attend = behind.add("Cast", "attention_mask", set_to=("to", TensorProto.FLOAT))
    weight = behind.add("Unsqueeze", attend, behind.keep("/pool/last", LAST))
    total = behind.add("ReduceSum", behind.add("Mul", tokens, weight), along, set_to=("keepdims", 0))
    return behind.add(
        "Div", total, behind.add("Max", behind.add("ReduceSum", weight, along, set_to=("keepdims", 0)), least)
    )


def _mapped(behind: _Behind, dense: Dense, name: str, pooled: str) -> str:
    """Return the linear map (B, D) of pooled states."""
    inputs = [pooled, behind.keep(f"{name}.weight", dense.weight.detach().cpu().float().numpy())]
    if dense.bias is not None:
        inputs.append(behind.keep(f"{name}.bias", dense.bias.detach().cpu().float().numpy()))
    out = behind.add("Gemm", *inputs, set_to=("transB", 1))
    return behind.add("Tanh", out) if dense.activation == "tanh" else out
