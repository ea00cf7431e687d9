from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import pytest
from int8_host import EXACT
from onnx import TensorProto, helper, numpy_helper

from edgeenc.errors import GateError, InputError
from edgeenc.model.encoder import Encoder, save_encoder
from edgeenc.model.purpose import purpose_named
from edgeenc.targets.onnx_file.export import export
from edgeenc.targets.onnx_file.graph import read_graph, write_graph
from edgeenc.targets.onnx_file.quantize import quantize, quantize_rows
from edgeenc.targets.sessions.ort_session import OrtSession

TASKS = ("feature-extraction", "fill-mask")


@pytest.fixture(scope="module")
def folder(tiny_encoder: Encoder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("quantized")
    save_encoder(tiny_encoder, folder)
    for task in TASKS:
        quantize(
            export(folder, folder / task / "model.onnx", purpose_named(task)), folder / task / "model_quantized.onnx"
        )
    return folder


def tensors(path: Path) -> dict[str, np.ndarray]:
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in read_graph(path).graph.initializer}


def test_rows_by_hand() -> None:
    rows_VH, scale_V = quantize_rows(np.array([[0.5, -1.27, 0.004], [0, 0, 0], [12.7, 0.04, -6.4]], dtype=np.float32))
    assert rows_VH.dtype == np.int8 and scale_V.dtype == np.float32
    assert rows_VH.tolist() == [[50, -127, 0], [0, 0, 0], [127, 0, -64]]
    assert scale_V == pytest.approx([0.01, 1, 0.1])


def test_rows_are_within_half_a_step_of_the_table() -> None:
    table_VH = np.random.default_rng(0).normal(size=(50, 24)).astype(np.float32) * np.logspace(-3, 3, 50)[:, None]
    rows_VH, scale_V = quantize_rows(table_VH.astype(np.float32))
    assert (np.abs(rows_VH * scale_V[:, None] - table_VH) <= scale_V[:, None] * 0.5001).all()
    assert (np.abs(rows_VH).max(axis=1) == 127).all()


@pytest.mark.export
@pytest.mark.parametrize("task", TASKS)
def test_every_table_and_every_weight_is_int8(folder: Path, task: str) -> None:
    path = folder / task / "model_quantized.onnx"
    onnx.checker.check_model(read_graph(path), full_check=True)
    stored = tensors(path)
    matrices = {name: tensor for name, tensor in stored.items() if tensor.ndim == 2 and not name.startswith("c")}
    tables = [name for name in matrices if "_embeddings." in name]
    assert len(tables) == 3
    assert {tensor.dtype for tensor in matrices.values()} == {np.dtype(np.int8)}
    fp32 = tensors(folder / task / "model.onnx")
    for name in tables:
        source = name.removesuffix("_quantized")
        rows_VH, scale_V = quantize_rows(fp32[source])
        assert np.array_equal(stored[name], rows_VH)
        assert np.array_equal(stored[f"{source}_scale"], scale_V)
    floats = [tensor.nbytes for tensor in stored.values() if tensor.dtype == np.float32]
    assert max(floats) <= 0.05 * path.stat().st_size


@pytest.mark.export
@pytest.mark.parametrize("task", TASKS)
def test_weights_have_one_scale_per_output_channel_and_no_offset(folder: Path, task: str) -> None:
    stored = tensors(folder / task / "model_quantized.onnx")
    weights = [name.removesuffix("_scale") for name in stored if name.endswith("dense.weight_scale")]
    assert len(weights) == 3 * 3 + (task == "fill-mask")
    for name in weights:
        assert stored[f"{name}_scale"].shape == stored[f"{name}_quantized"].shape[1:]
        assert not stored[f"{name}_zero_point"].any()
    kinds = Counter(node.op_type for node in read_graph(folder / task / "model_quantized.onnx").graph.node)
    assert kinds["MatMulInteger"] == 3 * 6 + 2 * (task == "fill-mask")
    assert kinds["MatMul"] == 3 * 2  # attention multiplies activations with activations
    assert kinds["Gemm"] == 0


@pytest.mark.export
def test_masked_lm_output_reads_the_int8_table_of_the_embedding(folder: Path, tiny_encoder: Encoder) -> None:
    sizes = {task: (folder / task / "model_quantized.onnx").stat().st_size for task in TASKS}
    graph = read_graph(folder / "fill-mask" / "model_quantized.onnx").graph
    table = "bert.embeddings.word_embeddings.weight_quantized"
    assert sorted(n.op_type for n in graph.node if table in n.input) == ["Gather", "Transpose"]
    shape = (tiny_encoder.shape.vocab, 32)
    assert sum(sorted(tensor.dims) == sorted(shape) for tensor in graph.initializer) == 1
    assert sizes["fill-mask"] > sizes["feature-extraction"]


@pytest.mark.export
@pytest.mark.parametrize("task", TASKS)
def test_output_is_near_float32_and_not_equal(folder: Path, task: str) -> None:
    ids_BT = np.random.default_rng(0).integers(5, 100, (3, 20))
    attend_BT = np.ones_like(ids_BT)
    right, other = (
        OrtSession(folder / task / name)(ids_BT, attend_BT) for name in ("model.onnx", "model_quantized.onnx")
    )
    assert other.shape == right.shape
    cosine = (right * other).sum() / np.linalg.norm(right) / np.linalg.norm(other)
    assert (0.99 if EXACT else 0.97) < cosine < 0.9999999


@pytest.mark.export
def test_input_file_is_untouched_and_nothing_is_left_beside(folder: Path, tmp_path: Path) -> None:
    fp32 = folder / "fill-mask" / "model.onnx"
    before = fp32.read_bytes()
    quantize(fp32, tmp_path / "new" / "q.onnx")
    assert fp32.read_bytes() == before
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["q.onnx"]


def small_model(wide: int) -> onnx.ModelProto:
    """y = (W[ids] @ M) * s, with `s` a float32 vector of `wide` numbers that no rule quantizes."""
    rng = np.random.default_rng(0)
    arrays = {"W": rng.normal(size=(40, 16)), "M": rng.normal(size=(16, wide)), "s": np.ones(wide)}
    nodes = [
        helper.make_node("Gather", ["W", "input_ids"], ["x"], "/w/Gather"),
        helper.make_node("MatMul", ["x", "M"], ["p"], "/p/MatMul"),
        helper.make_node("Mul", ["p", "s"], ["logits"], "/s/Mul"),
    ]
    ids = helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["b", "t"])
    y = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["b", "t", wide])
    stored = [numpy_helper.from_array(array.astype(np.float32), name) for name, array in arrays.items()]
    graph = helper.make_graph(nodes, "g", [ids], [y], stored)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


def test_a_large_float_left_over_is_refused(tmp_path: Path) -> None:
    fp32 = write_graph(small_model(wide=4000), tmp_path / "model.onnx")
    with pytest.raises(GateError, match=r"is float32 and takes 16,\d+ of [\d,]+ bytes \(1\d\.\d%; at most 5%\)"):
        quantize(fp32, tmp_path / "q.onnx")
    assert not (tmp_path / "q.onnx").exists()


def test_damaged_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"\xff" * 40)
    with pytest.raises(InputError, match="cannot be read as an ONNX file"):
        quantize(tmp_path / "model.onnx", tmp_path / "q.onnx")
