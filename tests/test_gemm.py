"""`Gemm` becomes a product and a sum that give the same, so that channels are made alike in size before it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import ModelProto, TensorProto, helper, numpy_helper

from edgeenc.model.classifier import save_task_model, with_head
from edgeenc.model.encoder import Encoder
from edgeenc.model.purposes.text_classification import TEXT_CLASSIFICATION
from edgeenc.targets.onnx_file import quantize as quantize_module
from edgeenc.targets.onnx_file.export import export
from edgeenc.targets.onnx_file.gemm import gemms_as_products
from edgeenc.targets.onnx_file.quantize import quantize
from edgeenc.targets.sessions.ort_session import OrtSession


def one_gemm(**said: float) -> ModelProto:
    """A graph `y = Gemm(x, w, b)` of 3 channels that gives 2, its weight as `transB` says."""
    chance = np.random.default_rng(0)
    shape = (2, 3) if said.get("transB") else (3, 2)
    stored = [
        numpy_helper.from_array(chance.normal(size=shape).astype(np.float32), "w"),
        numpy_helper.from_array(chance.normal(size=2).astype(np.float32), "b"),
    ]
    node = helper.make_node("Gemm", ["x", "w", "b"], ["y"], "/head/Gemm", **said)
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3])
    out = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 2])
    graph = helper.make_graph([node], "g", [given], [out], stored)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def said_by(model: ModelProto) -> np.ndarray:
    rows_NK = np.arange(12, dtype=np.float32).reshape(4, 3) - 5
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"x": rows_NK})[0])


@pytest.mark.parametrize("said", [{}, {"transB": 1}], ids=["plain", "transposed"])
def test_the_same_is_computed(said: dict[str, float]) -> None:
    model = one_gemm(**said)
    before = said_by(model)
    gemms_as_products(model.graph, ())
    assert [node.op_type for node in model.graph.node] == ["MatMul", "Add"]
    onnx.checker.check_model(model, full_check=True)
    np.testing.assert_allclose(said_by(model), before, rtol=1e-5)


@pytest.mark.parametrize(("said", "tables"), [({"alpha": 2.0}, ()), ({"transB": 1}, ("w",))], ids=["scaled", "table"])
def test_what_does_more_and_what_reads_a_table_stays(said: dict[str, float], tables: tuple[str, ...]) -> None:
    model = one_gemm(**said)
    gemms_as_products(model.graph, tables)
    assert [node.op_type for node in model.graph.node] == ["Gemm"]


def test_a_head_has_its_channels_made_alike(
    tiny_encoder: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The dense layer of a classifier reads channels of which one is large; its product is scaled as others are."""
    model = with_head(tiny_encoder, TEXT_CLASSIFICATION, ("a", "b"), seed=1)
    with torch.no_grad():
        model.model.base_model.encoder.layer[-1].output.LayerNorm.weight[0] = 100
        model.model.base_model.pooler.dense.weight[:, 0] *= 0.01
    save_task_model(model, tmp_path)
    fp32 = export(tmp_path, tmp_path / "model.onnx", TEXT_CLASSIFICATION)
    texts = [np.random.default_rng(seed).integers(5, 60, size=(8, 16)) for seed in range(4)]

    def off(name: str) -> float:
        int8 = OrtSession(quantize(fp32, tmp_path / name, texts), 1, TEXT_CLASSIFICATION)
        exact = OrtSession(fp32, 1, TEXT_CLASSIFICATION)
        pairs = ((session(ids, np.ones_like(ids)) for session in (int8, exact)) for ids in texts)
        return float(np.sqrt(np.mean([np.square(one - other).mean() for one, other in pairs])))

    alike = off("alike.onnx")
    monkeypatch.setattr(quantize_module, "gemms_as_products", lambda *_: None)
    assert alike < 0.5 * off("as_it_was.onnx")
