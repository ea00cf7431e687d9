"""Which layers stay: every rule by hand, a list of one's own, and what the loss says."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch

from edgeenc.compress.apply import Desk, apply
from edgeenc.compress.drop_layers import drop_layers, layers_for_vectors, measured_layers
from edgeenc.compress.importance import mean_loss
from edgeenc.compress.whole_texts import whole_texts
from edgeenc.errors import InputError, RecipeError, ShapeError
from edgeenc.model.encoder import Encoder
from edgeenc.model.sentence_head import SentenceHead
from edgeenc.recipe import parse_recipe
from edgeenc.record.steps import StageFigures
from edgeenc.stages.drop_layers import DropLayers, choose_layers
from edgeenc.text.batches import Batching, Masked, masked_stream
from edgeenc.text.corpus import Corpus
from edgeenc.training_loop import Job


@pytest.fixture
def batches(tiny_encoder: Encoder, sentences: tuple[str, ...]) -> list[Masked]:
    """Two fixed batches."""
    stream = masked_stream([sentences], tiny_encoder.tokenizer, Batching(128, lengths=(16,)), seed=0)
    return [stream(0), stream(1)]


@pytest.mark.parametrize(("rule", "kept"), [
    ("stride", (0, 2, 4, 6, 8, 10)),
    ("last-k", (6, 7, 8, 9, 10, 11)),
    ("first-k", (0, 1, 2, 3, 4, 5)),
    ("first-last", (0, 1, 2, 9, 10, 11)),
    ("distilbert", (0, 2, 4, 7, 9, 11)),
    ("block-end", (1, 3, 5, 7, 9, 11)),
])  # fmt: skip
def test_twelve_to_six_as_published(rule: str, kept: tuple[int, ...]) -> None:
    assert choose_layers(12, 6, rule) == kept
    assert set(DropLayers(layers=6, rule=rule).model_dump()) == {
        "kind",
        "name",
        "layers",
        "rule",
        "keep",
        "calibration_batches",
    }


@pytest.mark.parametrize(("count", "keep", "rule", "kept"), [
    (6, 3, "first-last", (0, 1, 5)),
    (6, 3, "distilbert", (0, 3, 5)),
    (12, 4, "block-end", (2, 5, 8, 11)),
    (12, 12, "distilbert", tuple(range(12))),
    (3, 1, "first-last", (0,)),
])  # fmt: skip
def test_other_numbers_by_hand(count: int, keep: int, rule: str, kept: tuple[int, ...]) -> None:
    assert choose_layers(count, keep, rule) == kept


def test_a_layer_that_does_nothing_is_not_missed(tiny_encoder: Encoder, batches: list[Masked]) -> None:
    """Layer 1 writes nothing and its norms see a normalised stream: the loss stays, so what goes costs no more."""
    encoder = replace(tiny_encoder, model=copy.deepcopy(tiny_encoder.model))
    for linear in (layer := encoder.model.bert.encoder.layer[1]).attention.output.dense, layer.output.dense:
        torch.nn.init.zeros_(linear.weight)
        torch.nn.init.zeros_(linear.bias)
    assert mean_loss(drop_layers(encoder, (0, 2)), batches) == pytest.approx(mean_loss(encoder, batches), abs=1e-5)
    kept, gone = measured_layers(encoder, 2, batches)
    assert gone[0][1] <= mean_loss(encoder, batches) + 1e-5
    assert {*kept, gone[0][0]} == {0, 1, 2}


def test_layers_go_one_after_the_other(tiny_encoder: Encoder, batches: list[Masked]) -> None:
    """Each time the one whose removal, with the earlier ones gone, costs least: found again by trying all."""
    kept, gone = measured_layers(tiny_encoder, 1, batches)
    first = min(range(3), key=lambda i: mean_loss(drop_layers(tiny_encoder, [j for j in range(3) if j != i]), batches))
    rest = [i for i in range(3) if i != first]
    second = min(rest, key=lambda i: mean_loss(drop_layers(tiny_encoder, [j for j in rest if j != i]), batches))
    assert [layer for layer, _ in gone] == [first, second]
    assert kept == tuple(i for i in rest if i != second)
    with pytest.raises(InputError, match="no batch to judge the layers on"):
        measured_layers(tiny_encoder, 1, [])


def test_a_stage_of_each_kind_says_what_it_kept(tiny_encoder: Encoder, sentences: tuple[str, ...]) -> None:
    desk = Desk(Corpus(sentences, sentences, sentences), lambda _: tiny_encoder, Job(seed=3))
    listed = DropLayers(rule="explicit", keep=(0, 2))
    assert listed.reshape(tiny_encoder.shape).layers == 2
    assert apply(listed, tiny_encoder, desk).figures == StageFigures(kept=(0, 2))
    measured = DropLayers(rule="importance", layers=2, calibration_batches=1)
    made = apply(measured, tiny_encoder, desk)
    assert made.encoder.shape == measured.reshape(tiny_encoder.shape)
    kept, without = made.figures.kept, made.figures.loss_without
    assert sorted([*kept, *(layer for layer, _ in without)]) == [0, 1, 2]


@pytest.mark.parametrize(("fields", "words"), [
    ({}, "give the number of layers to keep as `layers`"),
    ({"layers": 2, "keep": [0, 1]}, "`keep` and `rule: explicit` go together"),
    ({"rule": "explicit", "layers": 2}, "`keep` and `rule: explicit` go together"),
    ({"rule": "explicit", "layers": 2, "keep": [0, 1, 2]}, "layers is 2, keep has 3; leave one of them out"),
    ({"rule": "last", "layers": 2}, "'last-k'"),
])  # fmt: skip
def test_recipes_that_contradict_themselves_are_refused(fields: dict[str, object], words: str) -> None:
    stages = [{"kind": "drop-layers", **fields}]
    with pytest.raises(RecipeError, match=words):
        parse_recipe({"name": "x", "teacher": "starter", "stages": stages}, "x")


@pytest.mark.parametrize(("stage", "words"), [
    (DropLayers(rule="explicit", keep=(0, 3)), r"\[0, 3\] are not ascending layers out of 0\.\.2"),
    (DropLayers(rule="explicit", keep=(1, 0)), r"\[1, 0\] are not ascending layers out of 0\.\.2"),
    (DropLayers(rule="distilbert", layers=1), "distilbert keeps the first and the last layer, so at least 2"),
    (DropLayers(rule="importance", layers=4), r"layers 4 is outside 1\.\.3"),
    (DropLayers(rule="last-k", layers=4), r"layers 4 is outside 1\.\.3"),
])  # fmt: skip
def test_what_cannot_work_is_refused_at_plan_time(tiny_encoder: Encoder, stage: DropLayers, words: str) -> None:
    with pytest.raises(ShapeError, match=words):
        stage.reshape(tiny_encoder.shape)


def test_a_layer_without_effect_on_vectors_goes_first_and_needs_no_head(
    tiny_encoder: Encoder, sentences: tuple[str, ...]
) -> None:
    """Layer 1 of three only repeats what the norm before it gave, so the vectors stay; the head is never asked."""
    encoder = replace(tiny_encoder, model=copy.deepcopy(tiny_encoder.model), head="grown")
    for linear in (layer := encoder.model.bert.encoder.layer[1]).attention.output.dense, layer.output.dense:
        torch.nn.init.zeros_(linear.weight)
        torch.nn.init.zeros_(linear.bias)
    torch.nn.init.constant_(encoder.model.cls.predictions.bias, float("nan"))
    desk = Desk(Corpus(sentences, sentences, sentences), lambda _: encoder, Job(seed=3))
    stage = DropLayers(rule="vectors", layers=1, calibration_batches=1)
    assert stage.makes_vectors and not stage.reads_logits
    figures = apply(stage, encoder, desk).figures
    (first, least), (second, more) = figures.loss_without
    assert first == 1 and least == pytest.approx(0, abs=1e-5) and more > 0.01
    texts = whole_texts(encoder, desk.corpus, 1)
    _, gone = layers_for_vectors(drop_layers(encoder, (0, 2)), 1, texts)
    assert gone[0][1] == pytest.approx(more, abs=1e-4)
    assert {second} == {0, 2} - {*figures.kept}
    with pytest.raises(InputError, match="fewer than 2"):
        layers_for_vectors(encoder, 1, [])


def test_vectors_decide_with_the_head_and_the_prompt_of_the_encoder(
    tiny_encoder: Encoder, sentences: tuple[str, ...]
) -> None:
    head = SentenceHead("cls", prompts={"query": "Ang "})
    encoder = replace(tiny_encoder, sentence=head)
    desk = Desk(Corpus(sentences, sentences, sentences), lambda _: encoder, Job(seed=3))
    stage = DropLayers(rule="vectors", layers=2, calibration_batches=1)
    asked = [apply(stage, one, desk).figures.loss_without for one in (encoder, tiny_encoder)]
    assert asked[0] != asked[1]
