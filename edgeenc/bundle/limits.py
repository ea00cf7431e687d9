"""What `--fail-if-worse metric:amount` asks of a comparison."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgeenc.bundle.compared import Line, Unit
from edgeenc.errors import GateError, UsageError
from edgeenc.report.draw.numbers import count, megabytes, milliseconds, percent, points, ratio

UNITS: dict[Unit, tuple[str, float]] = {
    "bytes": ("bytes", 1.0),
    "parameters": ("parameters", 1.0),
    "ms": ("ms", 1.0),
    "bits": ("bits per character", 1.0),
    "share": ("points", 100.0),
}
"""How the amount of a limit is counted, and how often it goes into a figure of 1."""


@dataclass(frozen=True, slots=True)
class Limit:
    """By how much a metric may be worse: in its own unit, or as a share of what A has."""

    metric: str
    amount: float
    relative: bool
    text: str


def parse_limit(text: str) -> Limit:
    """Read `metric:amount`; an amount with a per cent sign is a share of A's figure.

    Worked example: `macro_f1:2` allows 2 points less, `bytes:5%` a file 5 % larger, `latency:0.5` half a millisecond.

    Raises:
        UsageError: it is not of this form, or the amount is below 0.
    """
    metric, colon, amount = text.partition(":")
    try:
        number = float(amount.strip().removesuffix("%"))
    except ValueError:
        number = -1.0
    if not metric or not colon or not 0 <= number < float("inf"):
        raise UsageError(
            f"--fail-if-worse {text}: expected metric:amount, such as macro_f1:2 (points), bytes:5% or latency:0.5 (ms)"
        )
    return Limit(metric.strip(), number, amount.strip().endswith("%"), text)


def require(lines: Sequence[Line], limits: Sequence[Limit]) -> None:
    """Hold a comparison against its limits; a metric of several tasks is held on each of them.

    What counts is the figure, also where no difference is seen: an amount below the noise fails by chance.

    Raises:
        UsageError: a metric is not among those that both bundles have.
        GateError: B is worse than A by more than a limit allows; every such figure is named.
    """
    known = dict.fromkeys(line.metric for line in lines)
    for limit in limits:
        if limit.metric not in known:
            raise UsageError(f"--fail-if-worse {limit.text}: both bundles have {', '.join(known)}; name one of these")
    broken = [
        f"{line.what}: {write(line, line.a)} became {write(line, line.b)}, worse by {_by(line, limit)}; allowed"
        f" {limit.text}{f' ({line.words})' if line.low is not None and line.words != 'worse' else ''}"
        for limit in limits
        for line in lines
        if line.metric == limit.metric and _exceeded(line, limit)
    ]
    if broken:
        raise GateError("; ".join(broken))


def write(line: Line, figure: float) -> str:
    """Write a figure of a line with its unit."""
    if line.unit == "bytes":
        return f"{megabytes(round(figure))} MB"
    if line.unit == "ms":
        return f"{milliseconds(figure)} ms"
    if line.unit == "share":
        return percent(figure)
    return ratio(figure) if line.unit == "bits" else count(round(figure))


def write_change(line: Line) -> str:
    """Write the change from A to B with its interval where it has one.

    Worked example: 3 to 2.7 MB is `−10.00 %`; a score 0.02 lower, between 0.05 lower and 0.01 higher, is `−2.00 points
    (−5.00 to +1.00)`; 0.9 of the time is `0.900 of the time (0.880 to 0.930)`.
    """
    bounds = line.low is not None and line.high is not None
    if line.share is not None:
        return f"{ratio(line.share)} of the time" + (f" ({ratio(line.low)} to {ratio(line.high)})" if bounds else "")
    if line.unit == "share":
        return f"{points(line.change)} points" + (f" ({points(line.low)} to {points(line.high)})" if bounds else "")
    return f"{points(line.change / line.a)} %" if line.a else ""


def _exceeded(line: Line, limit: Limit) -> bool:
    most = limit.amount / 100 * line.a if limit.relative else limit.amount / UNITS[line.unit][1]
    return line.worse_by > most + 1e-9 * abs(line.a)


def _by(line: Line, limit: Limit) -> str:
    if limit.relative:
        return percent(line.worse_by / line.a)
    name, factor = UNITS[line.unit]
    worse = factor * line.worse_by
    return f"{worse:,.0f} {name}" if line.unit in ("bytes", "parameters") else f"{worse:,.3f} {name}"
