"""What a build was held against: gates that stop it, and baselines to beat, which are shown."""

from __future__ import annotations

from dataclasses import dataclass

MOST_TOKENS = 2048
"""Of the longest text that gates read: attention over 8,192 tokens would take gigabytes in each of three engines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """A baseline to beat: a value, and the threshold that it should be on the right side of."""

    name: str
    figure: float
    bound: float
    passed: bool


@dataclass(frozen=True, slots=True)
class Gate:
    """One check of the exported files: its value against its threshold.

    Attributes:
        name: which check, e.g. `int8 mean cosine`.
        figure: what was measured.
        bound: what was asked; whether at least or at most follows from `unit`.
        passed: whether the figure is on the right side; a figure that is not a number never is.
        unit: `largest difference` (at most), `cosine` or `share` (at least).
        worst: the sentence with the worst figure; may be empty.
    """

    name: str
    figure: float
    bound: float
    passed: bool
    unit: str
    worst: str | None
