"""One channel of great size does not cost the others their steps; what products give stays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

from edgeenc.errors import GateError
from edgeenc.targets.onnx_file.graph import initializers, read_graph, write_graph
from edgeenc.targets.onnx_file.quantize import quantize
from edgeenc.targets.onnx_file.rounding import cut_away
from edgeenc.targets.onnx_file.smooth import LEAST_ROWS, activations, factor, smooth
from edgeenc.targets.sessions.ort_session import OrtSession

TOKENS, CHANNELS, WIDE = 400, 64, 96
GREAT = 3


def model_of(nodes: list[NodeProto], arrays: dict[str, NDArray[np.float64]], wide: int = WIDE) -> onnx.ModelProto:
    ids = helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["b", "t"])
    y = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["b", "t", wide])
    stored = [numpy_helper.from_array(array.astype(np.float32), name) for name, array in arrays.items()]
    graph = helper.make_graph(nodes, "g", [ids], [y], stored)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


def arrays(great: float = 100) -> dict[str, NDArray[np.float64]]:
    """Return a table, what makes one channel `great` times as large, and two weights that are small where it is."""
    rng = np.random.default_rng(0)
    table, first, second = (rng.normal(size=size) for size in ((TOKENS, CHANNELS), (CHANNELS, WIDE), (CHANNELS, WIDE)))
    size = np.ones(CHANNELS)
    size[GREAT] = great
    for weight in (first, second):
        weight[GREAT] /= great
    return {"W": table, "c": size, "M": first, "N": second}


def two_products() -> onnx.ModelProto:
    """y = x @ M + x @ N, x = W[ids] * c."""
    nodes = [
        helper.make_node("Gather", ["W", "input_ids"], ["w"], "/w/Gather"),
        helper.make_node("Mul", ["w", "c"], ["x"], "/x/Mul"),
        helper.make_node("MatMul", ["x", "M"], ["p"], "/p/MatMul"),
        helper.make_node("MatMul", ["x", "N"], ["q"], "/q/MatMul"),
        helper.make_node("Add", ["p", "q"], ["logits"], "/s/Add"),
    ]
    return model_of(nodes, arrays())


def shared_weight() -> onnx.ModelProto:
    """y = x @ M + |x| @ M, x = W[ids] * c: layers that share a weight, as those of ALBERT."""
    nodes = [
        helper.make_node("Gather", ["W", "input_ids"], ["w"], "/w/Gather"),
        helper.make_node("Mul", ["w", "c"], ["x"], "/x/Mul"),
        helper.make_node("Abs", ["x"], ["z"], "/z/Abs"),
        helper.make_node("MatMul", ["x", "M"], ["p"], "/p/MatMul"),
        helper.make_node("MatMul", ["z", "M"], ["q"], "/q/MatMul"),
        helper.make_node("Add", ["p", "q"], ["logits"], "/s/Add"),
    ]
    return model_of(nodes, {name: array for name, array in arrays().items() if name != "N"})


TEXTS = [np.arange(TOKENS).reshape(8, 50)]


def outputs(model: onnx.ModelProto, path: Path) -> NDArray[np.float32]:
    write_graph(model, path)
    return OrtSession(path)(TEXTS[0], np.ones_like(TEXTS[0]))


def test_factors_by_hand() -> None:
    found = factor(np.array([16, 1, 1, 1], dtype=np.float32), np.ones(4, dtype=np.float32), 0.75)
    assert (found / found[1]).tolist() == pytest.approx([8, 1, 1, 1], rel=0.05)
    assert np.log2(found).mean() == pytest.approx(0, abs=1 / 16)


def test_last_bits_of_a_range_decide_nothing() -> None:
    ranges = np.random.default_rng(0).uniform(0.1, 10, 64).astype(np.float32)
    once, again = (factor(r, np.ones(64, dtype=np.float32), 0.75) for r in (ranges, ranges * np.float32(1 + 1e-7)))
    assert np.array_equal(once, again)


@pytest.mark.parametrize("make", [two_products, shared_weight])
def test_products_stay_what_they_were(make: type, tmp_path: Path) -> None:
    model = make()
    before = outputs(model, tmp_path / "before.onnx")
    smooth(model, TEXTS)
    onnx.checker.check_model(model, full_check=True)
    assert sum(node.name.endswith("/Smooth") for node in model.graph.node) == (1 if make is two_products else 2)
    assert np.abs(outputs(model, tmp_path / "after.onnx") - before).max() < 1e-4


@pytest.mark.parametrize("make", [two_products, shared_weight])
def test_a_channel_of_great_size_costs_the_others_little(make: type, tmp_path: Path) -> None:
    right = outputs(make(), tmp_path / "fp32.onnx")
    off = list[float]()
    for texts in ((), TEXTS):
        path = quantize(tmp_path / "fp32.onnx", tmp_path / "int8.onnx", texts)
        off.append(float(np.abs(OrtSession(path)(TEXTS[0], np.ones_like(TEXTS[0])) - right).max()))
    assert off[1] < off[0] / 5


def test_a_weight_that_something_else_reads_stays(tmp_path: Path) -> None:
    """As the projection of a stored table of distances that queries read too (DeBERTa)."""
    model = two_products()
    model.graph.node.insert(3, helper.make_node("Transpose", ["M"], ["turned"], "/t/Transpose", perm=[1, 0]))
    model.graph.node.insert(4, helper.make_node("ReduceSum", ["turned"], ["sum"], "/t/Sum", keepdims=0))
    model.graph.node[-1].input[1] = "q2"
    model.graph.node.insert(5, helper.make_node("Add", ["q", "sum"], ["q2"], "/q/Add"))
    before = outputs(model, tmp_path / "before.onnx")
    smooth(model, TEXTS)
    assert np.abs(outputs(model, tmp_path / "after.onnx") - before).max() < 1e-3


def test_nodes_without_names_are_told_apart(tmp_path: Path) -> None:
    model = two_products()
    for node in model.graph.node:
        node.name = ""
    before = outputs(model, tmp_path / "before.onnx")
    smooth(model, TEXTS)
    assert np.abs(outputs(model, tmp_path / "after.onnx") - before).max() < 1e-3


def test_a_channel_that_the_texts_leave_silent_may_speak_later() -> None:
    found = factor(np.array([0, 1, 1, 1], dtype=np.float32), np.ones(4, dtype=np.float32), 0.75)
    assert 1 < found[1] / found[0] < 20


def test_numbers_that_are_not_finite_are_refused() -> None:
    model = two_products()
    (stored,) = (tensor for tensor in model.graph.initializer if tensor.name == "c")
    stored.CopyFrom(numpy_helper.from_array(np.full(CHANNELS, np.inf, dtype=np.float32), "c"))
    with pytest.raises(GateError, match="x of the float32 file is not finite"):
        smooth(model, TEXTS)


def test_sums_of_16_bits_by_hand() -> None:
    """255 * 127 * 2 is 64,770, of which 32,767 fit; with the other sign 32,768; a channel alone always fits."""
    both, one = np.array([[255, 255]], dtype=np.float32), np.array([[255, 0]], dtype=np.float32)
    steps = np.array([[127, -127, 127, 64], [127, -127, -127, 64]], dtype=np.float32)
    assert cut_away(both, steps).tolist() == [[64770 - 32767, -64770 + 32768, 0, 0]]
    assert not cut_away(one, steps).any() and not cut_away(one[:, :1], steps[:1]).any()


def test_weights_whose_sums_would_be_cut_have_7_bits(tmp_path: Path) -> None:
    """Positive activations on weights of one size fill every sum of two channels: half of it would be left."""
    nodes = [
        helper.make_node("Gather", ["W", "input_ids"], ["x"], "/w/Gather"),
        helper.make_node("MatMul", ["x", "M"], ["logits"], "/p/MatMul"),
    ]
    table = np.random.default_rng(0).uniform(0.9, 1, (TOKENS, CHANNELS))
    model = model_of(nodes, {"W": table, "M": np.ones((CHANNELS, WIDE))})
    right = outputs(model, tmp_path / "fp32.onnx")
    assert smooth(model, TEXTS) == {"M"}
    path = quantize(tmp_path / "fp32.onnx", tmp_path / "int8.onnx", TEXTS)
    assert numpy_helper.to_array(initializers(read_graph(path).graph)["M_quantized"]).max() == 64
    assert np.abs(OrtSession(path)(TEXTS[0], np.ones_like(TEXTS[0])) / right - 1).max() < 0.02


def test_without_texts_the_file_is_as_before(tmp_path: Path) -> None:
    write_graph(two_products(), tmp_path / "fp32.onnx")
    made = read_graph(quantize(tmp_path / "fp32.onnx", tmp_path / "int8.onnx"))
    assert not any("mooth" in name for node in made.graph.node for name in (node.name, *node.input))


def test_tables_of_positions_that_a_weight_reads_are_left(tmp_path: Path) -> None:
    """A stored table times a stored weight depends on no text (the distances of DeBERTa)."""
    nodes = [
        helper.make_node("Gather", ["W", "input_ids"], ["x"], "/w/Gather"),
        helper.make_node("MatMul", ["R", "M"], ["r"], "/r/MatMul"),
        helper.make_node("Transpose", ["r"], ["t"], "/r/Transpose", perm=[1, 0]),
        helper.make_node("MatMul", ["x", "t"], ["logits"], "/s/MatMul"),
    ]
    rng = np.random.default_rng(1)
    found = arrays() | {"R": rng.normal(size=(WIDE, CHANNELS)), "M": rng.normal(size=(CHANNELS, CHANNELS))}
    model = model_of(nodes, {name: found[name] for name in ("W", "R", "M")})
    same = model.SerializeToString()
    smooth(model, TEXTS)
    assert model.SerializeToString() == same


def test_a_product_that_reads_one_token_a_text_is_tried_on_many_texts() -> None:
    """One text alone would choose how the head of a classifier is scaled."""
    chance = np.random.default_rng(0)
    arrays = {"table": chance.normal(size=(TOKENS, CHANNELS)), "w": chance.normal(size=(CHANNELS, WIDE))}
    first = numpy_helper.from_array(np.array(0, dtype=np.int64), "first")
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["x"], "/rows/Gather"),
        helper.make_node("Gather", ["x", "first"], ["head"], "/first/Gather", axis=1),
        helper.make_node("MatMul", ["head", "w"], ["logits"], "/head/MatMul"),
    ]
    model = model_of(nodes, arrays)
    model.graph.initializer.append(first)
    model.graph.output[0].type.tensor_type.shape.dim.pop(1)
    texts = [chance.integers(0, TOKENS, size=(1, 12)) for _ in range(100)]
    assert len(activations(model, ["head"], texts)["head"].rows_NK) == LEAST_ROWS
