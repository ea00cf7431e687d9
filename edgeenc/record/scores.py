"""What models are worth on the test examples of a task: shares from 0 to 1, with their confidence intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from edgeenc.record.form import SPARE

METRICS: Mapping[str, str] = {
    "macro_f1": "macro F1",
    "accuracy": "accuracy",
    "span_f1": "span F1",
    "token_accuracy": "token accuracy",
}


def metric_words(metric: str) -> str:
    """Return how a metric is called in sentences: `macro_f1` is `macro F1`."""
    return METRICS.get(metric, metric)


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One model on the test examples of one task; more is better.

    Attributes:
        task: name of the task.
        model: `teacher`, `trim-only`, `student` or another step of the build; in a benchmark what was built is called
            what its rows are called.
        precision: what ran: `torch` (PyTorch float32), `fp32` or `int8` (the exported file).
        metric: `macro_f1`, `accuracy`, `span_f1` or `token_accuracy`.
        value: mean over the seeds.
        low, high: the 95 % bootstrap confidence interval of `value` over test examples.
        deviation: sample deviation over seeds; None for one seed.
        n: test examples.
        seeds: tunings.
        by_seed: the figure of each seed, where it is known.
        kind: name of the task's kind; None in files of versions that did not write it.
    """

    task: str
    model: str
    precision: str
    metric: str
    value: float
    low: float
    high: float
    deviation: float | None = None
    n: int
    seeds: int
    by_seed: tuple[float, ...] = field(default=(), metadata=SPARE)
    kind: str | None = field(default=None, metadata=SPARE, compare=False)

    @property
    def name(self) -> str:
        """Model and precision in one, such as `student int8`."""
        return f"{self.model} {self.precision}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Two models on the same test examples: `model` at `precision` less `baseline`; above 0 the model is better.

    Attributes:
        baseline: model and precision in one, such as `teacher fp32`.
        low, high: the 95 % confidence interval of a paired bootstrap over test examples, averaged over seeds.
        seen: whether 0 lies outside of it.
    """

    task: str
    metric: str
    model: str
    precision: str
    baseline: str
    difference: float
    low: float
    high: float
    seen: bool

    @property
    def name(self) -> str:
        """Model and precision in one, such as `student int8`."""
        return f"{self.model} {self.precision}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MajorityBaseline:
    """The score of always saying the most frequent label of the training part."""

    task: str
    label: str
    value: float
