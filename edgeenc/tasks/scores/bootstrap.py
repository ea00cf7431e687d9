"""Intervals by the bootstrap over test items: of one model's figure, and of the difference between two models.

A resample draws as many items as there are, with replacement; a sentence is drawn whole, with all its words. Every
seed and both models see the same resample, and the figure of a resample is its mean over the seeds. The interval is
the middle 95 % of the resamples' figures. It says how far the figure depends on which items were tested; how far it
depends on the seed is what the deviation says.

Axis letters: I items, R resamples (r some of them), S seeds, K labels (1 for spans and shares);
3 is right, predicted, gold.

Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 13; paired over test items as in Koehn,
Statistical Significance Tests for Machine Translation Evaluation (2004).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeenc.errors import InputError
from edgeenc.tasks.item import Item, Predicted
from edgeenc.tasks.scores.metric import TaskMetric

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]

PERCENT = 95
_AT_ONCE = 50
"""Resamples whose weights are in memory together: 8 MB for 20,000 items."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure and how far it can be trusted.

    Attributes:
        value: mean over the seeds of the figure on all items.
        low, high: the interval of that mean over resampled items.
        deviation: sample standard deviation over the seeds; None for one seed.
        n: items.
        seeds: how many there are.
    """

    value: float
    low: float
    high: float
    deviation: float | None
    n: int
    seeds: int


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """The figure of one model minus that of another on the same items.

    Attributes:
        value: difference of the means over seeds.
        low, high: its interval over resampled items.
        seen: whether the interval leaves out 0; where not, no difference was seen.
    """

    value: float
    low: float
    high: float
    seen: bool


def estimate(
    metric: TaskMetric, items: Sequence[Item], by_seed: Sequence[Predicted], resamples: int = 1000, seed: int = 0
) -> Estimate:
    """Return the mean figure over the seeds with its interval.

    Args:
        metric: what is computed.
        items: the test part.
        by_seed: the predictions of each seed.
        resamples: how many sets of items are drawn.
        seed: of the draw; the same seed draws the same items for every model.

    Raises:
        InputError: there is no item; or `span_f1` of gold tags that are not IOB2.
    """
    counts_SI3K = _counts(metric, items, by_seed)
    each_S = _figures(counts_SI3K.sum(1)[None])[0]
    low, high = _interval(_resampled(counts_SI3K, resamples, seed).mean(1))
    deviation = float(np.std(each_S, ddof=1)) if len(by_seed) > 1 else None
    return Estimate(float(each_S.mean()), low, high, deviation, len(items), len(by_seed))


def paired(
    metric: TaskMetric,
    items: Sequence[Item],
    a_by_seed: Sequence[Predicted],
    b_by_seed: Sequence[Predicted],
    resamples: int = 1000,
    seed: int = 0,
) -> PairedDifference:
    """Return the figure of `a` minus that of `b` with its interval; both are scored on the same resamples.

    The two may have different numbers of seeds: each side is its own mean. Other arguments and errors as in `estimate`.
    """
    a_SI3K, b_SI3K = _counts(metric, items, a_by_seed), _counts(metric, items, b_by_seed)
    value = _figures(a_SI3K.sum(1)[None]).mean() - _figures(b_SI3K.sum(1)[None]).mean()
    a_RS, b_RS = _resampled(a_SI3K, resamples, seed), _resampled(b_SI3K, resamples, seed)
    low, high = _interval(a_RS.mean(1) - b_RS.mean(1))
    return PairedDifference(float(value), low, high, not low <= 0 <= high)


def draws(items: int, resamples: int, seed: int) -> Iterator[Numbers]:
    """Yield the places of the drawn items, some resamples at once: (r, items) with r up to 50."""
    rng = np.random.default_rng(seed)
    for start in range(0, resamples, _AT_ONCE):
        yield rng.integers(items, size=(min(_AT_ONCE, resamples - start), items))


def _resampled(counts_SI3K: Floats, resamples: int, seed: int) -> Floats:
    """Return the figure of every resample and seed (R, S)."""
    seeds, items, *last = counts_SI3K.shape
    counts_IC = counts_SI3K.swapaxes(0, 1).reshape(items, -1)
    figures = []
    for places_rI in draws(items, resamples, seed):
        rows = len(places_rI)
        flat = places_rI + items * np.arange(rows)[:, None]
        times_rI = np.bincount(flat.ravel(), minlength=rows * items).reshape(rows, items)
        figures.append(_figures((times_rI.astype(np.float64) @ counts_IC).reshape(rows, seeds, *last)))
    return np.concatenate(figures)


def _figures(sums_RS3K: Floats) -> Floats:
    """Return 2 right / (predicted + gold), 0 where there is neither, as the mean over K (R, S).

    For one label that is its F1. A share of right words is the same with as many predicted as gold.
    """
    right, guessed, gold = np.moveaxis(sums_RS3K, 2, 0)
    both = guessed + gold
    return np.divide(2 * right, both, out=np.zeros_like(right), where=both > 0).mean(-1)


def _interval(figures_R: Floats) -> tuple[float, float]:
    tail = (100 - PERCENT) / 2
    low, high = np.percentile(figures_R, [tail, 100 - tail])
    return float(low), float(high)


def _counts(metric: TaskMetric, items: Sequence[Item], by_seed: Sequence[Predicted]) -> Floats:
    """Return what each item adds to right, predicted and gold (S, I, 3, K).

    The labels K are those of the gold items, so they are the same in every resample.
    """
    if not items or not by_seed:
        raise InputError("nothing to score; the test part and the list of seeds must not be empty")
    return np.stack([metric.counts(items, predicted) for predicted in by_seed])
