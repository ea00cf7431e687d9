"""Distillation on sentence vectors in recipes: what a plan refuses, and what a second student is spared."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from line import World, edgeenc, make_world

from edgeenc.bundle.load import load_bundle
from edgeenc.model.encoder import Encoder, load_encoder
from edgeenc.model.sentence_head import SentenceHead
from edgeenc.store import Store

STAGE = "kind: distill-sentences, teacher: teacher, tokens: 20000, batch_size: 16, max_length: 32, evaluations: 2"


@pytest.fixture(scope="module")
def world(tiny_encoder: Encoder, sentences: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> World:
    """A teacher with prompts."""
    head = SentenceHead(prompts={"query": "Ang ", "passage": "Pusa "}, default_prompt=None)
    return make_world(replace(tiny_encoder, sentence=head), sentences, tmp_path_factory.mktemp("world"))


def with_stages(world: World, name: str, *stages: str) -> World:
    """Return the world with a recipe of these stages."""
    lines = "".join(f"  - {{{stage}}}\n" for stage in stages)
    recipe = world.folder / f"{name}.yaml"
    bounds = "bounds: {mean_cosine: 0.5, worst_cosine: 0.1}"
    recipe.write_text(f"name: {name}\nteacher: {world.teacher}\nseed: 7\nstages:\n{lines}{bounds}\n")
    return replace(world, recipe=recipe)


@pytest.mark.parametrize(
    ("stage", "said"),
    [
        ("kind: distill-sentences", "teacher: field required"),
        ("kind: distill-sentences, teacher: adapt", "no earlier step 'adapt'"),
        (f"{STAGE}, cosine: 0, similarity: 0", "all 0"),
        (STAGE.replace("batch_size: 16", "batch_size: 1"), "batch_size 2 or more"),
        (STAGE.replace("max_length: 32", "max_length: 100"), "max_length 100 is outside 1..64"),
        (f"{STAGE}, hidden: 1", "token by token"),
        (f"{STAGE}, prompts: [search]", "no prompt 'search'; there are: query, passage"),
        (f"{STAGE}, dimensions: 33", "dimensions 33 is outside 1..32"),
    ],
)
def test_a_plan_refuses(world: World, tmp_path: Path, stage: str, said: str) -> None:
    other = with_stages(world, "refused", "kind: trim-vocab, vocab_size: 100", stage)
    asked = ["--lang", "ilo", "--corpus", str(other.corpus), "--recipe", str(other.recipe), "--store", str(tmp_path)]
    done = edgeenc("plan", *asked)
    assert done.returncode == 2
    assert said in done.stderr
    assert "stages.1" in done.stderr


@pytest.mark.export
def test_a_second_student_finds_the_vectors_of_the_first(world: World, tmp_path: Path) -> None:
    """Of another shape and vocabulary; what was damaged is made again, and the weights are those of no cache at all."""
    store = tmp_path / "store"
    one = with_stages(world, "one", "kind: trim-vocab, vocab_size: 100", STAGE)
    two = with_stages(world, "two", "kind: drop-layers, layers: 1, rule: first-k", STAGE)
    done = edgeenc(*one.command(store, tmp_path / "one"))
    assert done.returncode == 0, done.stderr
    files = sorted((store / "vectors").rglob("*.array"))
    assert len(files) == 2  # a block to learn from, and one held out
    assert "vectors of teacher" in edgeenc("store", "list", "--store", str(store)).stdout
    kept = {path: path.stat().st_mtime_ns for path in files}
    raw = files[0].read_bytes()
    files[0].write_bytes(raw[:-8] + bytes(8))
    done = edgeenc(*two.command(store, tmp_path / "two"))
    assert done.returncode == 0, done.stderr
    assert sorted((store / "vectors").rglob("*.array")) == files
    assert files[0].read_bytes() == raw
    assert [path.stat().st_mtime_ns == kept[path] for path in files] == [False, True]
    assert edgeenc(*two.command(tmp_path / "fresh", tmp_path / "two-again")).returncode == 0
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("two", "two-again")]
    assert weights[0] == weights[1]
    (made,) = (tmp_path / "fresh" / "steps").glob("*-distill-sentences")
    assert load_encoder(made).sentence == load_encoder(world.teacher).sentence
    cleaned = edgeenc("store", "clean", "--store", str(store))
    assert "removed 0 steps" in cleaned.stdout
    assert len(Store(store).list()) > 0
    edgeenc("store", "clean", "--everything", "--store", str(store))
    assert not (store / "vectors").exists()
    assert Store(store).list() == ()


@pytest.mark.export
def test_vectors_that_are_cut_ship_cut(world: World, tmp_path: Path) -> None:
    """Every form of the bundle gives the first dimensions, and they are measured beside the whole ones."""
    bundle = tmp_path / "bundle"
    cut = with_stages(world, "cut", f"{STAGE}, dimensions: 8")
    done = edgeenc(*cut.command(tmp_path / "store", bundle), "--export-task", "sentence-embedding", "--json")
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert (facts["vectors"]["dimensions"], facts["vectors"]["teacher_dimensions"]) == (8, 32)
    head = load_encoder(bundle).sentence
    assert head is not None
    assert head.dimensions(32) == 8
    assert len(load_bundle(bundle)(["Kumusta"])[0]) == 8
