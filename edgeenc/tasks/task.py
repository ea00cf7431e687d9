"""A task at hand: its examples, the figure that counts, and a name for its content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edgeenc.tasks.examples import PARTS, TaskData
from edgeenc.tasks.item import Item
from edgeenc.tasks.read import read_task
from edgeenc.tasks.scores.metric import TaskMetric
from edgeenc.tasks.spec import TaskSpec
from edgeenc.tasks.task_kind import metric_named


@dataclass(frozen=True)
class Task:
    """What a model is tuned and scored on.

    Attributes:
        name: as on the command line.
        metric: the figure that counts.
        data: the examples.
        shown: lines that tell what was guessed and found.
    """

    name: str
    metric: TaskMetric
    data: TaskData
    shown: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> str:
        """The sha256 of all examples, so that a step knows whether the data is the same."""
        rows = [item.row for part in PARTS for item in getattr(self.data, part)]
        return hashlib.sha256(json.dumps(rows, ensure_ascii=False).encode()).hexdigest()

    @property
    def judge(self) -> Callable[[Sequence[Item], Sequence[tuple[str, ...]]], float]:
        """The figure, 0..1, of predictions for items."""
        return self.metric.score


def open_task(spec: TaskSpec, seed: int, *, offline: bool = False) -> Task:
    """Read the data of `spec`.

    Raises:
        InputError: the data is missing, damaged or ambiguous.
        UsageError: a dataset of the hub without its commit.
    """
    data, shown = read_task(spec, seed, offline=offline)
    metric = metric_named(spec.metric) if spec.metric else data.kind.default_metric(data.parts)
    return Task(spec.name, metric, data, shown)
