"""What builds and benchmarks say of models on the test items of a task: plain JSON, shares from 0 to 1."""

from __future__ import annotations

from typing import TypedDict


class TaskScore(TypedDict):
    """One model on the test items of one task; more is better.

    `model` is `teacher`, `trim-only`, `student` or another step of the build; in a benchmark what was built is called
    what its rows are called. `precision` is what ran: `torch` (PyTorch float32), `fp32` or `int8` (the exported file).
    `value` is the mean over the seeds, `low` and `high` bound its 95 % bootstrap interval over test items, `deviation`
    is the sample deviation over seeds (None for one seed), `n` counts test items, `seeds` the tunings.
    """

    task: str
    model: str
    precision: str
    metric: str
    value: float
    low: float
    high: float
    deviation: float | None
    n: int
    seeds: int


class TaskDifference(TypedDict):
    """Two models on the same test items: `model` at `precision` less `baseline`; above 0 the model is better.

    `baseline` is model and precision in one, such as `teacher fp32`. `low` and `high` are the 95 % interval of a paired
    bootstrap over test items, averaged over seeds; `seen` is whether 0 lies outside of it.
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
