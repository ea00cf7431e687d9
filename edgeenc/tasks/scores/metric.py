"""A metric: what predictions for the items of a task are worth, in 0..1, more being better.

Axis letters: I items, K labels (1 where they are not told apart); 3 is right, predicted, gold.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgeenc.tasks.item import Item, Predicted

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class TaskMetric:
    """One figure.

    Attributes:
        name: as in recipes and reports.
        score: the figure of predictions for items; raises InputError where the gold labels do not allow it.
        counts: what each item adds to right, predicted and gold (I, 3, K), so that the figure of any set of items is
            the mean over K of 2 right / (predicted + gold); intervals are drawn from these.
        by_label: whether the F1 of each label is told besides.
    """

    name: str
    score: Callable[[Sequence[Item], Predicted], float]
    counts: Callable[[Sequence[Item], Predicted], NDArray[np.float64]]
    by_label: bool = False
