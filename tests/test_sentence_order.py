"""The order of whole texts: each once an epoch, batches that mix, none beside itself."""

from __future__ import annotations

import numpy as np
import pytest

from edgeenc.text.sentence_order import CHUNK, SentenceOrder


def order_of(sizes: tuple[int, ...], pattern: tuple[int, ...]) -> SentenceOrder:
    chance = np.random.default_rng(0)
    return SentenceOrder(tuple(chance.integers(4, 60, size) for size in sizes), 16, pattern, seed=1)


def test_batches_of_few_texts_are_not_the_same_in_the_next_epoch() -> None:
    order = order_of((160,), (0,))
    epochs = [{frozenset(order(step).tolist()) for step in range(first, first + 10)} for first in (0, 10)]
    assert len(epochs[0] & epochs[1]) <= 1
    assert sorted(np.concatenate([order(step) for step in range(10)])) == list(range(160))


@pytest.mark.parametrize(("sizes", "pattern"), [((64,), (0,)), ((2000, 64), (0, 1)), ((3000, 200), (0, 0, 0, 1))])
def test_a_text_is_hardly_ever_beside_itself(sizes: tuple[int, ...], pattern: tuple[int, ...]) -> None:
    order = order_of(sizes, pattern)
    twice = [len(batch) - len(np.unique(batch)) for batch in map(order, range(200))]
    assert np.mean(twice) < 1


def test_of_many_texts_those_of_like_lengths_are_together() -> None:
    order = order_of((4000,), (0,))
    assert order.chunk == CHUNK
    lengths = order.groups[0]
    spread = [int(np.ptp(lengths[order(step)])) for step in range(50)]
    assert np.mean(spread) < 6
