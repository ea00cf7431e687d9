"""Scores on tasks: their tables, paired differences in words, and accuracy against what a model costs."""

from __future__ import annotations

from collections.abc import Callable

from edgeenc.record.scores import Difference, Score, metric_words
from edgeenc.report.draw.blocks import Section, Table
from edgeenc.report.draw.numbers import MISSING, count, interval, megabytes, milliseconds, percent, points
from edgeenc.report.draw.plot import Plot, Point, Series, linear_axis, log_axis, pareto_front
from edgeenc.report.kept import NOTHING_SEEN, verdict
from edgeenc.report.measured import Candidate, Measured

PAIRED = (
    "A difference is averaged over the seeds and bootstrapped over the same examples for both models;"
    f" {NOTHING_SEEN} means that its confidence interval contains 0."
)
UNPAIRED = (
    "The models are not compared example by example, since there are no paired differences: whether one is better"
    " cannot be told where their confidence intervals overlap."
)


def scores_section(measured: Measured) -> Section:
    """Return the scores of all models on all tasks, with their confidence intervals, and how they differ."""
    rows = tuple(_score_row(score) for score in measured.scores)
    head = ("Task and model", "Score", "95 % CI", "Std. dev. over seeds", "Examples", "Seeds", "Metric")
    tables = [Table("Scores on the test examples", head, "lrrrrrl", rows)]
    if measured.differences:
        rows = tuple(_difference_row(difference) for difference in measured.differences)
        head = ("Task and model", "Points", "95 % CI, points", "Result", "Compared with", "Metric")
        tables.append(Table("Differences, paired over test examples", head, "lrrlll", rows))
    pictures = [
        plot for task in measured.tasks for plot in (size_plot(measured, task), time_plot(measured, task)) if plot
    ]
    return Section(
        "Tasks",
        text=tuple(
            sentence(difference)
            for candidate in measured.shipped
            for task in measured.tasks
            if (difference := measured.difference(task, candidate)) is not None
        ),
        pictures=tuple(pictures),
        tables=tuple(tables),
        notes=(
            "Scores are means over the seeds; 95 % CI is the confidence interval of a bootstrap over the test examples;"
            " points are percentage points. torch is the model in PyTorch; fp32 and int8 are the exported files.",
            PAIRED if measured.differences else UNPAIRED,
            *_left_out(measured),
        ),
    )


def size_plot(measured: Measured, task: str) -> Plot | None:
    """Return the score on a task against megabytes; None where fewer than two models have both."""
    return _plot(measured, task, "size", "MB", lambda c: None if c.bytes is None else c.bytes / 1e6)


def time_plot(measured: Measured, task: str) -> Plot | None:
    """Return the score on a task against milliseconds; None where fewer than two models have both."""
    return _plot(measured, task, "latency", "ms", lambda c: c.ms)


def _plot(
    measured: Measured, task: str, cost: str, unit: str, cost_of: Callable[[Candidate], float | None]
) -> Plot | None:
    found = [
        (candidate, at, score)
        for candidate in measured.candidates
        if (at := cost_of(candidate)) and (score := measured.score(task, candidate)) is not None
    ]
    if len(found) < 2:
        return None
    write = milliseconds if unit == "ms" else lambda at: megabytes(round(at * 1e6))
    metric = metric_words(found[0][2].metric)
    series = tuple(
        Series(
            candidate.name,
            measured.candidates.index(candidate),
            (
                Point(
                    at,
                    100 * score.value,
                    f"{write(at)} {unit}{' (computed)' if candidate.computed and unit == 'MB' else ''},"
                    f" {percent(score.value)}",
                    100 * score.low,
                    100 * score.high,
                ),
            ),
        )
        for candidate, at, score in found
    )
    heights = [100 * height for _, _, score in found for height in (score.low, score.value, score.high)]
    return Plot(
        f"{task}: {metric} against {cost}; up and to the left is better",
        log_axis(unit, [at for _, at, _ in found]),
        linear_axis(f"{metric}, %", heights),
        series,
        pareto_front([(at, 100 * score.value) for _, at, score in found]),
    )


def _left_out(measured: Measured) -> list[str]:
    """Say which scored models have no place in a picture, since their time or size was not measured."""
    known = {candidate.name: candidate for candidate in measured.candidates}
    first = measured.first
    named = dict.fromkeys(f"{s.model} {first if s.precision == 'torch' else s.precision}" for s in measured.scores)
    told = []
    for what, lacks in (("size", lambda c: c.bytes is None), ("latency", lambda c: c.ms is None)):
        without = [name for name in named if name not in known or lacks(known[name])]
        if without:
            told.append(f"Not in the plot against {what}, which was not measured of them: {', '.join(without)}.")
    if any(candidate.computed for candidate in measured.candidates):
        told.append("A size that is computed follows from the shape of the model; that file was not made.")
    if measured.timed:
        told.append(f"Latency: {measured.timed}; p50.")
    return told


def _score_row(score: Score) -> tuple[str, ...]:
    return (
        f"{score.task}: {score.name}",
        percent(score.value),
        interval(score.low, score.high),
        MISSING if score.deviation is None else f"{100 * score.deviation:,.2f}",
        count(score.n),
        count(score.seeds),
        metric_words(score.metric),
    )


def _difference_row(found: Difference) -> tuple[str, ...]:
    return (
        f"{found.task}: {found.name}",
        points(found.difference),
        f"{points(found.low)} to {points(found.high)}",
        verdict(found),
        found.baseline,
        metric_words(found.metric),
    )


def sentence(found: Difference) -> str:
    """Return a difference in words.

    Worked example: -0.0312 between -0.08 and 0.02 is `topic, student int8 against teacher fp32: no difference seen
    (macro F1 −3.12 points, 95 % CI −8.00 to +2.00).`
    """
    metric, bounds = metric_words(found.metric), f"{points(found.low)} to {points(found.high)}"
    return (
        f"{found.task}, {found.name} against {found.baseline}: {verdict(found)}"
        f" ({metric} {points(found.difference)} points, 95 % CI {bounds})."
    )
