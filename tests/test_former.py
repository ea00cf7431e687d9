"""Former names: keys still spell fields so, old bundles are read with them, and a user is told the new ones."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel

from edgeenc.errors import RecipeError
from edgeenc.recipe import (
    Bounds,
    Language,
    Recipe,
    load_recipe,
    parse_recipe,
    read_language,
    recipe_of_today,
    stage_kinds,
)
from edgeenc.record.former import former_of, former_spelling, spelling_of_today
from edgeenc.stages.training import TrainingOptions
from edgeenc.tasks.spec import TaskSpec
from edgeenc.tasks.tuning.fine_tuning import FineTuning

TRAINING = {
    "tokens": 1_000_000,
    "lr": 5e-4,
    "batch_tokens": 2048,
    "lengths": [64, 64, 64, 64, 64, 64, 64, 256],
    "mask_rate": 0.3,
    "mask": "pieces",
    "decay": 0.5,
    "looks": 6,
}
"""What goes into a key for `mask: tokens` and else the defaults, in the order that it had before the renaming."""
TUNING = {
    "preset": "",
    "method": "adapter",
    "placement": "behind",
    "start": "plain",
    "head_start": "probe",
    "lr": 3e-4,
    "teacher_lr": None,
    "epochs": 10,
    "batch": 32,
    "longest": 128,
    "examples": None,
    "reduction": 16,
    "imitate": 0.5,
    "unlabelled_texts": 0,
    "temperature": 2.0,
    "seeds": [1, 2, 3],
    "beside": [],
}
BOUNDS = {"parity": 1e-4, "mean_cosine": 0.98, "worst_cosine": 0.9, "agreement": 0.9, "labels": 0.95}
SPECS: tuple[type[BaseModel], ...] = (Recipe, Language, Bounds, TaskSpec, FineTuning, *stage_kinds().values())

OLD = """
name: old
teacher: starter
tuning: {method: adapter, placement: behind, start: plain, batch: 8, longest: 64, examples: 9, reduction: 4,
         imitate: 0.5, beside: [trim-vocab]}
stages:
  - {kind: trim-vocab, size: 8000}
  - {kind: adapt, lengths: [128], mask_rate: 0.15, mask: pieces, decay: 1.0, looks: 2}
  - {kind: drop-layers, layers: 3, batches: 2}
  - {kind: prune-ffn, width: 768, batches: 2}
  - {kind: truncate-hidden, hidden: 192, batches: 2}
bounds: {agreement: 0.8, labels: 0.7}
"""
SAID = """
tuning: no such field; did you mean 'fine_tuning'?
bounds.agreement: no such field; did you mean 'top1_agreement'?
bounds.labels: no such field; did you mean 'label_agreement'?
fine_tuning.placement: no such value 'behind'; did you mean 'sequential'?
fine_tuning.start: no such field; did you mean 'pooling'?
fine_tuning.start: no such value 'plain'; did you mean 'cls'?
fine_tuning.batch: no such field; did you mean 'batch_size'?
fine_tuning.longest: no such field; did you mean 'max_length'?
fine_tuning.examples: no such field; did you mean 'max_train_samples'?
fine_tuning.reduction: no such field; did you mean 'reduction_factor'?
fine_tuning.imitate: no such field; did you mean 'distillation_weight'?
fine_tuning.beside: no such field; did you mean 'baselines'?
stages.0.size: no such field; did you mean 'vocab_size'?
stages.1.lengths: no such field; did you mean 'sequence_lengths'?
stages.1.mask_rate: no such field; did you mean 'mlm_probability'?
stages.1.mask: no such value 'pieces'; did you mean 'tokens'?
stages.1.decay: no such field; did you mean 'decay_ratio'?
stages.1.looks: no such field; did you mean 'evaluations'?
stages.2.batches: no such field; did you mean 'calibration_batches'?
stages.3.width: no such field; did you mean 'intermediate_size'?
stages.3.batches: no such field; did you mean 'calibration_batches'?
stages.4.hidden: no such field; did you mean 'hidden_size'?
stages.4.batches: no such field; did you mean 'calibration_batches'?
"""


def test_keys_spell_fields_as_before() -> None:
    options = TrainingOptions(mask="tokens").model_dump(mode="json")
    assert list(former_spelling(TrainingOptions, options).items()) == list(TRAINING.items())
    tuning = FineTuning(method="adapter", placement="sequential", pooling="cls", distillation_weight=0.5)
    spelt = former_spelling(FineTuning, tuning.model_dump(mode="json"))
    assert list(spelt.items()) == list(TUNING.items())
    assert former_spelling(Bounds, Bounds().model_dump(mode="json")) == BOUNDS


@pytest.mark.parametrize("kind", sorted(stage_kinds()))
def test_a_stage_inherits_what_its_options_were_called(kind: str) -> None:
    former = set(former_of(stage_kinds()[kind]).fields.values())
    trains = {"lengths", "mask_rate", "decay", "looks"}
    expected = {
        "distill-sentences": set[str](),
        "trim-vocab": {"size"},
        "drop-layers": {"batches"},
        "reinitialize": set[str](),
        "prune-ffn": {"width", "batches"},
    }
    assert former == ({"truncate-hidden": {"hidden", "batches"}} | expected).get(kind, trains)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.__name__)
def test_only_fields_that_are_there_have_a_former_name_which_no_other_took(spec: type[BaseModel]) -> None:
    former = former_of(spec)
    assert {*former.fields, *former.values} <= set(spec.model_fields)
    assert not set(former.fields.values()) & set(spec.model_fields)


def test_there_and_back_is_the_same() -> None:
    options = TrainingOptions(mask="tokens", evaluations=3).model_dump(mode="json")
    found, said = spelling_of_today(TrainingOptions, former_spelling(TrainingOptions, options))
    assert found == options and len(said) == 5
    assert spelling_of_today(TrainingOptions, options) == (options, [])


def test_former_names_are_refused_with_the_new_ones_all_at_once() -> None:
    said = SAID.strip().split("\n")
    with pytest.raises(RecipeError) as caught:
        parse_recipe(yaml.safe_load(OLD), "old.yaml")
    assert str(caught.value) == "\n  ".join([f"old.yaml has {len(said)} problems:", *said])


def test_beside_them_stand_all_other_problems() -> None:
    stage = {"kind": "adapt", "looks": 0, "lr": -1, "colour": 3}
    with pytest.raises(RecipeError) as caught:
        parse_recipe({"name": "x", "teacher": "starter", "stages": [stage, 12]}, "x")
    message = str(caught.value)
    for words in (
        "x has 5 problems",
        "stages.0.looks: no such field; did you mean 'evaluations'?",
        "stages.0.evaluations: input should be greater than 0",
        "stages.0.lr: input should be greater than 0",
        "stages.0.colour: no such field",
        "stages.1: a mapping with a `kind` is expected",
    ):
        assert words in message


def test_a_former_name_takes_nothing_from_the_new_one() -> None:
    fields = {"name": "x", "teacher": "starter", "stages": [{"kind": "trim-vocab", "size": 3, "vocab_size": 9}]}
    found, said = recipe_of_today(fields)
    assert found["stages"] == [{"kind": "trim-vocab", "vocab_size": 9}]
    assert said == ["stages.0.size: no such field; did you mean 'vocab_size'?"]


def test_the_recipe_of_an_old_bundle_is_read() -> None:
    fields, _ = recipe_of_today(yaml.safe_load(OLD))
    recipe = parse_recipe(fields, "bundle/recipe.yaml")
    tuning = recipe.fine_tuning
    assert (tuning.placement, tuning.pooling, tuning.max_train_samples, tuning.baselines) == (
        "sequential",
        "cls",
        9,
        ("trim-vocab",),
    )
    assert (recipe.bounds.top1_agreement, recipe.bounds.label_agreement) == (0.8, 0.7)
    again = yaml.safe_load(recipe.to_yaml())
    assert recipe_of_today(again) == (again, [])
    assert again["stages"][1]["mask"] == "tokens"


def test_a_recipe_of_today_has_no_former_name() -> None:
    fields = yaml.safe_load(load_recipe("paper-mbert-312").to_yaml())
    assert recipe_of_today(fields) == (fields, [])


def test_a_language_file_is_told_the_new_names(tmp_path: Path) -> None:
    path = tmp_path / "ilo.yaml"
    path.write_text("tag: ilo\nname: Iloko\ncorpus_bytes: 9\ntasks: [{name: a, data: a.csv, text: x, label: y}]")
    with pytest.raises(RecipeError) as caught:
        read_language(path)
    said = (
        "corpus_bytes: no such field; did you mean 'max_corpus_bytes'?",
        "tasks.0.text: no such field; did you mean 'text_column'?",
        "tasks.0.label: no such field; did you mean 'label_column'?",
    )
    assert str(caught.value) == "\n  ".join([f"{path} has 3 problems:", *said])
