"""How much of its teacher's score a model keeps, in words, with the interval of the paired difference."""

from __future__ import annotations

from edgeenc.record.scores import Difference
from edgeenc.report.draw.numbers import interval, percent

NOTHING_SEEN = "no difference seen"


def verdict(difference: Difference) -> str:
    """Return `better`, `worse`, or `no difference seen` where the confidence interval contains 0."""
    if not difference.seen:
        return NOTHING_SEEN
    return "better" if difference.difference > 0 else "worse"


def keeps(value: float, teacher: float) -> str:
    """Say what share of a teacher's score, above 0, is kept: `keeps 95.24 % of the teacher's`; above it `reaches`."""
    share = value / teacher
    return f"{'keeps' if share <= 1 else 'reaches'} {percent(share)} of the teacher's"


def kept_interval(teacher: float, difference: Difference) -> tuple[float, float]:
    """Return the interval of the share that is kept: that of the paired difference, put upon the teacher's score.

    The share has no bootstrap of its own, so that a sentence and a table of differences never say two things.

    Worked example: a teacher of 0.84, and a difference between -0.09 and 0.01: 0.8929 to 1.0119.
    """
    return 1 + difference.low / teacher, 1 + difference.high / teacher


def kept_bounds(teacher: float, difference: Difference) -> str:
    """Say it: `95 % CI 89.29 to 101.19 %, of the paired difference: no difference seen`."""
    return f"95 % CI {interval(*kept_interval(teacher, difference))}, of the paired difference: {verdict(difference)}"
