"""Losses between inner states: by hand, by plain loops, and by the library's own attention."""

from __future__ import annotations

import copy
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from families import hooks
from transformers import BertForMaskedLM

from edgeenc.compress.adapt import adapt
from edgeenc.compress.distill import Lesson, distill
from edgeenc.compress.importance import calibration
from edgeenc.compress.inner import cosine_distance, look_inside, map_error, mean_map, relation
from edgeenc.compress.match import Matcher
from edgeenc.compress.truncate_hidden import truncate_hidden
from edgeenc.errors import RecipeError, ShapeError
from edgeenc.machine.runtime import Runtime
from edgeenc.model.encoder import Encoder
from edgeenc.model.shape import Shape
from edgeenc.recipe import parse_recipe
from edgeenc.stages.distill import Distill, DistillOptions
from edgeenc.stages.match import Match
from edgeenc.stages.training import TrainingOptions
from edgeenc.text.batches import Masked, SpecialIds
from edgeenc.text.corpus import Corpus
from edgeenc.training_loop import Job

FIELDS: dict[str, object] = {
    "tokens": 64 * 8,
    "batch_tokens": 64,
    "sequence_lengths": (16,),
    "lr": 3e-3,
    "evaluations": 2,
}
BASE = Shape(12, 768, 12, 64, 3072, 1000, 512, 2, "bert")


@pytest.fixture(scope="module")
def corpus(sentences: tuple[str, ...]) -> Corpus:
    return Corpus(sentences[:12], sentences[10:], sentences[15:])


@pytest.fixture(scope="module")
def narrow(tiny_encoder: Encoder, corpus: Corpus) -> Encoder:
    """A student of hidden 24, 4 heads of 6, trained a little so that it is no slice of the teacher."""
    batches = calibration(tiny_encoder, corpus, 1, 0)
    cut = truncate_hidden(tiny_encoder, batches, hidden=24, method="leading")
    return adapt(cut, corpus, TrainingOptions(**FIELDS), Job(seed=9))[0]


@pytest.fixture
def batch(tiny_encoder: Encoder, corpus: Corpus) -> Masked:
    return calibration(tiny_encoder, corpus, 1, 5)[0]


def test_layers_go_together_by_hand() -> None:
    four, three = replace(BASE, layers=4), replace(BASE, layers=3)
    every = Match(hidden=1, layers="all")
    assert every.pairs(four, BASE) == ((1, 3), (2, 6), (3, 9), (4, 12))
    assert every.pairs(three, four) == ((1, 1), (2, 2), (3, 4))
    assert Match(hidden=1).pairs(four, BASE) == ((4, 12),)
    assert Match(hidden=1, teacher_layer=9).pairs(four, BASE) == ((4, 9),)
    assert Match(hidden=1, teacher_layer=8, layers="all").pairs(four, BASE) == ((1, 2), (2, 4), (3, 6), (4, 8))


def test_relation_heads_divide_both_widths_by_hand() -> None:
    tiny = replace(BASE, hidden=312, head_width=26)
    assert Match(relation=1).parts(tiny, BASE) == 24
    assert Match(relation=1).parts(replace(BASE, hidden=384, head_width=32), BASE) == 48
    assert Match(relation=1, relation_heads=12).parts(tiny, BASE) == 12


@pytest.mark.parametrize(("match", "student", "words"), [
    (Match(relation=1, relation_heads=16), replace(BASE, hidden=312, head_width=26), "16 does not divide .* 24 does"),
    (Match(hidden=1, teacher_layer=13), BASE, "teacher_layer 13 is not there; the teacher has 12"),
    (Match(hidden=1, layers="all"), replace(BASE, layers=13), "13 layers do not fit onto the teacher's 12"),
    (Match(attention=1, layers="all", teacher_layer=6), BASE, "12 layers do not fit onto the teacher's 6"),
])  # fmt: skip
def test_what_cannot_be_compared_is_refused_at_plan_time(match: Match, student: Shape, words: str) -> None:
    stage = Distill(teacher="adapt", match=match)
    with pytest.raises(ShapeError, match=words):
        stage.agree(student, {"adapt": BASE})


@pytest.mark.parametrize(("fields", "words"), [
    ({"teacher": "teacher", "match": {"cosin": 1}}, r"stages\.0\.match\.cosin: no such field"),
    ({"teacher": "teacher", "match": {"cosine": -1}}, r"match\.cosine: input should be greater than or equal to 0"),
    ({"teacher": "teacher", "match": {"relation_heads": 8}}, "relation_heads without a weight for `relation`"),
    ({"loss": "none", "alpha": 1, "match": {"cosine": 1}}, "`match` needs a `teacher`"),
    ({"teacher": "teacher", "alpha": 1}, "the teacher would not be used: alpha is 1"),
])  # fmt: skip
def test_recipes_that_contradict_themselves_are_refused(fields: dict[str, object], words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        parse_recipe({"name": "x", "teacher": "starter", "stages": [{"kind": "distill", **fields}]}, "x")


def test_widths_may_differ_where_inner_states_are_compared() -> None:
    everything = Match(cosine=1, hidden=1, relation=1, attention=1, layers="all")
    stage = Distill(teacher="adapt", loss="none", alpha=0, match=everything)
    stage.agree(narrow := replace(BASE, layers=6, hidden=312, head_width=26), {"adapt": BASE})
    with pytest.raises(ShapeError, match="and the teacher"):
        stage.agree(narrow, {"adapt": replace(BASE, vocab=BASE.vocab + 1)})


def test_cosine_by_hand() -> None:
    """(1, 0) and (1, 1): 1 - 1 / root 2; length does not matter."""
    value = cosine_distance(torch.tensor([[1.0, 0.0], [0.0, 5.0]]), torch.tensor([[1.0, 1.0], [0.0, 0.1]]))
    assert value.tolist() == pytest.approx([1 - 1 / math.sqrt(2), 0.0], abs=1e-6)


def test_relations_by_plain_loops() -> None:
    """Student 6 wide, teacher 8, two parts of 3 and of 4 channels, whatever their heads."""
    generator = torch.Generator().manual_seed(1)
    own, taught = (tuple(torch.randn(2, 5, w, generator=generator) for _ in range(3)) for w in (6, 8))

    def distribution(x: torch.Tensor, row: int, part: int, token: int) -> list[float]:
        width = x.shape[-1] // 2
        vectors = [v[part * width : part * width + width].tolist() for v in x[row]]
        scores = [sum(a * b for a, b in zip(vectors[token], v, strict=True)) / math.sqrt(width) for v in vectors]
        total = sum(math.exp(s) for s in scores)
        return [math.exp(s) / total for s in scores]

    terms = [
        sum(p * math.log(p / q) for p, q in zip(*(distribution(x, row, part, token) for x in (t, s)), strict=True))
        for s, t in zip(own, taught, strict=True)
        for row in range(2)
        for part in range(2)
        for token in range(5)
    ]
    assert float(relation(own, taught, 2)) == pytest.approx(sum(terms) / len(terms), rel=1e-5)
    assert float(relation(taught, taught, 4)) == pytest.approx(0.0, abs=1e-6)


def test_maps_are_those_of_the_library(tiny_encoder: Encoder, batch: Masked) -> None:
    """Attention from queries and keys is what the library's own slow path returns, mean over heads."""
    config = copy.deepcopy(tiny_encoder.model.config)  # the library would change it in place
    eager = BertForMaskedLM._from_config(config, attn_implementation="eager").eval()
    eager.load_state_dict(tiny_encoder.model.state_dict())
    with torch.no_grad():
        inner = look_inside(tiny_encoder, batch.ids_BT, heads=True)
        expected = eager(batch.ids_BT, output_attentions=True, output_hidden_states=True)
    for ours, theirs in zip(inner.heads, expected.attentions, strict=True):
        assert torch.allclose(mean_map(ours, inner.width), theirs.mean(1), atol=1e-5)
    for ours, theirs in zip(inner.hidden, expected.hidden_states, strict=True):
        assert torch.allclose(ours, theirs, atol=1e-4)
    assert not hooks(tiny_encoder.model)


def test_the_error_of_maps_by_hand() -> None:
    """Queries (1, 0) against (0.5, 0.5) and (0, 1) against (0, 1): 0.5 and 0, mean 0.25."""
    own = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
    assert float(map_error(own, torch.tensor([[[0.5, 0.5], [0.0, 1.0]]]))) == 0.25


def test_the_whole_loss_is_the_weighted_sum(tiny_encoder: Encoder, narrow: Encoder, batch: Masked) -> None:
    """Every part taken anew: cosine 2, hidden 3, relation 5, attention 7, at all layers and at all tokens."""
    match = Match(cosine=2, hidden=3, relation=5, attention=7, layers="all", relation_heads=2)
    options = DistillOptions(loss="none", alpha=0.0, positions="tokens", match=match)
    matcher = Matcher.of(match, narrow, tiny_encoder, batch.ids_BT)
    assert sorted(matcher.bridges) == ["0", "1", "2", "3"]
    special = SpecialIds.of(narrow.tokenizer)
    with torch.no_grad():
        found = Lesson(options, special, tiny_encoder, matcher).loss(narrow, batch)
        own, taught = (look_inside(e, batch.ids_BT, heads=True) for e in (narrow, tiny_encoder))
        where = [
            i
            for i, token in enumerate(batch.ids_BT.flatten().tolist())
            if token not in (special.cls, special.sep) or i in set(batch.chosen_P.tolist())
        ]
        states = [
            (matcher.bridges[str(i)](own.hidden[i]).flatten(0, 1)[where], taught.hidden[i].flatten(0, 1)[where])
            for i in range(4)
        ]
        cosine = (1 - torch.nn.functional.cosine_similarity(*states[3])).mean()
        hidden = sum(torch.nn.functional.mse_loss(x, y) for x, y in states) / 4
        related = sum(relation(own.heads[i], taught.heads[i], 2) for i in range(3)) / 3
        maps = sum(map_error(mean_map(own.heads[i], 6), mean_map(taught.heads[i], 8)) for i in range(3)) / 3
    assert float(found) == pytest.approx(float(2 * cosine + 3 * hidden + 5 * related + 7 * maps), rel=1e-4)


def test_a_bridge_starts_as_the_nearest_map_and_equal_widths_need_none(
    tiny_encoder: Encoder, narrow: Encoder, batch: Masked
) -> None:
    matcher = Matcher.of(Match(hidden=1), narrow, tiny_encoder, batch.ids_BT)
    (bridge,) = matcher.bridges.values()
    with torch.no_grad():
        own, taught = (look_inside(e, batch.ids_BT, heads=False).hidden[-1] for e in (narrow, tiny_encoder))
        best = torch.linalg.lstsq(own.flatten(0, 1), taught.flatten(0, 1)).solution
        errors = [(own.flatten(0, 1) @ m - taught.flatten(0, 1)).square().mean() for m in (bridge.weight.T, best)]
    assert float(errors[0]) == pytest.approx(float(errors[1]), rel=0.05)
    assert len(Matcher.of(Match(hidden=1), tiny_encoder, tiny_encoder, batch.ids_BT).bridges) == 0
    assert len(Matcher.of(Match(relation=1), narrow, tiny_encoder, batch.ids_BT).bridges) == 0


def inner_loss(student: Encoder, teacher: Encoder, batch: Masked, match: Match) -> float:
    matcher = Matcher.of(match, student, teacher, batch.ids_BT)
    options = DistillOptions(loss="none", alpha=0.0, match=match)
    with torch.no_grad():
        return float(Lesson(options, SpecialIds.of(student.tokenizer), teacher, matcher).loss(student, batch))


@pytest.mark.parametrize("part", ["cosine", "hidden", "relation", "attention"])
def test_each_loss_draws_the_student_to_its_teacher(
    tiny_encoder: Encoder, narrow: Encoder, corpus: Corpus, batch: Masked, part: str
) -> None:
    """Alone, without logits or masked words; what comes out has no bridge, and the teacher is as it was."""
    match = Match.model_validate({part: 1.0})
    options = DistillOptions(**(FIELDS | {"tokens": 64 * 80, "evaluations": 1}), loss="none", alpha=0.0, match=match)
    before = {n: t.clone() for n, t in tiny_encoder.model.state_dict().items()}
    student, _ = distill(narrow, tiny_encoder, corpus, options, Job(seed=2))
    assert inner_loss(student, tiny_encoder, batch, match) < 0.97 * inner_loss(narrow, tiny_encoder, batch, match)
    assert student.shape == narrow.shape
    assert list(student.model.state_dict()) == list(narrow.model.state_dict())
    assert all(torch.equal(t, before[n]) for n, t in tiny_encoder.model.state_dict().items())


def test_a_training_with_a_bridge_goes_on_where_it_was_stopped(
    tiny_encoder: Encoder, narrow: Encoder, corpus: Corpus, tmp_path: Path
) -> None:
    """The bridge is in the checkpoint too: stopped at step 5, the weights come out the same."""
    options = DistillOptions(**FIELDS, match=Match(hidden=1, relation=1))
    straight, _ = distill(narrow, tiny_encoder, corpus, options, Job(seed=1))
    job = Job(seed=1, runtime=Runtime(save_seconds=0.0), scratch=tmp_path)
    original, steps = torch.optim.AdamW.step, 0

    class Stopped(Exception):
        pass

    def counted(self: torch.optim.AdamW, *args: object) -> object:
        nonlocal steps
        steps += 1
        if steps == 6:
            raise Stopped
        return original(self, *args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.optim.AdamW, "step", counted)
        with pytest.raises(Stopped):
            distill(narrow, tiny_encoder, corpus, options, job)
    resumed, _ = distill(narrow, tiny_encoder, corpus, options, job)
    assert all(torch.equal(t, resumed.model.state_dict()[n]) for n, t in straight.model.state_dict().items())


def test_no_logits_are_computed_where_none_are_compared(
    tiny_encoder: Encoder, narrow: Encoder, batch: Masked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """B4: a teacher whose logits have no weight computes none; neither does a student without masked words."""
    asked: list[int] = []
    original = Encoder.logits

    def watched(self: Encoder, hidden: torch.Tensor) -> torch.Tensor:
        asked.append(self.shape.hidden)
        return original(self, hidden)

    monkeypatch.setattr(Encoder, "logits", watched)
    match = Match(cosine=1.0)
    matcher, special = Matcher.of(match, narrow, tiny_encoder, batch.ids_BT), SpecialIds.of(narrow.tokenizer)
    for alpha, expected in ((0.0, []), (0.5, [24])):
        asked.clear()
        options = DistillOptions(loss="none", alpha=alpha, match=match)
        Lesson(options, special, tiny_encoder, matcher).loss(narrow, batch)
        assert asked == expected
