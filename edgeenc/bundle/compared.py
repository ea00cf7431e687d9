"""What a comparison is made of: two bundles, and a line for each figure that both have."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edgeenc.record.facts import Facts
from edgeenc.report.measured import Candidate, Measured
from edgeenc.targets.target import target_of

LOW = 1e-12
"""Differences below this are rounding of binary fractions."""

Unit = Literal["bytes", "parameters", "ms", "bits", "share"]


@dataclass(frozen=True, slots=True)
class Line:
    """One figure of both bundles.

    Attributes:
        metric: what `--fail-if-worse` calls it: bytes, parameters, latency, bits, or the metric of a task.
        what: what it is, in words.
        unit: of `a`, `b` and `change`; `share` is from 0 to 1.
        change: b less a; of a paired score the paired difference.
        share: of latency, the time of b as a share of that of a on the same text, which noise moves less than p50.
        low, high: 95 % confidence interval of a paired score; of latency the quartiles of `share` over the texts.
        words: better, worse, equal, or `no difference seen`; `how` says how that is known.
    """

    metric: str
    what: str
    unit: Unit
    a: float
    b: float
    change: float
    words: str
    share: float | None = None
    low: float | None = None
    high: float | None = None
    how: str = ""

    @property
    def worse_by(self) -> float:
        """How much worse b is, in the unit; below 0 where it is better. More of a score is better, less of the rest."""
        if self.unit == "share":
            return -self.change
        return self.change if self.share is None else (self.share - 1) * self.a


@dataclass(frozen=True, slots=True)
class ComparedBundle:
    """A bundle as it is compared: its folder, its facts, and the model that it ships."""

    folder: Path
    facts: Facts
    measured: Measured
    shipped: Candidate

    @property
    def file(self) -> Path:
        """The file that it ships."""
        return self.folder / target_of(self.folder).precision(self.shipped.precision).path


def words(worse_by: float) -> str:
    """Return `better`, `worse` or `equal`."""
    return "equal" if abs(worse_by) < LOW else "worse" if worse_by > 0 else "better"


def stored(metric: str, what: str, unit: Unit, a: float, b: float) -> Line:
    """Return the line of a figure that both reports have; less is better."""
    return Line(metric, what, unit, a, b, b - a, words(b - a))
