"""Pictures of points and lines as values: axes with round ticks, series, and the front that no other point beats."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

MOST_TICKS = 6
"""So many labels fit side by side on a phone of 360 pixels."""


@dataclass(frozen=True, slots=True)
class Axis:
    """One direction of a plot; `low` and `high` are its first and last tick.

    Attributes:
        label: what is shown, with its unit.
        ticks: values with a line and a label, rising.
        log: whether equal steps are equal factors.
    """

    label: str
    ticks: tuple[float, ...]
    log: bool = False

    def place(self, value: float) -> float:
        """Return where `value` lies, from 0 at the first tick to 1 at the last.

        Worked example: on a log axis from 1 to 100, 10 lies at 0.5; on a linear one from 0 to 40, 10 lies at 0.25.
        """
        low, high = self.ticks[0], self.ticks[-1]
        if self.log:
            value, low, high = math.log(value), math.log(low), math.log(high)
        return (value - low) / (high - low)


@dataclass(frozen=True, slots=True)
class Point:
    """A value at a place, with its interval where it has one; `text` is both in words."""

    x: float
    y: float
    text: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """Points of one colour and one shape, both chosen by `tone`; those of a line are joined in their order."""

    label: str
    tone: int
    points: tuple[Point, ...]
    joined: bool = False


@dataclass(frozen=True, slots=True)
class Plot:
    """Series over two axes.

    Attributes:
        title: what is shown.
        front: the corners of the Pareto front, from left to right; empty where there is none to show.
    """

    title: str
    x: Axis
    y: Axis
    series: tuple[Series, ...]
    front: tuple[tuple[float, float], ...] = ()

    @property
    def description(self) -> str:
        """The picture in words, for readers who do not see it."""
        return "; ".join(f"{s.label}: {', '.join(point.text for point in s.points)}" for s in self.series)


def linear_axis(label: str, values: Sequence[float]) -> Axis:
    """Return an axis around `values` whose ticks are 1, 2 or 5 times a power of ten apart.

    Worked example: 71 to 88 need steps of 5: 70, 75, 80, 85, 90. One value stands in the middle: 4 is shown from 3
    to 5.
    """
    low, high = min(values), max(values)
    if low == high:
        half = abs(low) / 4 or 1.0
        low, high = low - half, high + half
    step = _step((high - low) / (MOST_TICKS - 2))  # two more for the rounding at both ends
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return Axis(label, tuple(_tick(number * step) for number in range(first, last + 1)))


def log_axis(label: str, values: Sequence[float]) -> Axis:
    """Return a log axis around positive `values` with ticks at 1, 2 and 5 times powers of ten.

    Worked example: 3.1 to 50.2 give 2, 5, 10, 20, 50, 100. Where that is more than six, powers of ten alone stand.
    """
    for digits in ((1, 2, 5), (1,)):
        low, high = (math.floor(math.log10(value)) for value in (min(values), max(values)))
        every = [_tick(digit * 10.0**power) for power in range(low - 1, high + 2) for digit in digits]
        first = max(i for i, tick in enumerate(every) if tick <= min(values))
        last = min(i for i, tick in enumerate(every) if tick >= max(values))
        ticks = every[first : max(last, first + 1) + 1]
        if len(ticks) <= MOST_TICKS:
            break
    return Axis(f"{label} (log scale)", tuple(ticks), log=True)


def pareto_front(points: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """Return the points that no other one beats, from left to right: a smaller x (cost) and a larger y are better.

    Worked example: of (50, 85), (20, 85), (10, 80), (12, 70) and (3, 79), (50, 85) costs more than (20, 85) for
    nothing, (12, 70) more than (10, 80); so (3, 79), (10, 80), (20, 85) are left.
    """
    kept: list[tuple[float, float]] = []
    for x, y in sorted(set(points), key=lambda point: (point[0], -point[1])):
        if not kept or y > kept[-1][1]:
            kept.append((x, y))
    return tuple(kept)


def tick_text(value: float) -> str:
    """Write a tick without needless digits: ``20.0`` is ``20``, ``0.5`` is ``0.5``, ``2000.0`` is ``2,000``."""
    return f"{value:,.10f}".rstrip("0").rstrip(".")


def _step(least: float) -> float:
    """Return the smallest of 1, 2, 5 times a power of ten that is not below `least`."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(digit * power for digit in (1, 2, 5, 10) if digit * power >= least * (1 - 1e-9))


def _tick(value: float) -> float:
    """Return `value` without the dust of binary fractions: 0.30000000000000004 is 0.3."""
    return float(f"{value:.10g}")
