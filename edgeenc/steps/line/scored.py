"""What models said of a task's test items: as scores, as differences, and in a file for comparing builds."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from edgeenc.record.scores import Difference, MajorityBaseline, Score
from edgeenc.tasks.bootstrap import estimate, paired
from edgeenc.tasks.metrics import score
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
        metric=task.metric,
        value=found.value,
        low=found.low,
        high=found.high,
        deviation=found.deviation,
        n=found.n,
        seeds=found.seeds,
        by_seed=tuple(score(task.metric, items, said) for said in scored.by_seed),
    )


def always_the_same(task: Task) -> MajorityBaseline:
    """Return the score of always saying the most frequent label of the training part: what a model must pass."""
    label = Counter(label for item in task.data.train for label in item.labels).most_common(1)[0][0]
    said = tuple((label,) * len(item.labels) for item in task.data.test)
    return MajorityBaseline(task=task.name, label=label, value=score(task.metric, task.data.test, said))


def differences(task: Task, scored: Sequence[Scored]) -> Iterator[Difference]:
    """Yield each form against the teacher, which is the first, and int8 against fp32."""
    teacher, fp32 = scored[0], next((one for one in scored if one.precision == "fp32"), None)
    pairs = [(one, teacher) for one in scored[1:]]
    pairs += [(one, fp32) for one in scored if fp32 is not None and one.precision == "int8"]
    for one, baseline in pairs:
        found = paired(task.metric, task.data.test, one.by_seed, baseline.by_seed)
        yield Difference(
            task=task.name,
            metric=task.metric,
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
        "metric": task.metric,
        "items": [item.labels for item in task.data.test],
        "texts": hashlib.sha256(json.dumps([item.words for item in task.data.test]).encode()).hexdigest(),
        "models": {one.called: one.by_seed for one in scored},
    }
    path.write_text(json.dumps(whole, ensure_ascii=False) + "\n", encoding="utf-8")
