"""Some of many items: the same ones for every model, every step and every build, so that results can be compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")

PICK = 0
"""Seed by which some of many items are picked: not that of a recipe, so that two builds can be compared."""


def chosen(items: Sequence[T], most: int | None) -> tuple[T, ...]:
    """Return all items, or `most` of them drawn by a fixed seed, in their order."""
    if most is None or most >= len(items):
        return tuple(items)
    picked = np.random.default_rng(PICK).permutation(len(items))[:most]
    return tuple(items[i] for i in sorted(picked.tolist()))
