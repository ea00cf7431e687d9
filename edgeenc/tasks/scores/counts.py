"""What each item adds to right, predicted and gold, from which the figure of any set of items follows.

Axis letters: I items, W words of all items, K labels (1 for spans and shares); 3 is right, predicted, gold.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from seqeval.scheme import IOB2, Entities

from edgeenc.tasks.item import Item, Predicted
from edgeenc.tasks.tags.iob2 import check_iob2, outside

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]


def by_label(items: Sequence[Item], predicted: Predicted) -> Floats:
    """Return the counts of each label of the gold items (I, 3, K)."""
    code = {label: k for k, label in enumerate(sorted({label for item in items for label in item.labels}))}
    at_W = np.repeat(np.arange(len(items)), [len(item.labels) for item in items])
    gold_W = np.array([code[label] for item in items for label in item.labels])
    pairs = zip(items, predicted, strict=True)
    guessed_W = np.array([code.get(label, -1) for item, labels in pairs for label in _as_many(labels, item)])
    hit_W, known_W = guessed_W == gold_W, guessed_W >= 0
    found = (at_W[hit_W], gold_W[hit_W]), (at_W[known_W], guessed_W[known_W]), (at_W, gold_W)
    return np.stack([_table(*pair, len(items), len(code)) for pair in found], axis=1)


def shares(items: Sequence[Item], predicted: Predicted) -> Floats:
    """Return right words against all words (I, 3, 1); a word without prediction counts as a wrong one."""
    sums_I3 = by_label(items, predicted).sum(-1)
    return np.stack([sums_I3[..., 0], sums_I3[..., 2], sums_I3[..., 2]], axis=-1)[..., None]


def spans(items: Sequence[Item], predicted: Predicted) -> Floats:
    """Return the counts of spans of any type (I, 3, 1), read as seqeval reads them in its strict mode.

    Raises:
        InputError: the gold tags are not IOB2.
    """
    check_iob2(items)
    gold = _spans([item.labels for item in items])
    guessed = _spans([_as_many(labels, item) for item, labels in zip(items, predicted, strict=True)])
    counts = [(len(a & b), len(a), len(b)) for a, b in zip(guessed, gold, strict=True)]
    return np.array(counts, dtype=np.float64)[..., None]


def _table(at_W: Numbers, label_W: Numbers, items: int, labels: int) -> Floats:
    """Return how often each item has each label (I, K)."""
    flat_W = at_W * labels + label_W
    return np.bincount(flat_W, minlength=items * labels).reshape(items, labels).astype(np.float64)


def _spans(tags: Predicted) -> list[set[tuple[object, ...]]]:
    return [{span.to_tuple() for span in spans} for spans in Entities(outside(tags), IOB2).entities]


def _as_many(labels: tuple[str, ...], item: Item) -> tuple[str, ...]:
    if len(labels) != len(item.labels):
        raise ValueError(f"{len(labels)} predicted labels for {len(item.labels)} words: {item.words[:5]}")
    return labels
