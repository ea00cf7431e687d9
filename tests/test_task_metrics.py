"""Task metrics: hand arithmetic, and where a figure must not be computed."""

from __future__ import annotations

import pytest
from sklearn.metrics import f1_score

from edgeenc.errors import InputError
from edgeenc.tasks.examples import Item, TaskData
from edgeenc.tasks.kinds.classify import CLASSIFY
from edgeenc.tasks.kinds.tag import TAG
from edgeenc.tasks.scores.metrics import per_tag_f1
from edgeenc.tasks.tags.iob2 import check_iob2
from edgeenc.tasks.task_kind import TaskKind, metric_named

POS = (Item(("Ang", "aso", "ay"), ("DET", "NOUN", "PART")), Item(("Umuulan",), ("VERB",)))
NER = (
    Item(("Si", "Ana", "Cruz", "ay", "nasa", "Bicol"), ("O", "B-PER", "I-PER", "O", "O", "B-LOC")),
    Item(("Oo",), ("O",)),
)


def default_metric(data: TaskData) -> str:
    return data.kind.default_metric(data.parts).name


def texts(labels: str) -> list[Item]:
    return [Item((f"text {place}",), (label,)) for place, label in enumerate(labels)]


def guesses(labels: str) -> list[tuple[str, ...]]:
    return [(label,) for label in labels]


def task(items: tuple[Item, ...], kind: TaskKind = TAG) -> TaskData:
    return TaskData(kind, tuple(sorted({label for item in items for label in item.labels})), items, items, items)


def test_figures_by_hand() -> None:
    gold, guessed = texts("aab"), guesses("abb")
    assert metric_named("accuracy").score(gold, guessed) == pytest.approx(2 / 3)
    assert metric_named("macro_f1").score(gold, guessed) == pytest.approx(2 / 3)
    assert metric_named("macro_f1").score(texts("aaab"), guesses("aaaa")) == pytest.approx((6 / 7 + 0) / 2)
    tags = [("DET", "VERB", "PART"), ("VERB",)]
    assert metric_named("token_accuracy").score(POS, tags) == 3 / 4
    assert per_tag_f1(POS, tags) == {"DET": 1.0, "NOUN": 0.0, "PART": 1.0, "VERB": pytest.approx(2 / 3)}


def test_a_label_that_the_gold_items_lack_adds_nothing_to_the_mean_but_costs_the_right_one() -> None:
    gold, guessed = texts("aabb"), guesses("aabz")
    assert metric_named("macro_f1").score(gold, guessed) == pytest.approx((1 + 2 / 3) / 2)
    assert f1_score(list("aabb"), list("aabz"), average="macro", zero_division=0) == pytest.approx((1 + 2 / 3 + 0) / 3)


def test_macro_f1_is_the_default_of_scikit_learn_where_no_label_is_new() -> None:
    gold, guessed = "abcabcaacb", "abcbbaaccc"
    assert metric_named("macro_f1").score(texts(gold), guesses(guessed)) == f1_score(
        list(gold), list(guessed), average="macro"
    )


@pytest.mark.parametrize(
    ("tags", "figure"),
    [
        (("O", "B-PER", "I-PER", "O", "O", "B-LOC"), 1.0),
        (("O", "B-PER", "I-PER", "O", "O", "O"), 2 * 1 / (1 + 2)),
        (("O", "B-PER", "O", "O", "O", "B-LOC"), 2 * 1 / (2 + 2)),
        (("O", "B-PER", "I-PER", "O", "O", "I-LOC"), 2 * 1 / (1 + 2)),
        (("O", "B-PER", "I-PER", "", "", ""), 2 * 1 / (1 + 2)),
        (("", "", "", "", "", ""), 0.0),
    ],
    ids=["right", "one missed", "one too short", "I- starts no span", "no prediction at the end", "no prediction"],
)
def test_spans_count_only_if_start_end_and_type_are_right(tags: tuple[str, ...], figure: float) -> None:
    assert metric_named("span_f1").score(NER, [tags, ("O",)]) == pytest.approx(figure)


def test_a_word_without_prediction_is_wrong() -> None:
    assert metric_named("token_accuracy").score(NER, [("O", "B-PER", "I-PER", "O", "", ""), ("O",)]) == pytest.approx(
        5 / 7
    )


def test_the_metric_follows_from_the_data() -> None:
    assert default_metric(task(tuple(texts("ab")), CLASSIFY)) == "macro_f1"
    assert default_metric(task(NER)) == "span_f1"
    assert default_metric(task(POS)) == "token_accuracy"


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (("O", "I-PER"), r"validation part, sentence 3, word 2 \('b'\): 'I-PER' after 'O' starts no span"),
        (("B-LOC", "I-PER"), "'I-PER' after 'B-LOC' starts no span"),
        (("B-PER", "E-PER"), "the tag 'E-PER' is not IOB2; write the tags in IOB2"),
    ],
    ids=["IOB1", "another type", "BIOES"],
)
def test_tags_that_mark_spans_otherwise_are_refused_with_their_place(labels: tuple[str, str], words: str) -> None:
    data = task(NER)
    wrong = TaskData(TAG, data.labels, data.train, (*NER, Item(("a", "b"), labels)), data.test)
    with pytest.raises(InputError, match=words):
        default_metric(wrong)


def test_spans_are_never_read_from_bare_tags() -> None:
    with pytest.raises(InputError, match=r"word 1 \('Ang'\): the tag 'DET' is not IOB2.*token_accuracy"):
        metric_named("span_f1").score(POS, [item.labels for item in POS])
    with pytest.raises(InputError, match="not IOB2"):
        check_iob2([Item(("a",), ("",))])


def test_predictions_must_fit_the_items() -> None:
    with pytest.raises(InputError, match="no example"):
        metric_named("accuracy").score([], [])
    for wrong in ([("DET", "NOUN", "PART")], [("DET", "NOUN"), ("VERB",)]):
        with pytest.raises(ValueError, match="shorter"):
            metric_named("token_accuracy").score(POS, wrong)
