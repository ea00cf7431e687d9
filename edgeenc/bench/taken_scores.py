"""Task scores of the models that are timed, taken from the bundles' own reports: nothing is scored again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from edgeenc.bench.subject import Subject
from edgeenc.errors import InputError
from edgeenc.record.form import parse
from edgeenc.record.scores import Difference, Score

REPORT = "report/report.json"
T = TypeVar("T")
BUILT = "student"
"""What a bundle's report calls the model that the bundle holds."""


@dataclass(frozen=True)
class BundleScores:
    """The part of a report that is read, one of an encoder has none; or that of all models by the names of rows."""

    tasks: tuple[Score, ...] = ()
    differences: tuple[Difference, ...] = ()


def read_scores(subjects: Sequence[Subject]) -> BundleScores:
    """Return what the bundles among `subjects` say of themselves and of the models that were scored beside them.

    The model that a bundle holds gets the name of its rows. A teacher or another step keeps its name where all bundles
    say the same of it on a task, and is listed once; else its name is put behind that of the bundle.

    Worked example: two students of one teacher, `a` and `b`, scored on one task: rows of `a`, `b` and `teacher`. With
    teachers that were tuned apart: `a`, `b`, `a teacher` and `b teacher`.

    Raises:
        InputError: a report is damaged.
    """
    found = {subject.name: report for subject in subjects if (report := _read(subject.folder)) is not None}
    tasks, differences = list[Score](), list[Difference]()
    for bundle, report in found.items():
        called = {(s.task, s.model): _called(s.task, s.model, bundle, found) for s in report.tasks}
        tasks += [replace(s, model=called[s.task, s.model], by_seed=()) for s in report.tasks]
        for one in report.differences:
            baseline, precision = one.baseline.rsplit(" ", 1)
            names = [called.get((one.task, model), model) for model in (one.model, baseline)]
            differences.append(replace(one, model=names[0], baseline=f"{names[1]} {precision}"))
    return BundleScores(_once(tasks), _once(differences))


def _called(task: str, model: str, bundle: str, found: Mapping[str, BundleScores]) -> str:
    if model == BUILT:
        return bundle
    said = {
        tuple(score for score in report.tasks if (score.task, score.model) == (task, model))
        for report in found.values()
    }
    return model if len(said - {()}) == 1 else f"{bundle} {model}"


def _once(rows: Sequence[T]) -> tuple[T, ...]:
    """Return the rows in their order, equal ones once."""
    return tuple(row for place, row in enumerate(rows) if row not in rows[:place])


def _read(folder: Path) -> BundleScores | None:
    """Return the report of a bundle, or None where the folder has none."""
    path = folder / REPORT
    if not path.is_file():
        return None
    try:
        return parse(BundleScores, path.read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(f"bench: {path} is not the report of a build ({error}); build it again") from None
