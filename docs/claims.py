"""The tables of the published claim on a real teacher: what benchmarks/claim.py keeps, and whether the goals hold."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgeenc.record.form import parse
from edgeenc.record.scores import Score, metric_words
from edgeenc.report.draw.numbers import MISSING, count, percent, points, tenths

Table = Callable[[Sequence[str], Iterable[Sequence[str]]], list[str]]

ROWS = ("teacher", "trim-only", "published", "ours", "random")
WORDS = {
    "teacher": "teacher",
    "trim-only": "trim-only",
    "published": "published order and settings",
    "ours": "ours",
    "random": "our shape from random weights",
}
MOST_RELATIVE, MOST_OF_PUBLISHED, STRICT_SIZE = 0.04, 0.5, "92"
"""The goals: at most so much of the teacher's mean at that size, at most so much of what the published recipe loses."""


@dataclass(frozen=True, slots=True)
class ClaimRun:
    """A run as benchmarks/claim.py keeps it, as far as it is shown; its fields are explained there."""

    language: str
    system: str
    task: str
    set: str
    tasks: tuple[Score, ...]
    parameters: int
    smaller: float
    bytes: Mapping[str, int | None]
    trained: int

    @property
    def size(self) -> str:
        """The size that the system's name ends with."""
        return self.system.rpartition("-")[2]

    @property
    def way(self) -> str:
        """What the system is called whatever its size: `ours`, `published`, `random`."""
        return self.system.rpartition("-")[0]

    def score(self, model: str, precision: str) -> Score | None:
        """Return the score of a model of the run, where it has one."""
        found = (one for one in self.tasks if (one.model, one.precision) == (model, precision))
        return next(found, None)


@dataclass(frozen=True, slots=True)
class Group:
    """All runs of one language at one size.

    Attributes:
        shared: all runs of the language: teacher and trim-only are tuned once, and count at every size.
    """

    language: str
    size: str
    runs: tuple[ClaimRun, ...]
    shared: tuple[ClaimRun, ...]

    @property
    def sets(self) -> tuple[str, ...]:
        """The sets that were run, in the order of the language's runs."""
        return tuple(dict.fromkeys(run.set for run in self.runs))

    def score(self, row: str, name: str, precision: str = "torch") -> Score | None:
        """Return the score of a row on a set."""
        if row in ("teacher", "trim-only"):
            found = [run.score(row, precision) for run in self.shared if run.set == name]
        else:
            found = [run.score("student", precision) for run in self.runs if run.set == name and run.way == row]
        return next((score for score in found if score is not None), None)

    def mean(self, row: str, precision: str = "torch") -> float | None:
        """Return the mean over all sets of the group; None where a row lacks one of them."""
        scores = [score for name in self.sets if (score := self.score(row, name, precision)) is not None]
        return sum(score.value for score in scores) / len(scores) if len(scores) == len(self.sets) else None

    def loss(self, row: str) -> float | None:
        """Return how far the mean lies below the teacher's, as a share of 1."""
        teacher, own = self.mean("teacher"), self.mean(row)
        return None if teacher is None or own is None else teacher - own

    def relative(self, row: str) -> float | None:
        """Return the loss as a share of the teacher's mean."""
        teacher, loss = self.mean("teacher"), self.loss(row)
        return None if not teacher or loss is None else loss / teacher

    def run(self, row: str) -> ClaimRun | None:
        """Return one of the runs of a student's row, which have all the same student."""
        return next((run for run in self.runs if run.way == row), None)


def claim_lines(table: Table, path: Path | None) -> list[str]:
    """Return a table for each language and size of the raw file, after one sentence on the goals."""
    if path is None:
        return []
    groups = groups_of(parse(tuple[ClaimRun, ...], path.read_bytes()))
    note = (
        f"`{path.name}`. Per cent on test items with their 95 % confidence interval (bootstrap), one seed,"
        " PyTorch float32; smaller: parameters, against multilingual-e5-small with its whole vocabulary. Published:"
        " arXiv:2505.16956. Loss: the teacher's mean less the row's, in points and as a share of the teacher's mean.\n"
    )
    lines = [note, f"{verdict(groups)}\n"]
    for group in groups:
        lines += [f"### {group.language}, {group.size} % smaller\n", *table(_head(group), _rows(group)), ""]
    return lines[:-1]


def groups_of(runs: Sequence[ClaimRun]) -> list[Group]:
    """Return the runs by language and size, the smallest students first."""
    found: list[Group] = []
    for language in sorted({run.language for run in runs}, key=lambda one: (one != "tl", one)):
        shared = tuple(run for run in runs if run.language == language)
        for size in sorted({run.size for run in shared}, reverse=True):
            found.append(Group(language, size, tuple(run for run in shared if run.size == size), shared))
    return found


def verdict(groups: Sequence[Group]) -> str:
    """Return the sentence that says whether the two goals hold, and with which figures."""
    halves = "; ".join(f"{group.language} at {group.size} % {_half(group)}" for group in groups)
    strict = [group for group in groups if group.size == STRICT_SIZE]
    small = "; ".join(f"{group.language} {_small(group)}" for group in strict) or "not measured"
    return (
        f"Goal 1, ours loses at most half of what the published recipe loses in the mean: {halves}. Goal 2, ours loses"
        f" at most {percent(MOST_RELATIVE)} of the teacher's mean at {STRICT_SIZE} %: {small}."
    )


def _half(group: Group) -> str:
    own, other = group.loss("ours"), group.loss("published")
    if own is None or other is None:
        return "not measured"
    held = own <= (MOST_OF_PUBLISHED * other if other > 0 else other)
    return f"{_word(held)} ({points(own)} of {points(other)} points)"


def _small(group: Group) -> str:
    share = group.relative("ours")
    return "not measured" if share is None else f"{_word(share <= MOST_RELATIVE)} ({percent(share)})"


def _word(held: bool) -> str:
    return "holds" if held else "does not hold"


def _head(group: Group) -> list[str]:
    shown: list[str] = []
    for name in group.sets:
        score = group.score("teacher", name)
        shown.append(f"{name}, {metric_words(score.metric)}" if score else name)
    return ["", "parameters", "smaller", "training tokens", *shown, "mean", "loss, points", "loss, relative",
            "mean of int8", "int8 MB"]  # fmt: skip


def _rows(group: Group) -> list[list[str]]:
    return [_row(group, row) for row in ROWS]


def _row(group: Group, row: str) -> list[str]:
    run, mean, loss = group.run(row), group.mean(row), group.loss(row)
    size = [count(run.parameters), percent(run.smaller), count(run.trained)] if run else [MISSING] * 3
    small, int8 = run.bytes.get("int8") if run else None, group.mean(row, "int8") if run else None
    return [
        WORDS[row],
        *size,
        *(_cell(group.score(row, name)) for name in group.sets),
        MISSING if mean is None else tenths(mean),
        MISSING if row == "teacher" else points(loss),
        MISSING if row == "teacher" else percent(group.relative(row)),
        MISSING if int8 is None else tenths(int8),
        MISSING if small is None else f"{small / 1e6:.2f}",
    ]


def _cell(score: Score | None) -> str:
    return "not run" if score is None else f"{tenths(score.value)} ({tenths(score.low)} to {tenths(score.high)})"
