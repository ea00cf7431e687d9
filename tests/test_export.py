from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from edgeenc.errors import BudgetError, GateError, InputError
from edgeenc.model.encoder import Encoder, load_encoder, save_encoder
from edgeenc.model.purpose import purpose_named
from edgeenc.targets.onnx_file import export as target
from edgeenc.targets.onnx_file import sizes
from edgeenc.targets.onnx_file.export import export
from edgeenc.targets.onnx_file.graph import read_graph, tidy
from edgeenc.targets.onnx_file.quantize import quantize
from edgeenc.targets.sessions.ort_session import OrtSession

pytestmark = pytest.mark.export

TASKS = ("feature-extraction", "fill-mask")

FUSED = {"Attention", "EmbedLayerNormalization", "SkipLayerNormalization", "FastGelu", "BiasGelu", "MultiHeadAttention"}


@pytest.fixture(scope="module")
def folder(tiny_encoder: Encoder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint folder with both exported files under `onnx/<task>/model.onnx`."""
    folder = tmp_path_factory.mktemp("checkpoint")
    save_encoder(tiny_encoder, folder)
    for task in TASKS:
        assert export(folder, folder / task / "onnx" / "model.onnx", purpose_named(task)).is_file()
    return folder


def inputs(shape: tuple[int, int], seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Random tokens, and a mask under which row b ends b tokens early."""
    ids_BT = np.random.default_rng(seed).integers(5, 100, shape)
    attend_BT = np.ones(shape, dtype=np.int64)
    for b in range(1, shape[0]):
        attend_BT[b, -b:] = 0
    return ids_BT, attend_BT


@pytest.mark.parametrize("shape", [(1, 1), (1, 3), (3, 17), (2, 64)])
@pytest.mark.parametrize("task", TASKS)
def test_onnx_equals_the_library_model(folder: Path, task: str, shape: tuple[int, int]) -> None:
    model = load_encoder(folder).model
    ids_BT, attend_BT = inputs(shape)
    with torch.no_grad():
        found = model(torch.from_numpy(ids_BT), attention_mask=torch.from_numpy(attend_BT), output_hidden_states=True)
    right = (found.hidden_states[-1] if task == "feature-extraction" else found.logits).numpy()
    other = OrtSession(folder / task / "onnx" / "model.onnx")(ids_BT, attend_BT)
    assert other.shape == right.shape
    assert np.abs(right - other).max() < 2e-5
    assert np.abs(right).max() > 1


@pytest.mark.parametrize(("task", "output"), [("feature-extraction", "last_hidden_state"), ("fill-mask", "logits")])
def test_inputs_and_outputs(folder: Path, task: str, output: str, tiny_encoder: Encoder) -> None:
    graph = read_graph(folder / task / "onnx" / "model.onnx").graph
    assert [value.name for value in graph.input] == ["input_ids", "attention_mask", "token_type_ids"]
    for value in graph.input:
        assert value.type.tensor_type.elem_type == TensorProto.INT64
        assert [dim.dim_param for dim in value.type.tensor_type.shape.dim] == ["batch_size", "sequence_length"]
    assert [value.name for value in graph.output] == [output]
    width = {"last_hidden_state": 32, "logits": tiny_encoder.shape.vocab}[output]
    assert graph.output[0].type.tensor_type.shape.dim[2].dim_value == width


@pytest.mark.parametrize("task", TASKS)
def test_graph_is_unfused_has_no_pooler_and_holds_every_weight_once(
    folder: Path, task: str, tiny_encoder: Encoder
) -> None:
    model = read_graph(folder / task / "onnx" / "model.onnx")
    onnx.checker.check_model(model, full_check=True)
    kinds = Counter(node.op_type for node in model.graph.node)
    assert not FUSED & set(kinds) and all(node.domain == "" for node in model.graph.node)
    assert not {"Tanh", "Identity", "Constant"} & set(kinds)
    assert kinds["MatMul"] == 3 * (6 + 2) + (task == "fill-mask")
    assert not any("pooler" in tensor.name for tensor in model.graph.initializer)
    floats = [t for t in model.graph.initializer if t.data_type == TensorProto.FLOAT and t.dims]
    stored = sum(int(np.prod(tensor.dims)) for tensor in floats)
    # the test model's biases are zeros and its norms ones: the tracer stores equal ones once
    matrices = sum(int(np.prod(t.dims)) for t in floats if len(t.dims) == 2)
    shape = tiny_encoder.shape
    tables = (shape.vocab + shape.positions + shape.types) * 32
    assert matrices == tables + 3 * (4 * 32 * 32 + 2 * 32 * 48) + (32 * 32 if task == "fill-mask" else 0)
    assert stored <= (shape.encoder_parameters if task == "feature-extraction" else shape.parameters)


def test_weights_bear_the_names_of_the_checkpoint(folder: Path) -> None:
    graph = read_graph(folder / "fill-mask" / "onnx" / "model.onnx").graph
    stored = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    state = load_encoder(folder).model.state_dict()
    name = "bert.encoder.layer.1.intermediate.dense.weight"
    assert np.array_equal(stored[name].T, state[name].numpy())
    table = "bert.embeddings.word_embeddings.weight"
    assert np.array_equal(stored[table], state[table].numpy())
    read = [n.op_type for n in graph.node if table in n.input]
    assert sorted(read) == ["Gather", "Gemm"]


def test_same_bytes_from_another_folder_process_and_hash_seed(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere" / "checkpoint"
    save_encoder(load_encoder(folder), copy)
    code = (
        "import sys; from pathlib import Path; from edgeenc.targets.onnx_file.export import export;"
        "from edgeenc.model.purpose import purpose_named;"
        "from edgeenc.targets.onnx_file.quantize import quantize; at = Path(sys.argv[1]);"
        "[quantize(export(at, at / f'{task}.onnx', purpose_named(task)), at / f'{task}.int8.onnx')"
        " for task in sys.argv[2:]]"
    )
    environment = os.environ | {"PYTHONHASHSEED": "7", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    subprocess.run([sys.executable, "-c", code, str(copy), *TASKS], check=True, env=environment, cwd=tmp_path)
    for task in TASKS:
        fp32 = folder / task / "onnx" / "model.onnx"
        assert digest(copy / f"{task}.onnx") == digest(fp32)
        assert digest(copy / f"{task}.int8.onnx") == digest(quantize(fp32, tmp_path / "q.onnx"))
        assert str(tmp_path).encode() not in (copy / f"{task}.int8.onnx").read_bytes()


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_export_leaves_nothing_beside_its_file_and_no_random_number_drawn(folder: Path, tmp_path: Path) -> None:
    torch.manual_seed(3)
    right = torch.rand(4)
    torch.manual_seed(3)
    export(folder, tmp_path / "new" / "model.onnx", purpose_named("feature-extraction"))
    assert torch.equal(torch.rand(4), right)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["model.onnx"]


def test_untied_output_is_refused(folder: Path) -> None:
    graph = read_graph(folder / "fill-mask" / "onnx" / "model.onnx").graph
    table = next(t for t in graph.initializer if t.name == "bert.embeddings.word_embeddings.weight")
    other = numpy_helper.from_array(numpy_helper.to_array(table).T + 1, "other")
    nodes = [
        helper.make_node("Gather", [table.name, "input_ids"], ["x"]),
        helper.make_node("MatMul", ["x", "other"], ["y"]),
        helper.make_node("Add", ["y", "bias"], ["logits"]),
    ]
    untied = helper.make_graph(nodes, "g", graph.input, graph.output, [table, other])
    with pytest.raises(GateError, match="the output weight is not the word embedding matrix"):
        target._tie_output(untied)
    with pytest.raises(GateError, match="no output product found"):
        target._tie_output(helper.make_graph([nodes[0], nodes[2]], "g", graph.input, graph.output, [table]))


def test_a_model_too_large_for_one_file_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sizes, "LARGEST", 1000)
    with pytest.raises(BudgetError, match="one ONNX file holds 1,000"):
        export(folder, folder / "large.onnx", purpose_named("fill-mask"))
    assert not (folder / "large.onnx").exists()


def test_tidy_worked_example() -> None:
    def constant(name: str) -> onnx.NodeProto:
        return helper.make_node("Constant", [], [name], value=numpy_helper.from_array(np.array(1, dtype=np.float32)))

    nodes = [
        constant("/c"),
        constant("/d"),
        helper.make_node("Add", ["x", "/c"], ["/a"], "/path/Add"),
        helper.make_node("Identity", ["x"], ["/same"]),
        helper.make_node("Add", ["/same", "/d"], ["/b"]),
        helper.make_node("Mul", ["/a", "/b"], ["y"], "/path/Mul"),
    ]
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [2]) for name in "xy")
    before = helper.make_model(helper.make_graph(nodes, "g", [x], [y]), producer_name="someone")
    untouched = before.SerializeToString()
    graph = tidy(before).graph
    assert before.SerializeToString() == untouched
    assert [(n.op_type, n.name, [*n.input], [*n.output]) for n in graph.node] == [
        ("Add", "path/Add", ["x", "c0"], ["v0"]),
        ("Mul", "path/Mul", ["v0", "v0"], ["y"]),
    ]
    assert [tensor.name for tensor in graph.initializer] == ["c0"]
    assert tidy(tidy(before)).SerializeToString() == tidy(before).SerializeToString()


def test_damaged_file_and_damaged_graph(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"\xff\xfe not a graph")
    with pytest.raises(InputError, match=r"model\.onnx: cannot be read as an ONNX file"):
        read_graph(tmp_path / "model.onnx")
    with pytest.raises(InputError, match=r"model\.onnx: ONNX Runtime cannot load it"):
        OrtSession(tmp_path / "model.onnx")
    with pytest.raises(InputError, match=r"absent\.onnx: cannot be read"):
        read_graph(tmp_path / "absent.onnx")


@pytest.mark.parametrize("task", TASKS)
def test_optimum_loads_the_folder(folder: Path, task: str, tmp_path: Path, sentences: tuple[str, ...]) -> None:
    from optimum.onnxruntime import ORTModelForFeatureExtraction, ORTModelForMaskedLM
    from transformers import AutoTokenizer

    save_encoder(load_encoder(folder), tmp_path)
    export(tmp_path, tmp_path / "onnx" / "model.onnx", purpose_named(task))
    quantize(tmp_path / "onnx" / "model.onnx", tmp_path / "onnx" / "model_quantized.onnx")
    loader = ORTModelForFeatureExtraction if task == "feature-extraction" else ORTModelForMaskedLM
    encoded = AutoTokenizer.from_pretrained(tmp_path)(list(sentences[:3]), padding=True, return_tensors="pt")
    for name in ("model.onnx", "model_quantized.onnx"):
        found = loader.from_pretrained(tmp_path, subfolder="onnx", file_name=name)(**encoded)[0].numpy()
        ids_BT, attend_BT = encoded["input_ids"].numpy(), encoded["attention_mask"].numpy()
        assert np.abs(found - OrtSession(tmp_path / "onnx" / name)(ids_BT, attend_BT)).max() < 1e-5
    default = loader.from_pretrained(tmp_path)(**encoded)[0].numpy()
    assert default.shape[:2] == tuple(encoded["input_ids"].shape)
