"""How one model ranks texts beside another, from the similarities of all of them.

Axis letters: N texts that search, M texts that are searched, P pairs of texts, R resamples.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edgeenc.record.vectors import Found, Interval, found_in
from edgeenc.tasks.scores.bootstrap import PERCENT, draws

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]

WITHIN = (1, 5, 10)
"""Among how many first texts the one that is sought counts as found."""
DIGITS = 6
"""Similarities that differ by less than these decimals are equal: the last bits of a product are no order."""
RESAMPLES = 1000
LEAST_SPREAD = 1e-12
"""Of ranks that were divided by their deviation: below it all are equal."""


def similar(a_ND: NDArray[np.float32], b_MD: NDArray[np.float32]) -> Floats:
    """Return the similarities (N, M) of vectors of length one."""
    return np.round(a_ND.astype(np.float64) @ b_MD.astype(np.float64).T, DIGITS)


def without_itself(similar_NN: Floats) -> Floats:
    """Return similarities in which no text finds itself."""
    found_NN = similar_NN.copy()
    np.fill_diagonal(found_NN, -np.inf)
    return found_NN


def nearest(similar_NN: Floats) -> Numbers:
    """Return of every text which other one is nearest, of equally near ones the first (N)."""
    return without_itself(similar_NN).argmax(1)


def places(similar_NM: Floats, sought_N: Numbers) -> Numbers:
    """Return at which place, from 1, every search finds what it sought (N).

    Of equally near texts the one that is sought comes last, so that a model that gives every text the same vector
    finds nothing.

    Worked example: similarities 0.9, 0.7, 0.7 and 0.2, of which the third is sought, give place 3.
    """
    own_N = similar_NM[np.arange(len(sought_N)), sought_N]
    return (similar_NM >= own_N[:, None]).sum(1)


def found(places_N: Numbers, within: Sequence[int] = WITHIN) -> tuple[Found, ...]:
    """Return in how many searches what was sought is among the first 1, 5 and 10."""
    return tuple(found_in(most, int((places_N <= most).sum()), len(places_N)) for most in within)


def reciprocal(places_N: Numbers, seed: int) -> Interval:
    """Return the mean reciprocal rank: of places 1, 2 and 4 it is 7 / 12.

    Source: Voorhees, The TREC-8 Question Answering Track Report (1999).
    """
    each_N = 1 / places_N
    drawn_R = np.concatenate([each_N[rows].mean(1) for rows in draws(len(each_N), RESAMPLES, seed)])
    return _interval(float(each_N.mean()), drawn_R)


def spearman(a_NN: Floats, b_NN: Floats, seed: int) -> Interval:
    """Return the rank correlation of the similarities of all pairs of two texts, with its interval over texts.

    Equal similarities share the mean of their ranks. A resample draws texts, and counts a pair as often as both of its
    texts were drawn; ranks are those among all pairs, since ranking anew would change the correlation little and cost
    a thousand sorts. Where all similarities of one model are equal there is no order, and the correlation is 0.

    Source: Spearman, The Proof and Measurement of Association between Two Things (1904).
    """
    upper = np.triu_indices(len(a_NN), 1)
    ranked = []
    for similar_NN in (a_NN, b_NN):
        ranks_NN = np.zeros_like(similar_NN)
        ranks_P = mean_ranks(similar_NN[upper])
        ranks_NN[upper] = ranks_P - ranks_P.mean()
        ranked.append(ranks_NN / max(1.0, float(ranks_P.std())))
    one_NN, other_NN = ranked
    products = (one_NN, other_NN, one_NN**2, other_NN**2, one_NN * other_NN)
    once = _correlation(np.ones((1, len(a_NN))), products)
    drawn = (
        np.stack([np.bincount(row, minlength=len(a_NN)) for row in rows]) for rows in draws(len(a_NN), RESAMPLES, seed)
    )
    return _interval(float(once[0]), np.concatenate([_correlation(rows, products) for rows in drawn]))


def mean_ranks(values_P: Floats) -> Floats:
    """Return the rank of every value from 1, of equal ones the mean.

    Worked example: 0.2, 0.5, 0.5 and 0.9 have the ranks 1, 2.5, 2.5 and 4.
    """
    _, which_P, counts = np.unique(values_P, return_inverse=True, return_counts=True)
    last = counts.cumsum()
    return (last - (counts - 1) / 2)[which_P]


def _correlation(times_RN: NDArray[np.generic], products: Sequence[Floats]) -> Floats:
    """Return the correlation of a and b over pairs (i, j), i < j, that count `times` of i times those of j (R).

    `products` are a, b, a squared, b squared and a times b, each as an upper triangle (N, N).
    """
    times_RN = times_RN.astype(np.float64)
    pairs_R = np.maximum((times_RN.sum(1) ** 2 - (times_RN**2).sum(1)) / 2, 1)  # one text alone makes none
    a_R, b_R, aa_R, bb_R, ab_R = (((times_RN @ one_NN) * times_RN).sum(1) / pairs_R for one_NN in products)
    spread_R = (aa_R - a_R**2) * (bb_R - b_R**2)
    known_R = spread_R > LEAST_SPREAD
    return np.where(known_R, (ab_R - a_R * b_R) / np.sqrt(np.where(known_R, spread_R, 1)), 0.0)


def _interval(value: float, drawn_R: Floats) -> Interval:
    tail = (100 - PERCENT) / 2
    low, high = np.percentile(drawn_R, [tail, 100 - tail])
    return Interval(value=value, low=float(low), high=float(high))
