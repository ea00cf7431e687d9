"""What a reader chooses by, whatever measured it: models with their size, time, memory and scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from edgeenc.record.facts import Facts
from edgeenc.record.host import Host, Peak
from edgeenc.record.rows import BenchHost, Row
from edgeenc.record.scores import Difference, Score
from edgeenc.targets.target import default_target

FIRST = default_target().first.name
"""The precision that a model in PyTorch has too, where no target says otherwise."""
TEACHER = "teacher"
TRIM_ONLY = "trim-only"


@dataclass(frozen=True, slots=True)
class Candidate:
    """One model in one precision.

    Attributes:
        bytes: of the file; `computed` tells that it follows from the shape, since no such file was made.
        ms: p50 of one sentence (of one batch, where the condition has larger ones).
        share: its time as a share of the teacher's.
        rough: the rounds of its time differ too widely to conclude from it.
        peak_bytes: highest memory of the process, less that of the interpreter with its runtime.
    """

    model: str
    precision: str
    bytes: int | None = None
    computed: bool = False
    ms: float | None = None
    share: float | None = None
    rough: bool = False
    peak_bytes: int | None = None

    @property
    def name(self) -> str:
        """Model and precision in one, such as `student int8`."""
        return f"{self.model} {self.precision}"


@dataclass(frozen=True, slots=True)
class Measured:
    """Everything that one folder tells.

    Attributes:
        name: of the language, or of the folder.
        host: where the times were taken.
        candidates: from the largest file to the smallest.
        first: the precision that a model in PyTorch has too, and the teacher's file.
        timed: how the times of the candidates were taken, in words; empty where there are none.
        rows: measurements of `edgeenc bench`.
        facts: what a build says of itself; None for a benchmark alone.
    """

    name: str
    host: Host | BenchHost
    candidates: tuple[Candidate, ...]
    first: str = FIRST
    scores: tuple[Score, ...] = ()
    differences: tuple[Difference, ...] = ()
    timed: str = ""
    rows: tuple[Row, ...] = ()
    facts: Facts | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    peaks: tuple[Peak, ...] = ()

    @property
    def tasks(self) -> tuple[str, ...]:
        """Names of the tasks in the order of the source."""
        return tuple(dict.fromkeys(score.task for score in self.scores))

    def score(self, task: str, candidate: Candidate) -> Score | None:
        """Return the score of a candidate's exported file; the first may also have been scored in PyTorch alone."""
        same = (score for score in self.scores if (score.task, score.model) == (task, candidate.model))
        found = {score.precision: score for score in same}
        return found.get(candidate.precision) or (found.get("torch") if candidate.precision == self.first else None)

    def difference(self, task: str, candidate: Candidate) -> Difference | None:
        """Return the paired difference between a candidate and the teacher."""
        for found in self.differences:
            asked = (found.task, found.model, found.precision, found.baseline.split()[0])
            if asked == (task, candidate.model, candidate.precision, TEACHER):
                return found
        return None

    @property
    def teacher(self) -> Candidate | None:
        """The teacher in the first precision."""
        return next((c for c in self.candidates if (c.model, c.precision) == (TEACHER, self.first)), None)

    @property
    def shipped(self) -> tuple[Candidate, ...]:
        """The smallest file of every model that is neither the teacher nor merely trimmed; of known sizes if any is."""
        smallest: dict[str, Candidate] = {}
        for candidate in self.candidates:
            found = smallest.get(candidate.model)
            unsized = candidate.bytes is None and found is not None and found.bytes is not None
            if candidate.model not in (TEACHER, TRIM_ONLY) and not unsized:
                smallest[candidate.model] = candidate
        return tuple(smallest.values())
