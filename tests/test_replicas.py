"""The encoders that people start from, in small: each is planned, trimmed, cut, distilled, exported and gated."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from line import Done, World, edgeenc, make_world
from replicas import REFUSED, REPLICAS

from edgeenc.model.encoder import Encoder
from edgeenc.model.families import family_names

pytestmark = pytest.mark.export

RECIPE = """
name: replica
teacher: starter
seed: 7
stages:
  - {{kind: trim-vocab, vocab_size: 400}}
  - {{kind: adapt, tokens: 512, batch_tokens: 128, sequence_lengths: [16], lr: 3.0e-3, evaluations: 1}}
  - {{kind: drop-layers, layers: 2, rule: first-k}}
  - {{kind: prune-ffn, intermediate_size: 32, calibration_batches: 1}}
  {narrower}
  - {{name: student, kind: distill, teacher: adapt, tokens: 512, batch_tokens: 128, sequence_lengths: [16], lr: 3.0e-3,
  evaluations: 1}}
bounds: {{mean_cosine: 0.9, worst_cosine: 0.5, top1_agreement: 0.5}}
"""
NARROWER = "- {kind: truncate-hidden, hidden_size: 24, calibration_batches: 1}"


@pytest.fixture(scope="module")
def world(tiny_encoder: Encoder, sentences: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_world(tiny_encoder, sentences, tmp_path_factory.mktemp("world"))


def asked(command: str, world: World, folder: Path, *more: str) -> Done:
    recipe, own = folder.parent / "replica.yaml", json.loads((folder / "config.json").read_bytes())
    narrower = "" if own["model_type"] == "modernbert" else NARROWER
    recipe.write_text(RECIPE.format(narrower=narrower), encoding="utf-8")
    given = ["--lang", "ilo", "--corpus", str(world.corpus), "--recipe", str(recipe), "--teacher", str(folder)]
    return edgeenc(command, *given, "--store", str(folder.parent / "store"), "--threads", "1", *more)


@pytest.mark.parametrize("name", REPLICAS)
def test_it_goes_through_the_whole_line(name: str, world: World, sentences: tuple[str, ...], tmp_path: Path) -> None:
    replica = REPLICAS[name]
    folder = replica.write(tmp_path / "model", sentences)
    if replica.pickled:
        refused = asked("plan", world, folder)
        assert (refused.returncode, "edgeenc convert" in refused.stderr) == (5, True), refused.stderr
        converted = edgeenc("convert", str(folder))
        assert converted.returncode == 0, converted.stderr
    plan = asked("plan", world, folder, "--json")
    assert plan.returncode == 0, plan.stderr
    notes = " ".join(json.loads(plan.stdout)["notes"])
    assert ("no masked-LM head" in notes) is not replica.made.endswith(
        ("MaskedLM", "ForPreTraining")
    ) or "electra" in name
    assert (f"{replica.rows} rows have no token" in notes) is bool(replica.rows)
    done = asked("build", world, folder, "-o", str(tmp_path / "bundle"))
    assert done.returncode == 0, done.stderr
    assert edgeenc("verify", str(tmp_path / "bundle")).returncode == 0
    config = json.loads((tmp_path / "bundle" / "config.json").read_bytes())
    assert not {"id2label", "problem_type", "finetuning_task", "torchscript", "auto_map"} & {
        field for field, value in config.items() if value and value != {"0": "LABEL_0", "1": "LABEL_1"}
    }
    facts = json.loads((tmp_path / "bundle" / "report" / "report.json").read_bytes())
    assert facts["student"]["layers"] == 2 and all(gate["passed"] for gate in facts["gates"])


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_supported_is_named_with_what_is(
    name: str, world: World, sentences: tuple[str, ...], tmp_path: Path
) -> None:
    folder = REFUSED[name].write(tmp_path / "model", sentences)
    refused = [asked(command, world, folder) for command in ("plan", "build")]
    for done in refused:
        assert done.returncode == 5 and len(done.stderr) < 700, done.stderr
        assert str(REFUSED[name].kept.get("model_type", REFUSED[name].model_type)) in done.stderr
        assert all(known in done.stderr for known in family_names().split(", "))
    assert refused[0].stderr == refused[1].stderr
