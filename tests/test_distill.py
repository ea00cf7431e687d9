"""Distillation: every loss against arithmetic of its own, positions by hand, and recipes that contradict themselves."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from edgeenc.compress import distill as module
from edgeenc.compress.adapt import adapt
from edgeenc.compress.distill import distill
from edgeenc.compress.positions import Compared
from edgeenc.errors import RecipeError, ShapeError
from edgeenc.model.encoder import Encoder
from edgeenc.recipe import parse_recipe
from edgeenc.stages.distill import Distill, DistillOptions
from edgeenc.stages.training import TrainingOptions
from edgeenc.text.batches import Masked, SpecialIds
from edgeenc.text.corpus import Corpus
from edgeenc.training_loop import Job

FIELDS: dict[str, object] = {
    "tokens": 64 * 6,
    "batch_tokens": 64,
    "sequence_lengths": (16,),
    "lr": 1e-3,
    "evaluations": 2,
}


@pytest.fixture(scope="module")
def corpus(sentences: tuple[str, ...]) -> Corpus:
    return Corpus(sentences[:12], sentences[10:], sentences[15:])


@pytest.fixture(scope="module")
def other(tiny_encoder: Encoder, corpus: Corpus) -> Encoder:
    """A student that differs from its teacher."""
    return adapt(tiny_encoder, corpus, TrainingOptions(**FIELDS), Job(seed=9))[0]


def losses_of(student: Encoder, teacher: Encoder | None, corpus: Corpus, options: DistillOptions) -> list[float]:
    """Return the training loss of each step; with a rate of nearly nothing the student stays what it is."""
    seen: list[float] = []
    job = Job(seed=4, tell=lambda progress: seen.append(progress.loss))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("edgeenc.training_loop.time.monotonic", iter(range(0, 10**6, 2)).__next__)  # speak at every step
        distill(student, teacher, corpus, options.model_copy(update={"lr": 1e-12}), job)
    return seen


def batch_at(student: Encoder, corpus: Corpus, options: DistillOptions, step: int) -> Masked:
    from edgeenc.text.batches import Batching, masked_stream

    read = Batching(options.batch_tokens, options.mlm_probability, options.sequence_lengths, options.mask)
    return masked_stream([corpus.train], student.tokenizer, read, seed=4)(step)


def logits(encoder: Encoder, batch: Masked) -> torch.Tensor:
    with torch.no_grad():
        return encoder.model(batch.ids_BT).logits.flatten(0, 1)


@pytest.mark.parametrize("positions", ["masked", "tokens", "all"])
@pytest.mark.parametrize("loss", ["kl", "ce", "mse"])
def test_the_loss_is_what_the_formula_says(
    tiny_encoder: Encoder, other: Encoder, corpus: Corpus, loss: str, positions: str
) -> None:
    """Taken anew from whole logits, with the specials found by their names."""
    options = DistillOptions(**FIELDS, loss=loss, positions=positions, alpha=0.25, temperature=3.0)
    found = losses_of(other, tiny_encoder, corpus, options)
    assert len(found) == 6
    names = {"[PAD]", "[UNK]", "[CLS]", "[SEP]"}
    for step, value in enumerate(found):
        batch = batch_at(other, corpus, options, step)
        own, soft = logits(other, batch), logits(tiny_encoder, batch)
        ids = batch.ids_BT.flatten().tolist()
        chosen = set(batch.chosen_P.tolist())
        token = [i in chosen or other.tokenizer.id_to_token(token) not in names for i, token in enumerate(ids)]
        where = {"masked": sorted(chosen), "tokens": [i for i, t in enumerate(token) if t], "all": range(len(ids))}
        picked = list(where[positions])
        p, q = F.softmax(soft[picked] / 3, -1), F.log_softmax(own[picked] / 3, -1)
        expected = {
            "kl": 9 * (p * (p.log() - q)).sum(-1).mean(),
            "ce": 9 * -(p * q).sum(-1).mean(),
            "mse": F.mse_loss(own[picked], soft[picked]),
        }[loss]
        hard = F.cross_entropy(own[batch.chosen_P], batch.labels_P)
        assert value == pytest.approx(float(0.25 * hard + 0.75 * expected), rel=1e-4)


def test_special_tokens_are_no_tokens_but_masks_are(tiny_encoder: Encoder) -> None:
    """`C a M S b M`: all but C and S count; the second M is beyond what is predicted, but shown."""
    special = SpecialIds.of(tiny_encoder.tokenizer)
    row = torch.tensor([[special.cls, 40, special.mask, special.sep, 41, special.mask]])
    batch = Masked(row, torch.tensor([2]), torch.tensor([50]))
    compared = Compared.of(batch, "tokens", special)
    assert compared.weight_N is not None
    assert compared.weight_N.tolist() == [0, 1, 1, 0, 1, 1]
    assert int(compared.count) == 4
    assert compared.labels_N.tolist() == [-100, -100, 50, -100, -100, -100]
    assert Compared.of(batch, "masked", special).where_P.tolist() == [2]
    assert Compared.of(batch, "all", special).count == 6


def test_a_special_token_shown_by_chance_is_still_a_token(tiny_encoder: Encoder) -> None:
    """One in ten masked tokens is shown as a random one, which may be special."""
    special = SpecialIds.of(tiny_encoder.tokenizer)
    batch = Masked(torch.tensor([[special.cls, special.sep]]), torch.tensor([1]), torch.tensor([50]))
    compared = Compared.of(batch, "tokens", special)
    assert compared.weight_N is not None and compared.weight_N.tolist() == [0, 1]


def test_many_logits_are_taken_in_parts(
    tiny_encoder: Encoder, other: Encoder, corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten positions at a time: the same training within rounding, and the head never sees more."""
    options = DistillOptions(**FIELDS, loss="mse", positions="all")
    whole, _ = distill(other, tiny_encoder, corpus, options, Job(seed=4))
    seen: list[int] = []
    original = Encoder.logits

    def watched(self: Encoder, hidden: torch.Tensor) -> torch.Tensor:
        if torch.is_grad_enabled():
            seen.append(len(hidden))
        return original(self, hidden)

    monkeypatch.setattr(Encoder, "logits", watched)
    monkeypatch.setattr(module, "MOST_LOGITS", 10 * other.shape.vocab + 3)
    parts, _ = distill(other, tiny_encoder, corpus, options, Job(seed=4))
    assert max(seen) == 10
    for name, tensor in whole.model.state_dict().items():
        assert torch.allclose(tensor, parts.model.state_dict()[name], atol=1e-5), name


def test_masked_words_alone_are_adapt(tiny_encoder: Encoder, corpus: Corpus) -> None:
    """Without a teacher the training is that of `adapt`, bit for bit."""
    options = DistillOptions(**FIELDS, loss="none", alpha=1.0)
    one, _ = distill(tiny_encoder, None, corpus, options, Job(seed=1))
    two, _ = adapt(tiny_encoder, corpus, TrainingOptions(**FIELDS), Job(seed=1))
    assert all(torch.equal(t, two.model.state_dict()[n]) for n, t in one.model.state_dict().items())


def test_a_teacher_learns_nothing_and_computes_no_gradient(
    tiny_encoder: Encoder, other: Encoder, corpus: Corpus
) -> None:
    before = copy.deepcopy(tiny_encoder.model.state_dict())
    distill(other, tiny_encoder, corpus, DistillOptions(**FIELDS, positions="all"), Job(seed=4))
    assert all(torch.equal(t, before[n]) for n, t in tiny_encoder.model.state_dict().items())
    assert all(p.grad is None and p.requires_grad for p in tiny_encoder.model.parameters())


@pytest.mark.parametrize(("fields", "words"), [
    ({}, "loss: kl needs a `teacher`; for masked words alone say loss: none, alpha: 1"),
    ({"loss": "none"}, "without a teacher the masked-LM loss is all there is: say alpha: 1"),
    ({"loss": "none", "teacher": "teacher"}, "the teacher would not be used"),
    ({"teacher": "teacher", "loss": "mes"}, r"stages\.0\.loss: input should be 'kl', 'ce', 'mse' or 'none'"),
    ({"teacher": "teacher", "positions": "padding"}, r"stages\.0\.positions: input should be 'masked', 'tokens'"),
])  # fmt: skip
def test_recipes_that_contradict_themselves_are_refused(fields: dict[str, object], words: str) -> None:
    stages = [{"kind": "distill", **fields}]
    with pytest.raises(RecipeError, match=words):
        parse_recipe({"name": "x", "teacher": "starter", "stages": stages}, "x")


def test_a_teacher_of_other_tokens_is_refused_at_plan_time(tiny_encoder: Encoder) -> None:
    shape = tiny_encoder.shape
    stage = Distill(teacher="adapt")
    stage.agree(shape, {"adapt": replace(shape, layers=9, hidden=64)})
    with pytest.raises(ShapeError, match="the student has 120 tokens and the teacher 'adapt' 119"):
        stage.agree(shape, {"adapt": replace(shape, vocab=119)})
