"""Fine-tuning on a task: it learns what can be learnt, keeps what it must not touch, and is the same twice."""

from __future__ import annotations

import copy
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch

from edgeenc.model.answers import NO_LABEL
from edgeenc.model.classifier import TaskModel
from edgeenc.model.encoder import Encoder
from edgeenc.targets.sessions.torch_session import TorchSession
from edgeenc.tasks.chosen import chosen
from edgeenc.tasks.encode import Encoded, encode
from edgeenc.tasks.examples import TaskData
from edgeenc.tasks.item import Item
from edgeenc.tasks.kinds.tag import TAG as TAGGED
from edgeenc.tasks.scores.predict import predict, word_logits
from edgeenc.tasks.tags.running_text import running_text
from edgeenc.tasks.task import Task
from edgeenc.tasks.task_kind import metric_named, task_kind_named
from edgeenc.tasks.tuning.fine_tuning import FineTuning
from edgeenc.tasks.tuning.taught import Taught, teacher_logits, unlabelled
from edgeenc.tasks.tuning.tune import Batches, tune
from edgeenc.training_loop import Job

FAST = FineTuning(lr=5e-3, epochs=10, batch_size=8, max_length=32)
WORDS = ("aso", "pusa", "bahay", "ilog", "mesa", "tubig", "isda", "kape")


def texts(count: int, seed: int) -> tuple[Item, ...]:
    """Texts whose label is whether the word `aso` is in them."""
    chance = random.Random(seed)
    found = [" ".join(chance.choices(WORDS[1:], k=2) + ["aso"] * (n % 2)) for n in range(count)]
    return tuple(Item((text,), ("oo" if "aso" in text else "hindi",)) for text in found)


def tagged(count: int, seed: int) -> tuple[Item, ...]:
    """Sentences whose words are tagged by the word itself."""
    chance = random.Random(seed)
    rows = [tuple(chance.choices(WORDS, k=chance.randint(2, 6))) for _ in range(count)]
    return tuple(Item(row, tuple("HAYOP" if w in ("aso", "pusa", "isda") else "BAGAY" for w in row)) for row in rows)


CLASSIFY = TaskData(task_kind_named("classify"), ("hindi", "oo"), texts(240, 1), texts(40, 2), texts(40, 3))
TAG = TaskData(TAGGED, ("BAGAY", "HAYOP"), tagged(48, 1), tagged(16, 2), tagged(24, 3))


def tuned(encoder: Encoder, data: TaskData, options: FineTuning = FAST, seed: int = 1) -> TaskModel:
    metric = metric_named("macro_f1" if data is CLASSIFY else "token_accuracy")
    return tune(encoder, data, options, Job(seed), Task("t", metric, data).judge)[0]


def on_test(model: TaskModel, data: TaskData) -> float:
    encoded = encode(data.test, data.kind, model.tokenizer, 32)
    said = predict(TorchSession(model.logits, model.purpose), encoded, model.labels)
    return metric_named("macro_f1" if data is CLASSIFY else "token_accuracy").score(data.test, said)


@pytest.mark.parametrize("data", [CLASSIFY, TAG], ids=["classify", "tag"])
@pytest.mark.parametrize("method", ["full", "adapter"])
def test_what_can_be_learnt_is_learnt(tiny_encoder: Encoder, data: TaskData, method: str) -> None:
    options = FAST.model_copy(
        update={"method": method, "lr": 5e-3 if method == "full" else 1e-2, "reduction_factor": 4}
    )
    assert on_test(tuned(tiny_encoder, data, options), data) > 0.8  # of one label alone it is 0.33 and 0.63


def test_a_frozen_body_stays_bit_for_bit_and_its_head_learns(tiny_encoder: Encoder) -> None:
    model = tuned(tiny_encoder, TAG, FAST.model_copy(update={"method": "frozen", "lr": 3e-2}))
    theirs = tiny_encoder.model.base_model.state_dict()
    assert all(torch.equal(tensor, theirs[name]) for name, tensor in model.model.base_model.state_dict().items())
    assert on_test(model, TAG) > 0.64  # of one label alone 0.63


def test_the_same_seed_gives_the_same_weights_and_another_others(tiny_encoder: Encoder) -> None:
    short = FAST.model_copy(update={"epochs": 1})
    a, b, c = (tuned(tiny_encoder, TAG, short, seed).model.state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert not all(torch.equal(a[name], c[name]) for name in a)


def test_the_epoch_with_the_best_figure_on_validation_is_kept(tiny_encoder: Encoder) -> None:
    """The figure is made up, best after the second of five epochs: what comes back says what was said then."""
    seen: list[tuple[tuple[str, ...], ...]] = []

    def judge(items: Sequence[Item], said: Sequence[tuple[str, ...]]) -> float:
        seen.append(tuple(said))
        return 0.9 if len(seen) == best else 0.1

    options, best = FAST.model_copy(update={"epochs": 5}), 2
    with_start = len(tune(tiny_encoder, TAG, options, Job(1), judge)[1].evaluations) - 5  # a look before the first step
    seen.clear()
    best += with_start
    model, history = tune(tiny_encoder, TAG, options, Job(1), judge)
    held = encode(TAG.validation, TAGGED, model.tokenizer, 32)
    back = tuple(predict(TorchSession(model.logits, model.purpose), held, model.labels))
    assert history.best_loss == pytest.approx(0.1)
    assert back == seen[best - 1] != seen[-1]


def test_imitation_alone_makes_a_student_that_says_what_the_teacher_says(tiny_encoder: Encoder) -> None:
    """The teacher is tuned on turned labels: a student that only imitates learns those, not the data's."""
    turned = {"HAYOP": "BAGAY", "BAGAY": "HAYOP"}
    other = TaskData(
        TAGGED,
        TAG.labels,
        *(
            tuple(Item(item.words, tuple(turned[tag] for tag in item.labels)) for item in part)
            for part in (TAG.train, TAG.validation, TAG.test)
        ),
    )
    teacher = tuned(tiny_encoder, other)
    guide = Taught(teacher_logits(teacher, TAG.train, TAGGED, 32))
    options = FAST.model_copy(update={"distillation_weight": 1.0})
    wrong = lambda items, said: 1 - metric_named("token_accuracy").score(items, said)  # noqa: E731
    student = tune(tiny_encoder, TAG, options, Job(2), wrong, guide)[0]
    assert on_test(student, TAG) < 0.2


def test_every_epoch_visits_every_example_once() -> None:
    batches = Batches(Encoded(tuple((0,) * (n % 7 + 1) for n in range(53)), ((0,),) * 53, 0), size=8, seed=4)
    assert batches.per_epoch == 7
    for epoch in (0, 1):
        seen = Counter(i for step in range(7) for i in batches.at(7 * epoch + step))
        assert seen == Counter(range(53))
    assert batches.at(0) != batches.at(7)


def test_every_unlabelled_text_is_visited_once_in_all() -> None:
    encoded = Encoded(tuple((0,) * (n % 7 + 1) for n in range(53)), ((0,),) * 53, 0)
    batches = Batches(encoded, size=8, seed=4, unlabelled=40, epochs=5)
    assert batches.per_epoch == 3  # 13 labelled ones and 8 others
    seen = Counter(i for step in range(15) for i in batches.at(step))
    assert seen == Counter({**dict.fromkeys(range(13), 5), **dict.fromkeys(range(13, 53), 1)})


@pytest.mark.parametrize("data", [CLASSIFY, TAG], ids=["classify", "tag"])
def test_a_head_that_starts_as_a_probe_answers_before_any_training(tiny_encoder: Encoder, data: TaskData) -> None:
    still = {"epochs": 1, "lr": 1e-12}
    probe = on_test(tuned(tiny_encoder, data, FAST.model_copy(update=still)), data)
    chance = on_test(tuned(tiny_encoder, data, FAST.model_copy(update={**still, "head_start": "random"})), data)
    assert probe > 0.75 > chance


@pytest.mark.parametrize("data", [CLASSIFY, TAG], ids=["classify", "tag"])
def test_a_probe_of_vectors_that_hardly_differ_does_not_magnify_their_noise(
    tiny_encoder: Encoder, data: TaskData
) -> None:
    """An encoder that collapsed: what differs between words is a thousandth of what they have in common."""
    encoder = replace(tiny_encoder, model=copy.deepcopy(tiny_encoder.model))
    norm = encoder.model.base_model.encoder.layer[-1].output.LayerNorm
    with torch.no_grad():
        norm.weight.mul_(1e-3)
        norm.bias.add_(1.0)
    model = tuned(encoder, data, FAST.model_copy(update={"epochs": 1, "lr": 1e-12}))
    weights = [module.weight.abs().max() for module in model.model.modules() if isinstance(module, torch.nn.Linear)]
    assert max(weights[-2:] if data is CLASSIFY else weights[-1:]) < 10


@pytest.mark.parametrize("data", [CLASSIFY, TAG], ids=["classify", "tag"])
def test_texts_that_nobody_labelled_teach_what_the_teacher_says_of_them(tiny_encoder: Encoder, data: TaskData) -> None:
    """The student has six labels, all of them wrong, and the same texts as the teacher without their labels."""
    wrong = {data.labels[0]: data.labels[1], data.labels[1]: data.labels[0]}
    few = tuple(Item(item.words, tuple(wrong[label] for label in item.labels)) for item in data.train[:6])
    poor = replace(data, train=few)
    options = FAST.model_copy(update={"unlabelled_texts": 1440, "head_start": "random", "lr": 2e-3})
    lines = [" ".join(item.words) for item in data.train] * (1440 // len(data.train))
    texts = unlabelled(lines, poor, options)
    guide = Taught(teacher_logits(tuned(tiny_encoder, data), (*few, *texts), data.kind, 32), texts)
    metric = metric_named("macro_f1" if data is CLASSIFY else "token_accuracy")
    student = tune(tiny_encoder, poor, options, Job(1), Task("t", metric, data).judge, guide)[0]
    assert on_test(student, data) > 0.8
    assert on_test(tuned(tiny_encoder, poor), data) < 0.6


def test_unlabelled_texts_are_none_of_the_held_out_ones_and_read_as_they_were_written(tiny_encoder: Encoder) -> None:
    options = FineTuning(epochs=2, unlabelled_texts=6)
    lines = ["Si Juan, ang guro.", "mag-aral (3.5) ka!", *(" ".join(item.words) for item in TAG.test[:2]), "aso", "🙂"]
    found = unlabelled(lines, TAG, options)
    assert [running_text(item.words, item.spaces)[0] for item in found] == [*lines[:2], *lines[4:]]
    assert found[0].words == ("Si", "Juan", ",", "ang", "guro", ".")
    assert found[1].words == ("mag-aral", "(", "3.5", ")", "ka", "!")
    assert len(unlabelled([*lines, "pusa"], TAG, FineTuning(epochs=2, unlabelled_texts=7))) == 4  # a multiple of epochs


def test_a_subset_is_drawn_once_and_for_all() -> None:
    assert chosen(TAG.train, None) == TAG.train
    few = chosen(TAG.train, 10)
    assert len(few) == 10 and few == chosen(TAG.train, 10)
    assert [TAG.train.index(item) for item in few] == sorted(TAG.train.index(item) for item in few)


def test_a_word_that_was_cut_off_is_wrong_and_the_others_keep_their_labels(tiny_encoder: Encoder) -> None:
    model = tuned(tiny_encoder, TAG, FAST.model_copy(update={"epochs": 1}))
    item = Item(("aso", "mesa", "ilog", "kape"), ("HAYOP", "BAGAY", "BAGAY", "BAGAY"))
    session = TorchSession(model.logits, model.purpose)
    whole = predict(session, encode([item], TAGGED, model.tokenizer, 32), model.labels)[0]
    cut = predict(session, encode([item], TAGGED, model.tokenizer, 4), model.labels)[0]
    assert NO_LABEL not in whole
    assert cut[-1] == NO_LABEL
    logits = word_logits(session, encode([item], TAGGED, model.tokenizer, 4))[0]
    assert np.isnan(logits[-1]).all() and np.isfinite(logits[0]).all()
