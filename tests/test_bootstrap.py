"""The bootstrap: equal to scikit-learn and seqeval on every resample, hand arithmetic, and what cannot be scored."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from seqeval.metrics import f1_score as span_f1_score
from seqeval.scheme import IOB2
from sklearn.metrics import accuracy_score, f1_score

from edgeenc.errors import InputError
from edgeenc.tasks.examples import Item
from edgeenc.tasks.item import Predicted
from edgeenc.tasks.scores.bootstrap import draws, estimate, paired
from edgeenc.tasks.task_kind import metric_named

TAGS = {"span_f1": ("O", "O", "O", "B-PER", "I-PER", "B-LOC"), "token_accuracy": ("NOUN", "VERB", "ADJ", "X")}
METRICS = ("macro_f1", "accuracy", "token_accuracy", "span_f1")


def valid(tags: Sequence[str]) -> tuple[str, ...]:
    """Return IOB2: an I- that goes on with nothing becomes a B-."""
    fixed: list[str] = []
    for tag in tags:
        goes_on = tag[0] != "I" or (bool(fixed) and fixed[-1][1:] == tag[1:])
        fixed.append(tag if goes_on else f"B{tag[1:]}")
    return tuple(fixed)


def invented(metric: str, size: int, seeds: int, right: float = 0.7) -> tuple[list[Item], list[Predicted]]:
    """Return random gold items, and predictions that keep about `right` of the labels."""
    rng = np.random.default_rng(7)
    labels = TAGS.get(metric, ("a", "b", "c", "rare"))
    shares = np.array([8, 4, 2, 1, 1, 1])[: len(labels)] / sum([8, 4, 2, 1, 1, 1][: len(labels)])
    lengths = rng.integers(1, 12, size=size) if metric in TAGS else np.ones(size, dtype=int)
    items = []
    for length in lengths:
        words = tuple(f"w{place}" for place in range(length))
        items.append(Item(words, valid(rng.choice(labels, size=length, p=shares).tolist())))
    others = (*labels, "O" if metric == "span_f1" else "new", "")
    by_seed = [
        [tuple(tag if rng.random() < right else str(rng.choice(others)) for tag in item.labels) for item in items]
        for _ in range(seeds)
    ]
    return items, by_seed


def by_library(metric: str, items: Sequence[Item], predicted: Predicted, labels: list[str]) -> float:
    """Return a figure as the libraries compute it, macro F1 over the given labels."""
    if metric == "span_f1":
        gold = [list(item.labels) for item in items]
        tags = [[tag or "O" for tag in row] for row in predicted]
        return span_f1_score(gold, tags, mode="strict", scheme=IOB2, zero_division=0)
    gold = [label for item in items for label in item.labels]
    guessed = [label for row in predicted for label in row]
    if metric == "macro_f1":
        return f1_score(gold, guessed, labels=labels, average="macro", zero_division=0)
    return accuracy_score(gold, guessed)


@pytest.mark.parametrize("metric", METRICS)
def test_every_resample_is_what_the_libraries_say(metric: str) -> None:
    items, by_seed = invented(metric, size=25, seeds=3)
    other = invented(metric, size=25, seeds=2, right=0.5)[1]
    labels = sorted({label for item in items for label in item.labels})
    places = np.concatenate(list(draws(25, 40, seed=5)))
    assert places.shape == (40, 25) and len({tuple(row) for row in places}) == 40

    def resampled(side: list[Predicted]) -> np.ndarray:
        picked = [([items[i] for i in row], [[one[i] for i in row] for one in side]) for row in places]
        return np.array([np.mean([by_library(metric, gold, one, labels) for one in all_]) for gold, all_ in picked])

    found = estimate(metric_named(metric), items, by_seed, resamples=40, seed=5)
    figures = [metric_named(metric).score(items, predicted) for predicted in by_seed]
    assert found.value == pytest.approx(np.mean(figures), abs=1e-12)
    assert found.deviation == pytest.approx(np.std(figures, ddof=1), abs=1e-12)
    assert (found.n, found.seeds) == (25, 3)
    assert (found.low, found.high) == pytest.approx(tuple(np.percentile(resampled(by_seed), [2.5, 97.5])), abs=1e-12)
    assert found.low < found.value < found.high

    gap = paired(metric_named(metric), items, by_seed, other, resamples=40, seed=5)
    expected = np.percentile(resampled(by_seed) - resampled(other), [2.5, 97.5])
    assert (gap.low, gap.high) == pytest.approx(tuple(expected), abs=1e-12)
    assert gap.value == pytest.approx(found.value - estimate(metric_named(metric), items, other).value, abs=1e-12)


def test_interval_of_a_share_by_hand() -> None:
    items = [Item((str(place),), ("a" if place else "b",)) for place in range(100)]
    half = [("a",) if place % 2 else ("c",) for place in range(100)]
    found = estimate(metric_named("accuracy"), items, [half], resamples=4000)
    assert found.value == 0.5 and found.deviation is None
    # the deviation of a share of 100 draws at one half is 0.05; 1.96 of them is 0.098
    assert found.low == pytest.approx(0.402, abs=0.011) and found.high == pytest.approx(0.598, abs=0.011)


def test_a_difference_is_seen_only_where_its_interval_leaves_out_zero() -> None:
    items = [Item((str(place),), ("a",)) for place in range(200)]
    right, wrong = ("a",), ("b",)
    full, none = [right] * 200, [wrong] * 200
    same = paired(metric_named("accuracy"), items, [full], [full])
    assert (same.value, same.low, same.high, same.seen) == (0, 0, 0, False)
    assert (
        paired(metric_named("accuracy"), items, [none], [full]).seen
        and paired(metric_named("accuracy"), items, [none], [full]).value == -1
    )
    almost = [wrong, *[right] * 199]
    assert not paired(metric_named("accuracy"), items, [full], [almost]).seen
    # two that are wrong on different items are as good as each other, however sure each figure is
    a, b = [wrong] * 20 + [right] * 180, [right] * 180 + [wrong] * 20
    gap = paired(metric_named("accuracy"), items, [a], [b])
    assert gap.value == 0 and gap.low < 0 < gap.high and not gap.seen


def test_a_pair_is_judged_on_the_same_items() -> None:
    """Where both fail on the same items, the difference is far surer than either figure."""
    items = [Item((str(place),), ("a",)) for place in range(200)]
    b = [("x",)] * 100 + [("a",)] * 100
    a = [("x",)] * 90 + [("a",)] * 110
    alone = estimate(metric_named("accuracy"), items, [a])
    gap = paired(metric_named("accuracy"), items, [a], [b])
    assert alone.low < 0.5 < alone.high
    assert gap.seen and gap.value == pytest.approx(0.05) and gap.high - gap.low < 0.5 * (alone.high - alone.low)


def test_the_same_seed_gives_the_same_interval_and_another_seed_another() -> None:
    items, by_seed = invented("macro_f1", size=40, seeds=2)
    first = estimate(metric_named("macro_f1"), items, by_seed, seed=1)
    assert first == estimate(metric_named("macro_f1"), items, by_seed, seed=1)
    assert first != estimate(metric_named("macro_f1"), items, by_seed, seed=2)


def test_what_cannot_be_scored_is_refused() -> None:
    with pytest.raises(InputError, match="nothing to score"):
        estimate(metric_named("accuracy"), [], [])
    with pytest.raises(InputError, match="nothing to score"):
        estimate(metric_named("accuracy"), [Item(("a",), ("b",))], [])
    with pytest.raises(InputError, match="not IOB2"):
        estimate(metric_named("span_f1"), [Item(("a",), ("NOUN",))], [[("NOUN",)]])
    for metric in ("span_f1", "token_accuracy"):
        with pytest.raises(ValueError, match="2 predicted labels for 1 words"):
            estimate(metric_named(metric), [Item(("a",), ("O",))], [[("O", "O")]])
