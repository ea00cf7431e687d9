"""A whole build for a task: a classifier of texts and one of words, from a user's own file to a bundle with scores."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from line import World, edgeenc, make_world
from sklearn.metrics import accuracy_score, f1_score
from tokenizers import Tokenizer
from transformers import AutoModelForSequenceClassification, AutoModelForTokenClassification

from edgeenc.model.encoder import Encoder
from edgeenc.targets.sessions.ort_session import OrtSession

pytestmark = pytest.mark.export


@pytest.fixture(scope="module")
def world(tiny_encoder: Encoder, sentences: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_world(tiny_encoder, sentences, tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store")


def build(world: World, store: Path, out: Path, *more: str) -> dict:
    done = edgeenc(*world.command(store, out, *more))
    assert done.returncode == 0, done.stderr
    assert "by seed" in done.stderr
    return json.loads((out / "report" / "report.json").read_text())


@pytest.fixture(scope="module")
def classifier(world: World, store: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    out = tmp_path_factory.mktemp("out") / "topic"
    return out, build(world, store, out, "--task", "opinion", "--data", str(world.folder / "reviews.csv"))


@pytest.fixture(scope="module")
def tagger(world: World, store: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    out = tmp_path_factory.mktemp("out") / "pos"
    return out, build(world, store, out, "--task", "pos", "--data", str(world.folder / "tags.jsonl"))


def test_every_model_in_every_form_has_a_score(classifier: tuple[Path, dict]) -> None:
    rows = {(row["model"], row["precision"]): row for row in classifier[1]["tasks"]}
    forms = [
        ("teacher", "torch"),
        ("trim-only", "torch"),
        ("student", "torch"),
        ("student", "fp32"),
        ("student", "int8"),
    ]
    assert list(rows) == forms
    for row in rows.values():
        assert (row["task"], row["metric"], row["seeds"], row["n"]) == ("opinion", "macro_f1", 2, 20)
        assert 0 <= row["low"] <= row["value"] <= row["high"] <= 1
    assert rows["student", "torch"]["value"] == rows["student", "fp32"]["value"]
    differences = classifier[1]["differences"]
    assert {row["baseline"] for row in differences} == {"teacher torch", "student fp32"}


def test_scores_are_those_of_the_predictions_by_scikit_learn(
    classifier: tuple[Path, dict], tagger: tuple[Path, dict]
) -> None:
    for (bundle, facts), figure in ((classifier, f1_score), (tagger, accuracy_score)):
        said = json.loads((bundle / "report" / "predictions.json").read_text())
        gold = [label for item in said["items"] for label in item]
        for row in facts["tasks"]:
            seeds = said["models"][f"{row['model']} {row['precision']}"]
            flat = [[label for item in seed for label in item] for seed in seeds]
            more = {"average": "macro"} if figure is f1_score else {}
            assert row["value"] == pytest.approx(np.mean([figure(gold, one, **more) for one in flat]), abs=1e-9)


def test_transformers_and_the_onnx_files_say_the_same(classifier: tuple[Path, dict], tagger: tuple[Path, dict]) -> None:
    for (bundle, _), maker, labels in (
        (classifier, AutoModelForSequenceClassification, {"hindi", "oo"}),
        (tagger, AutoModelForTokenClassification, {"X", "Y"}),
    ):
        model = maker.from_pretrained(bundle)
        assert set(model.config.id2label.values()) == labels
        ids_BT = np.asarray([Tokenizer.from_file(str(bundle / "tokenizer.json")).encode("Ang aso sa mesa").ids])
        session = OrtSession(bundle / "onnx" / "model.onnx")
        import torch

        right = model(torch.from_numpy(ids_BT), torch.ones(ids_BT.shape)).logits.detach().numpy()
        assert np.abs(session(ids_BT, np.ones_like(ids_BT)) - right).max() < 1e-4


def test_the_plan_knows_the_sizes_and_a_second_build_does_nothing(
    world: World, store: Path, tmp_path: Path, classifier: tuple[Path, dict]
) -> None:
    more = ("--task", "opinion", "--data", str(world.folder / "reviews.csv"))
    asked = [a for a in world.command(store, tmp_path, *more)[1:] if a not in ("-o", str(tmp_path))]
    plan = json.loads(edgeenc("plan", *asked, "--json").stdout)
    assert {step["status"] for step in plan["steps"]} == {"done"}
    sizes = classifier[1]["bytes"]
    assert plan["predicted"]["fp32_bytes"] == pytest.approx(sizes["fp32"], rel=0.03)
    assert plan["predicted"]["int8_bytes"] == pytest.approx(sizes["int8"], rel=0.06)


def test_a_bundle_of_a_task_verifies_and_inspects(classifier: tuple[Path, dict], tagger: tuple[Path, dict]) -> None:
    for bundle, facts in (classifier, tagger):
        gates = [gate["name"] for gate in facts["gates"]]
        assert "int8 agreement" in gates and "int8 mean cosine" in gates
        done = edgeenc("verify", str(bundle))
        assert done.returncode == 0, done.stderr
        assert edgeenc("inspect", str(bundle)).returncode == 0


@pytest.mark.parametrize(
    ("more", "code", "words"),
    [
        (["--task", "mood"], 2, "no data comes with this language"),
        (["--data", "x.csv"], 2, "name it with --task"),
        (["--task", "mood", "--data", "missing.csv"], 5, "missing.csv"),
        (["--task", "mood", "--data", "{reviews}", "--export-task", "fill-mask"], 2, "exclude each other"),
        (["--task", "mood", "--data", "{reviews}", "--label-column", "colour"], 5, "colour"),
    ],
)
def test_mistakes_about_tasks_are_told(world: World, tmp_path: Path, more: list[str], code: int, words: str) -> None:
    given = [word.replace("{reviews}", str(world.folder / "reviews.csv")) for word in more]
    done = edgeenc(*world.command(tmp_path / "store", tmp_path / "out", *given))
    assert done.returncode == code, done.stderr
    assert words in done.stderr
    assert not (tmp_path / "store" / "steps").exists()
