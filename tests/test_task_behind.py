"""Bottlenecks behind the blocks, as published: their sizes to the unit, a start without effect, kept at export."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path

import families
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from line import edgeenc, make_world
from onnx import numpy_helper
from torch import nn
from transformers import AutoModelForSequenceClassification

from edgeenc.model.bottleneck import SequentialAdapter, add_sequential
from edgeenc.model.classifier import TaskModel, load_task_model, save_task_model, with_head
from edgeenc.model.encoder import Encoder
from edgeenc.model.families import family_of
from edgeenc.model.purpose import Purpose
from edgeenc.model.purposes.text_classification import TEXT_CLASSIFICATION
from edgeenc.model.purposes.token_classification import TOKEN_CLASSIFICATION
from edgeenc.model.reduction import added_parameters, reduction_of
from edgeenc.model.shape import Shape
from edgeenc.model.weights import OWN_WEIGHTS, WEIGHTS
from edgeenc.targets.onnx_file.export import export
from edgeenc.targets.onnx_file.graph import read_graph
from edgeenc.targets.sessions.ort_session import OrtSession
from edgeenc.tasks.scores.metrics import TOKEN_ACCURACY
from edgeenc.tasks.task import Task
from edgeenc.tasks.tuning.fine_tuning import FineTuning
from edgeenc.tasks.tuning.tune import tune
from edgeenc.training_loop import Job

LABELS = ("bahay", "dagat", "lungsod")
PURPOSES = (TEXT_CLASSIFICATION, TOKEN_CLASSIFICATION)
REDUCTIONS = (2, 4, 8, 16, 32, 64, 128)
SIZES = {
    (12, 768): (7_091_712, 3_550_464, 1_779_840, 894_528, 451_872, 230_544, 119_880),
    (6, 768): (3_545_856, 1_775_232, 889_920, 447_264, 225_936, 115_272, 59_940),
    (6, 564): (1_913_652, 958_518, 477_564, 240_474, 118_542),
    (6, 456): (1_251_720, 627_228, 314_982, 156_120, 79_428),
    (6, 312): (586_872, 294_372, 148_122, 73_122, 35_622),
}
"""Layers and hidden size, and the parameters at each reduction: 22 of these are in the figures of arXiv:2505.16956."""


@pytest.fixture(params=PURPOSES, ids=lambda purpose: purpose.name)
def model(request: pytest.FixtureRequest, tiny_encoder: Encoder) -> TaskModel:
    return with_head(tiny_encoder, request.param, LABELS, seed=3)


def asked(encoder: Encoder, text: str) -> tuple[torch.Tensor, torch.Tensor]:
    ids_BT = torch.tensor([encoder.tokenizer.encode(text).ids])
    return ids_BT, torch.ones_like(ids_BT)


def stirred(model: TaskModel) -> TaskModel:
    """Let every bottleneck say something."""
    with torch.no_grad():
        for place, (name, parameter) in enumerate(model.model.named_parameters()):
            if ".up." in name or ".down." in name:
                parameter.normal_(std=0.2, generator=torch.Generator().manual_seed(place))
    return model


@pytest.mark.parametrize("place", list(SIZES), ids=str)
def test_sizes_are_those_of_the_paper(place: tuple[int, int]) -> None:
    layers, hidden = place
    shape = Shape(layers, hidden, 12, hidden // 12, 2048, 40_000, 512, 2, "bert")
    assert [added_parameters(shape, r) for r in REDUCTIONS[: len(SIZES[place])]] == list(SIZES[place])


@pytest.mark.parametrize("reduction", [2, 5, 64])
def test_a_model_has_as_many_more_as_the_shape_says(tiny_encoder: Encoder, model: TaskModel, reduction: int) -> None:
    before = sum(p.numel() for p in model.model.parameters())
    add_sequential(model.model, reduction, seed=1)
    added = sum(p.numel() for p in model.model.parameters()) - before
    assert added == added_parameters(tiny_encoder.shape, reduction)
    assert sum(isinstance(m, SequentialAdapter) for m in model.model.modules()) == tiny_encoder.shape.layers


def test_a_new_bottleneck_changes_no_bit(tiny_encoder: Encoder, model: TaskModel) -> None:
    plain = replace(model, model=nn.Module.double(copy.deepcopy(model.model)))
    wide = replace(model, model=nn.Module.double(copy.deepcopy(model.model)))
    add_sequential(wide.model, 4, seed=1)
    inputs = asked(tiny_encoder, "Sumulat siya ng liham.")
    assert torch.equal(wide.logits(*inputs), plain.logits(*inputs))
    assert (stirred(wide).logits(*inputs) - plain.logits(*inputs)).abs().max() > 1e-3


def test_a_layer_computes_the_published_formula(tiny_encoder: Encoder, model: TaskModel) -> None:
    """Written out for the first layer of BERT, from its parts."""
    add_sequential(model.model, 4, seed=1)
    layer = stirred(model).model.bert.encoder.layer[0]
    x_BTH = torch.randn(1, 5, 32, generator=torch.Generator().manual_seed(2))
    met_BTH = layer.attention(x_BTH)[0]
    inner = F.gelu(layer.intermediate.dense(met_BTH))
    sum_BTH = layer.output.dense(inner) + met_BTH
    last = layer.output.LayerNorm
    norm = lambda s: F.layer_norm(s, (32,), last.weight, last.bias, last.eps)  # noqa: E731
    read_BTD = torch.relu(norm(sum_BTH) @ last.down.weight.T + last.down.bias)
    expected = norm(sum_BTH + read_BTD @ last.up.weight.T + last.up.bias)
    assert (layer(x_BTH)[0] - expected).abs().max() < 1e-6


@pytest.mark.parametrize("family", sorted({f for f in families.TOKENIZERS if not family_of(f).gated}))
@pytest.mark.parametrize("purpose", PURPOSES, ids=lambda purpose: purpose.name)
def test_every_family_with_a_norm_behind_its_blocks_takes_one_and_comes_back_from_disk(
    family: str, purpose: Purpose, sentences: tuple[str, ...], tmp_path: Path
) -> None:
    encoder = families.tiny(family, sentences)
    model = with_head(encoder, purpose, LABELS, seed=3)
    add_sequential(model.model, 4, seed=1)
    stirred(model)
    assert sum(isinstance(m, SequentialAdapter) for m in model.model.modules()) == encoder.shape.layers
    save_task_model(model, tmp_path)
    back, inputs = load_task_model(tmp_path), asked(encoder, "Umuulan na naman.")
    assert reduction_of(back.model.config) == 4
    assert torch.equal(back.logits(*inputs), model.logits(*inputs))


def test_only_bottlenecks_and_head_learn(tiny_encoder: Encoder) -> None:
    from test_tune import TAG, on_test

    options = FineTuning(
        method="adapter", placement="sequential", reduction_factor=2, lr=1e-2, epochs=10, batch_size=8, max_length=32
    )
    judge = Task("t", TOKEN_ACCURACY, TAG).judge
    model, _ = tune(tiny_encoder, TAG, options, Job(1), judge)
    body = tiny_encoder.model.base_model.state_dict()
    found = model.model.base_model.state_dict()
    assert all(torch.equal(found[name], tensor) for name, tensor in body.items())
    own = set(found) - set(body)
    assert own and all(".LayerNorm.down." in name or ".LayerNorm.up." in name for name in own)
    assert all(found[name].abs().max() > 0 for name in own if name.endswith("up.weight"))
    assert on_test(model, TAG) > 0.8  # of one label alone 0.63
    assert {n for n, p in model.model.named_parameters() if p.requires_grad} == {
        *(f"bert.{name}" for name in own),
        *("classifier.weight", "classifier.bias"),
    }


def test_transformers_finds_no_weights_rather_than_a_part_of_them(model: TaskModel, tmp_path: Path) -> None:
    add_sequential(model.model, 4, seed=1)
    save_task_model(model, tmp_path)
    assert (tmp_path / OWN_WEIGHTS).is_file() and not (tmp_path / WEIGHTS).exists()
    with pytest.raises(OSError, match="no file named"):
        AutoModelForSequenceClassification.from_pretrained(tmp_path)


@pytest.mark.export
def test_the_exported_graph_holds_the_bottlenecks(tiny_encoder: Encoder, model: TaskModel, tmp_path: Path) -> None:
    add_sequential(model.model, 4, seed=1)
    save_task_model(stirred(model), tmp_path)
    path = export(tmp_path, tmp_path / "model.onnx", model.purpose)
    ids_BT = np.random.default_rng(0).integers(5, 100, (3, 17))
    attend_BT = np.ones_like(ids_BT)
    attend_BT[1, -4:] = 0
    with torch.no_grad():
        right = model.logits(torch.from_numpy(ids_BT), torch.from_numpy(attend_BT)).numpy()
    seen = attend_BT.astype(bool) if model.purpose is TOKEN_CLASSIFICATION else ...
    assert np.abs(OrtSession(path)(ids_BT, attend_BT) - right)[seen].max() < 1e-4
    tensors = [numpy_helper.to_array(tensor) for tensor in read_graph(path).graph.initializer]
    for shape in ((32, 8), (8, 32)):  # hidden 32 and bottleneck 8, as the exporter stores them for a product
        assert sum(tensor.shape == shape for tensor in tensors) == 3


@pytest.mark.export
def test_a_whole_build_keeps_them_and_says_how_it_is_loaded(
    tiny_encoder: Encoder, sentences: tuple[str, ...], tmp_path: Path
) -> None:
    world = make_world(tiny_encoder, sentences, tmp_path / "world")
    old, new = (
        "fine_tuning: {lr: 5.0e-3,",
        ("fine_tuning: {method: adapter, placement: sequential, reduction_factor: 4, head_start: random, lr: 1.0e-2,"),
    )
    world.recipe.write_text(world.recipe.read_text().replace(old, new), encoding="utf-8")
    out = tmp_path / "out"
    more = ("--task", "opinion", "--data", str(world.folder / "reviews.csv"))
    done = edgeenc(*world.command(tmp_path / "store", out, *more))
    assert done.returncode == 0, done.stderr
    assert (out / OWN_WEIGHTS).is_file() and not (out / WEIGHTS).exists()
    card = (out / "README.md").read_text("utf-8")
    assert "load_task_model" in card and "from transformers" not in card and OWN_WEIGHTS in card
    assert edgeenc("verify", str(out)).returncode == 0
    found = json.loads(edgeenc("inspect", str(out), "--json").stdout)
    assert found["problems"] == []
    layers, hidden, width = 2, 24, 6
    dense = 4 * hidden * hidden + 2 * hidden * 32 + 9 * hidden + 32
    assert found["parts"]["layers"]["parameters"] == layers * (dense + 2 * hidden * width + width + hidden)
    assert found["parts"]["head"]["parameters"] == hidden * hidden + hidden + 2 * hidden + 2
    rows = json.loads((out / "report" / "report.json").read_text())["tasks"]
    assert {row["precision"] for row in rows if row["model"] == "student"} == {"torch", "fp32", "int8"}
