"""Export a checkpoint to one ONNX file through optimum: unfused, float32, int64 inputs, dynamic batch and length.

Where optimum falls short, this goes beside it: its masked-LM graph stores the word embeddings twice (the tracer folds
the transpose of the tied matrix into a second constant); here the output product reads the matrix that the embedding
reads.
"""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper
from transformers import PreTrainedModel

from edgeenc.errors import GateError, HostError
from edgeenc.machine.quiet import quiet
from edgeenc.model.bottleneck import with_its_own
from edgeenc.model.purpose import Purpose
from edgeenc.model.shape import shape_of
from edgeenc.model.weights import OWN_WEIGHTS, WEIGHTS
from edgeenc.targets.onnx_file.graph import initializers, read_graph, tidy, write_graph
from edgeenc.targets.onnx_file.pooling import append_pooling
from edgeenc.targets.onnx_file.sizes import require_one_file

if TYPE_CHECKING:
    from optimum.exporters.onnx import OnnxConfig

    from edgeenc.model.sentence_head import SentenceHead

OPSET = 18
"""The newest set that the tracing exporter writes; also what LayerNormalization as one node needs (17)."""


def export(checkpoint: Path, out: Path, purpose: Purpose) -> Path:
    """Write the model of a checkpoint folder to `out` and return `out`; the same folder gives the same bytes.

    Inputs `input_ids`, `attention_mask`, `token_type_ids`: int64 (batch_size, sequence_length). Output: float32
    `last_hidden_state` (batch_size, sequence_length, hidden), or `logits`: (..., vocab), of words (..., labels), of
    texts (batch_size, labels). Only a classifier of texts has a pooler in its graph. Of sentence vectors there are two,
    `token_embeddings` (batch_size, sequence_length, hidden) and `sentence_embedding` (batch_size, dimensions), and the
    first one again as `last_hidden_state`, without which optimum, and so sentence-transformers, does not read a file.

    Raises:
        InputError: the checkpoint is missing or damaged.
        BudgetError: the model does not fit one ONNX file (2 GiB).
        HostError: optimum-onnx is not installed, or its versions do not fit.
        GateError: the masked-LM output is not tied to the word embeddings.
    """
    _require_small(checkpoint)
    out.parent.mkdir(parents=True, exist_ok=True)
    graph, pool = _traced(checkpoint, out.parent, purpose)
    if purpose.tied:
        _tie_output(graph.graph)
    if pool is not None:
        append_pooling(graph.graph, pool, purpose)
    return write_graph(tidy(graph), out)


def _traced(checkpoint: Path, folder: Path, purpose: Purpose) -> tuple[ModelProto, SentenceHead | None]:
    """Return the exporter's graph, and what comes behind it.

    The model in PyTorch is gone when this returns: each copy may be a gigabyte.
    """
    computed = purpose.load(checkpoint)
    pool, model = computed.pool, _with_plain_attention(computed.model)
    del computed
    with tempfile.TemporaryDirectory(dir=folder, prefix=".export-") as scratch:
        path = Path(scratch) / "model.onnx"
        # `exported` promises a Module, as it may wrap the model; what it returns here has `config` and all of a model
        _trace(cast("PreTrainedModel", purpose.exported(model)), path, purpose)
        return read_graph(path), pool


def _require_small(checkpoint: Path) -> None:
    """Refuse a model that does not fit one file."""
    paths = (checkpoint / WEIGHTS, checkpoint / OWN_WEIGHTS)
    needed = max(path.stat().st_size if path.is_file() else 0 for path in paths)
    require_one_file(f"checkpoint {checkpoint}", needed)


def _with_plain_attention(model: PreTrainedModel) -> PreTrainedModel:
    """Return a copy of the model that computes attention as products and a softmax.

    The library's default, scaled_dot_product_attention, traces to a graph that fusions do not recognise everywhere.
    """
    config = copy.deepcopy(model.config)
    config._attn_implementation = "eager"
    with torch.random.fork_rng(devices=[]):
        plain = with_its_own(type(model)(config))
    plain.load_state_dict(model.state_dict(), strict=True)
    return plain.eval()


def _trace(model: PreTrainedModel, out: Path, purpose: Purpose) -> None:
    """Let optimum trace the model.

    Raises:
        HostError: optimum-onnx cannot be imported.
    """
    try:
        with quiet():
            from optimum.exporters.onnx import export as export_onnx
            from optimum.exporters.tasks import TasksManager
    except ImportError as error:
        raise HostError(
            f"optimum-onnx cannot be imported ({error}); it needs transformers 4.57, which a plain install of edgeenc"
            " brings"
        ) from None
    family = shape_of(model.config).table
    with quiet(), torch.random.fork_rng(devices=[]), family.traced():
        make = TasksManager.get_exporter_config_constructor(
            "onnx", model=model, task=purpose.traced or purpose.name, library_name="transformers"
        )
        # the library says no more than a partial of any class; for transformers it makes an OnnxConfig
        export_onnx(model, cast("OnnxConfig", make(model.config)), out, opset=OPSET)


def _tie_output(graph: GraphProto) -> None:
    """Make the output product read the word embeddings as they are stored: `Gemm(transB=1)` on the gathered tensor.

    A `Transpose` of the table before the product has the same size on disk, but the runtime then keeps a second copy of
    the table in memory (30,000 x 256: 126 against 67 MiB, at the same speed).

    Raises:
        GateError: the last product's weight is not the transposed word embeddings.
    """
    stored = initializers(graph)
    tables = {node.input[0] for node in graph.node if node.op_type == "Gather" and "input_ids" in node.input}
    add = next(node for node in graph.node if "logits" in node.output)
    product = next((n for n in graph.node if n.op_type == "MatMul" and n.output[0] in add.input), None)
    if add.op_type != "Add" or product is None or len(tables) != 1 or product.input[1] not in stored:
        raise GateError(
            "fill-mask export: no output product found after the masked-LM head; the exporter's graph has changed"
        )
    (name,) = tables
    table = numpy_helper.to_array(stored[name])
    weight = numpy_helper.to_array(stored[product.input[1]])
    if not np.array_equal(table.T, weight):
        raise GateError(
            "fill-mask export: the output weight is not the word embedding matrix; expected tied embeddings"
        )
    bias = next(other for other in add.input if other != product.output[0])
    replaced = list(_tied_product(product, name, bias, add.output[0]))
    graph.initializer.extend(_row_shapes(table))
    place = list(graph.node).index(product)
    graph.node.remove(product)
    graph.node.remove(add)
    for offset, node in enumerate(replaced):
        graph.node.insert(place + offset, node)


def _tied_product(product: NodeProto, table: str, bias: str, out: str) -> Iterator[NodeProto]:
    """Yield the nodes of (B, T, H) x (V, H) transposed + (V): rows (B*T, H), the product, and back to (B, T, V)."""
    at = product.name.rsplit("/", 1)[0]
    yield helper.make_node("Reshape", [product.input[0], "/row"], [f"{at}/rows"], f"{at}/Rows")
    yield helper.make_node("Gemm", [f"{at}/rows", table, bias], [f"{at}/flat"], f"{at}/Gemm", transB=1)
    yield helper.make_node("Shape", ["input_ids"], [f"{at}/size"], f"{at}/Shape")
    yield helper.make_node("Concat", [f"{at}/size", "/vocab"], [f"{at}/whole"], f"{at}/Concat", axis=0)
    yield helper.make_node("Reshape", [f"{at}/flat", f"{at}/whole"], [out], f"{at}/Reshape")


def _row_shapes(table: np.ndarray) -> list[TensorProto]:
    rows, width = table.shape
    return [
        numpy_helper.from_array(np.array([-1, width], dtype=np.int64), "/row"),
        numpy_helper.from_array(np.array([rows], dtype=np.int64), "/vocab"),
    ]
