"""The answer that stands at the top: how large, how much faster, and how much of the teacher's score is kept."""

from __future__ import annotations

from collections.abc import Iterator

from edgeenc.record.scores import Difference, Score, metric_words
from edgeenc.report.draw.numbers import interval, megabytes, milliseconds, percent, times
from edgeenc.report.finding import finds, unbeaten
from edgeenc.report.kept import keeps, kept_bounds, verdict
from edgeenc.report.measured import TEACHER, Candidate, Measured


def answer(measured: Measured, candidate: Candidate) -> str:
    """Return the answer of one model, without its full stop.

    Worked example: 3.08 MB, 0.2 of the teacher's time, macro F1 0.80 against 0.84 with a paired difference of -0.04
    between -0.09 and 0.01: `int8 student: 3.08 MB, 5.0 times as fast as the teacher, keeps 95.24 % of the teacher's
    macro F1 on topic (95 % CI 89.29 to 101.19 %, of the paired difference: no difference seen)`.
    """
    rough = " (roughly: the rounds differ widely)" if candidate.rough else ""
    parts = [f"{megabytes(candidate.bytes)} MB"] if candidate.bytes is not None else []
    if candidate.share:
        parts.append(f"{times(candidate.share)} times as fast as the teacher{rough}")
    elif candidate.ms is not None:
        parts.append(f"{milliseconds(candidate.ms)} ms a run{rough}")
    parts += kept(measured, candidate)
    if measured.facts is not None and measured.facts.vectors is not None:
        found = measured.facts.vectors
        parts += filter(None, (finds(found, candidate.name), unbeaten(found, candidate.name)))
    return f"{candidate.precision} {candidate.model}: {', '.join(parts) or 'nothing was measured'}"


def kept(measured: Measured, candidate: Candidate) -> list[str]:
    """Return for each task how a model stands to the teacher, in words that hold whichever of the two is better."""
    teacher = Candidate(TEACHER, measured.first)
    scores = ((measured.score(task, candidate), measured.score(task, teacher), task) for task in measured.tasks)
    return [
        _kept(score, base, measured.difference(task, candidate)) for score, base, task in scores if score is not None
    ]


def task_tiles(measured: Measured, candidate: Candidate) -> Iterator[tuple[str, str, str]]:
    """Yield name, value and meaning of a model's score on each task, with the teacher's beside it."""
    for task in measured.tasks:
        score, difference = measured.score(task, candidate), measured.difference(task, candidate)
        teacher = measured.score(task, Candidate(TEACHER, measured.first))
        if score is not None:
            told = [candidate.name, *([f"teacher {percent(teacher.value)}"] if teacher else [])]
            told += [] if difference is None else [verdict(difference)]
            name = f"{metric_words(score.metric)} on {task}"
            yield f"{name[0].upper()}{name[1:]}", percent(score.value), "; ".join(told)


def _kept(score: Score, teacher: Score | None, difference: Difference | None) -> str:
    """Return the words for one task."""
    measure = f"{metric_words(score.metric)} on {score.task}"
    if teacher is None or teacher.value <= 0:
        return f"{percent(score.value)} {measure} (95 % CI {interval(score.low, score.high)})"
    whole = teacher.value
    said = f"{keeps(score.value, whole)} {measure}"
    if difference is None:
        bounds = f"{interval(score.low, score.high)} and {interval(teacher.low, teacher.high)}"
        pair = f"{percent(score.value)} against {percent(whole)}"
        return f"{said} ({pair}, 95 % CIs {bounds}; not compared example by example)"
    return f"{said} ({kept_bounds(whole, difference)})"
