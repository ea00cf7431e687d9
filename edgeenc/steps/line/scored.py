"""What models said of a task's test items: as scores, as differences, and in a file for comparing builds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from edgeenc.record.scores import Difference, MajorityBaseline, Score
from edgeenc.targets.target import Target
from edgeenc.tasks.scores.bootstrap import estimate, paired
from edgeenc.tasks.task import Task

Predicted: TypeAlias = tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Scored:
    """A model in one form, and what it said of the test items for each seed."""

    model: str
    precision: str
    by_seed: tuple[Predicted, ...]

    @property
    def called(self) -> str:
        """Model and precision in one, as reports have them."""
        return f"{self.model} {self.precision}"


def score_of(task: Task, scored: Scored) -> Score:
    """Return the figure of a model in one form, with its interval."""
    items, found = task.data.test, estimate(task.metric, task.data.test, scored.by_seed)
    return Score(
        task=task.name,
        model=scored.model,
        precision=scored.precision,
        metric=task.metric.name,
        value=found.value,
        low=found.low,
        high=found.high,
        deviation=found.deviation,
        n=found.n,
        seeds=found.seeds,
        by_seed=tuple(task.metric.score(items, said) for said in scored.by_seed),
        kind=task.data.kind.name,
    )


def always_the_same(task: Task) -> MajorityBaseline:
    """Return the score of the simple baseline of the task's kind: what a model must pass."""
    least = task.data.kind.baseline(task.data.train, task.data.test)
    return MajorityBaseline(task=task.name, label=least.label, value=task.metric.score(task.data.test, least.predicted))


def differences(task: Task, scored: Sequence[Scored], target: Target) -> Iterator[Difference]:
    """Yield each form against the teacher, which is the first, and each file against that which it is made from."""
    files = {one.precision: one for one in scored if one.precision in target.names}
    pairs = [(one, scored[0]) for one in scored[1:]]
    pairs += [
        (files[made.name], files[made.source])
        for made in target.precisions
        if made.name in files and made.source in files
    ]
    for one, baseline in pairs:
        found = paired(task.metric, task.data.test, one.by_seed, baseline.by_seed)
        yield Difference(
            task=task.name,
            metric=task.metric.name,
            model=one.model,
            precision=one.precision,
            baseline=baseline.called,
            difference=found.value,
            low=found.low,
            high=found.high,
            seen=found.seen,
        )


def write_predictions(path: Path, task: Task, scored: Sequence[Scored]) -> None:
    """Write gold labels and what every model said, so that another build can be compared item by item."""
    whole = {
        "task": task.name,
        "metric": task.metric.name,
        "items": [item.labels for item in task.data.test],
        "texts": hashlib.sha256(json.dumps([item.words for item in task.data.test]).encode()).hexdigest(),
        "models": {one.called: one.by_seed for one in scored},
    }
    path.write_text(json.dumps(whole, ensure_ascii=False) + "\n", encoding="utf-8")
