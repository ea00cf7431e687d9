"""What cannot work is refused when it is planned, with the place, the reason and what to do instead."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from families import TOKENIZERS, tiny
from line import World, edgeenc, make_world

from edgeenc.errors import BudgetError, InputError, ShapeError
from edgeenc.language import resolve
from edgeenc.machine.runtime import Runtime
from edgeenc.model.config import load_config, load_shape
from edgeenc.model.encoder import load_encoder, save_encoder
from edgeenc.model.families import families, family_of
from edgeenc.model.shape import Shape, shape_of
from edgeenc.planned import Request
from edgeenc.recipe import load_recipe, recipe_names
from edgeenc.stages.distill import Distill
from edgeenc.stages.prune_ffn import PruneFfn
from edgeenc.stages.stage import Stage, shape_after
from edgeenc.stages.trim_vocab import TrimVocab
from edgeenc.steps.line.make import make_plan
from edgeenc.text.mixture import Text

BASE = Shape(12, 768, 12, 64, 3072, 119_547, 512, 2, "bert")
MODERN = Shape(6, 32, 4, 8, 48, 360, 64, 0, "modernbert", attend_every=3)
XLM_R_LARGE = Shape(24, 1024, 16, 64, 4096, 250_002, 514, 1, "xlm-roberta")


@pytest.fixture(scope="module")
def modern(sentences: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_world(tiny("modernbert", sentences), sentences, tmp_path_factory.mktemp("modern"))


@pytest.mark.parametrize(("stage", "words"), [
    ({"kind": "distill", "teacher": "teacher", "match": {"relation": 1}},
     "stages.0: match: relation and attention compare queries, keys and values, which a modernbert model packs into"
     " one matrix; leave both at 0 and give cosine or hidden a weight"),
    ({"kind": "distill", "teacher": "teacher", "match": {"attention": 0.5, "cosine": 1}}, "which a modernbert model"),
    ({"kind": "prune-ffn", "intermediate_size": 32, "score": "paper"},
     "stages.0: prune-ffn: score paper judges a neuron by its row before the activation; in a modernbert model it has"
     " two, of which one is a gate; take per-token, fisher or activation"),
    ({"kind": "prune-ffn", "intermediate_size": 32, "score": "magnitude"},
     "prune-ffn: score magnitude judges a neuron"),
    *(({"kind": "truncate-hidden", "hidden_size": 16, "method": method},
       "truncate-hidden cannot work on a modernbert model")
      for method in ("leading", "importance", "heads", "svd", "pca")),
])  # fmt: skip
def test_options_that_modernbert_cannot_have(
    modern: World, tmp_path: Path, stage: Mapping[str, object], words: str
) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(yaml.safe_dump({"name": "x", "teacher": str(modern.teacher), "stages": [stage]}))
    asked = ("plan", "--lang", "ilo", "--corpus", str(modern.corpus), "--recipe", str(recipe))
    done = edgeenc(*asked, "--store", str(tmp_path / "store"))
    assert done.returncode == 2
    assert words in " ".join(done.stderr.split())


@pytest.mark.parametrize("stage", [
    Distill(teacher="teacher", match={"cosine": 1, "hidden": 1, "layers": "all"}),
    PruneFfn(intermediate_size=32, score="fisher", refit=True, sort_heads=True),
    PruneFfn(intermediate_size=32, score="per-token"),
], ids=str)  # fmt: skip
def test_options_that_modernbert_can_have_are_planned(stage: Stage) -> None:
    stage.agree(stage.reshape(MODERN), dict.fromkeys(stage.reads, MODERN))


def test_only_modernbert_packs() -> None:
    assert {family.name for family in families() if family.packed} == {"modernbert"}
    assert {family.name for family in families() if family.gated} == {"modernbert"}


class Made:
    """A step of a plan."""

    def __init__(self, stage: Stage | None, shape: Shape) -> None:
        self.stage, self.shape = stage, shape


def test_a_teacher_from_before_a_cut_by_coverage_is_refused() -> None:
    """Its tokens are other ones, which the shapes cannot show: a coverage leaves the old vocabulary as the bound."""
    steps = {
        "teacher": Made(None, BASE),
        "trim-vocab": Made(TrimVocab(coverage=0.999), BASE),
        "prune": Made(PruneFfn(intermediate_size=8), BASE),
    }
    words = (
        r"distill reads 'teacher', and 'trim-vocab', which comes after that, trims .* read 'trim-vocab' or a step after"
    )
    with pytest.raises(ShapeError, match=words):
        shape_after(Distill(teacher="teacher"), BASE, steps)
    for later in ("trim-vocab", "prune"):
        assert shape_after(Distill(teacher=later), BASE, steps) == BASE
    assert shape_after(Distill(teacher=None, loss="none", alpha=1), BASE, steps) == BASE


def test_a_cut_by_size_is_seen_in_the_shapes() -> None:
    cut = replace(BASE, vocab=40_000)
    steps = {"teacher": Made(None, BASE), "trim-vocab": Made(TrimVocab(vocab_size=40_000), cut)}
    with pytest.raises(ShapeError, match=r"the student has 40,000 tokens and the teacher 'teacher' 119,547"):
        shape_after(Distill(teacher="teacher"), cut, steps)
    all_kept = {"teacher": Made(None, BASE), "trim-vocab": Made(TrimVocab(vocab_size=200_000), BASE)}
    assert shape_after(Distill(teacher="teacher"), BASE, all_kept) == BASE


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text("".join(f"isa pang mahabang linya, bilang {n}\n" for n in range(2000)))
    return path


def planned(known: Shape, text: Path, recipe: str = "trim-only") -> None:
    texts = (Text(resolve("tl"), text),)
    make_plan(Request(load_recipe(recipe), text.parent, "large", texts, known=known), Runtime())


def test_a_teacher_that_no_onnx_file_holds_is_refused(text: Path) -> None:
    """XLM-R large has 558,840,832 parameters without head and pooler: 2.24 GB, and 2.15 GB is the limit."""
    assert XLM_R_LARGE.encoder_parameters == 250_002 * 1024 + 514 * 1024 + 3 * 1024 + 24 * 12_596_224
    with pytest.raises(
        BudgetError, match=r"export:teacher: the model needs 2,23\d,\d{3},\d{3} bytes, one ONNX file hol"
    ):
        planned(XLM_R_LARGE, text)
    planned(replace(XLM_R_LARGE, layers=22), text)


@pytest.mark.parametrize("name", recipe_names())
def test_no_recipe_that_ships_is_refused(name: str, text: Path) -> None:
    planned(BASE, text, name)


@pytest.mark.parametrize("family", sorted(TOKENIZERS))
def test_a_shape_is_read_as_the_library_reads_it(family: str, sentences: tuple[str, ...], tmp_path: Path) -> None:
    """From a whole `config.json` without the library; where a field is left out, with its default."""
    save_encoder(tiny(family, sentences), tmp_path)
    fields = json.loads((tmp_path / "config.json").read_text())
    config = load_config(tmp_path)
    assert load_shape(tmp_path) == shape_of(config)
    left_out = family_of(config.model_type).fields["positions"]
    (tmp_path / "config.json").write_text(json.dumps({name: fields[name] for name in fields if name != left_out}))
    config = load_config(tmp_path)
    assert load_shape(tmp_path) == shape_of(config)
    assert load_shape(tmp_path).positions > 64


def test_an_untied_teacher_is_refused(sentences: tuple[str, ...], tmp_path: Path) -> None:
    world = make_world(tiny("bert", sentences), sentences, tmp_path)
    path = world.teacher / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"tie_word_embeddings": False}))
    words = r"the output matrix is not tied to the embedding \(tie_word_embeddings is false\)"
    for read in (load_shape, load_encoder):
        with pytest.raises(InputError, match=words):
            read(world.teacher)


@pytest.mark.parametrize(("content", "words"), [
    ("{", "config.json cannot be read"),
    ('{"model_type": "gpt2"}', "model type 'gpt2' is not known; known are: bert"),
    ('{"model_type": "bert", "hidden_size": -1}', "hidden_size is -1; expected a positive whole number"),
    ('{"model_type": "distilbert", "n_layers": null}', "n_layers is null; expected a positive whole number"),
    (
        '{"model_type": "bert", "hidden_size": 0, "num_hidden_layers": 0, "vocab_size": "a", "intermediate_size": 0}',
        "hidden_size is 0; expected a positive whole number",
    ),
])  # fmt: skip
def test_a_damaged_configuration_is_told_in_words(tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(InputError, match=words):
        load_shape(tmp_path)
