"""The one way each kind of number is written: in reports, on model cards and on the screen."""

from __future__ import annotations

MISSING = "–"
"""Stands for a figure that was not measured, never for 0."""


def count(number: int | None) -> str:
    """Write a count: ``12634112`` is ``12,634,112``."""
    return MISSING if number is None else f"{number:,}"


def millions(number: int) -> str:
    """Write parameters for a picture: ``12634112`` is ``12.63 M``."""
    return f"{number / 1e6:,.2f} M"


def megabytes(size: int | None) -> str:
    """Write bytes as megabytes of a million bytes, without the unit: ``3141592`` is ``3.14``."""
    return MISSING if size is None else f"{size / 1e6:,.2f}"


def percent(share: float | None) -> str:
    """Write a share: ``0.9381`` is ``93.81 %``."""
    return MISSING if share is None else f"{100 * share:,.2f} %"


def tenths(share: float) -> str:
    """Write a share in per cent with one decimal, without the unit: ``0.8412`` is ``84.1``."""
    return f"{100 * share:,.1f}"


def asked(share: float) -> str:
    """Write a share as a user wrote it, without needless digits: ``0.8`` is ``80 %``, ``0.125`` is ``12.5 %``."""
    return f"{100 * share:g} %"


def points(difference: float | None) -> str:
    """Write a difference of two shares in points, with its sign: ``-0.0213`` is ``−2.13``, ``0.004`` is ``+0.40``."""
    if difference is None:
        return MISSING
    text = f"{100 * abs(difference):,.2f}"
    sign = "" if text == "0.00" else "+" if difference > 0 else "−"
    return f"{sign}{text}"


def interval(low: float, high: float) -> str:
    """Write an interval of a share: ``0.771`` and ``0.8692`` are ``77.10 to 86.92 %``."""
    return f"{100 * low:,.2f} to {percent(high)}"


def whole_interval(low: float, high: float) -> str:
    """Write an interval of a share in a sentence: ``0.5814`` and ``0.6417`` are ``58 to 64 %``."""
    return f"{100 * low:,.0f} to {100 * high:,.0f} %"


def correlation(value: float) -> str:
    """Write a correlation or another figure up to 1: ``0.85924`` is ``0.859``, ``-0.0273`` is ``−0.027``."""
    text = f"{abs(value):.3f}"
    return f"−{text}" if value < 0 and float(text) else text


def times(share: float | None) -> str:
    """Write a share of another's time as a speed: ``0.2`` is ``5.0``, to be followed by "times as fast"."""
    return MISSING if not share else f"{1 / share:,.1f}"


def rare(share: float | None) -> str:
    """Write a share that is near zero: ``0.00012`` is ``0.012 %``."""
    return MISSING if share is None else f"{100 * share:,.3f} %"


def bits(value: float | None) -> str:
    """Write bits per character, without the unit: ``1.98765`` is ``1.988``."""
    return MISSING if value is None else f"{value:,.3f}"


def milliseconds(value: float | None) -> str:
    """Write milliseconds, without the unit: ``2.41349`` is ``2.413``."""
    return MISSING if value is None else f"{value:,.3f}"


def rate(value: float | None) -> str:
    """Write a number per second: ``1234.567`` is ``1,234.6``."""
    return MISSING if value is None else f"{value:,.1f}"


def seconds(value: float) -> str:
    """Write seconds, without the unit: ``1234.56`` is ``1,234.6``."""
    return f"{value:,.1f}"


def duration(value: float) -> str:
    """Write a duration with its units: ``75.2`` is ``1 min 15 s``, ``9.4`` is ``9 s``."""
    minutes, rest = divmod(round(value), 60)
    return f"{minutes:,} min {rest} s" if minutes else f"{rest} s"


def clock(value: float) -> str:
    """Write a time as minutes and seconds: ``75`` is ``1:15``."""
    return f"{int(value) // 60}:{int(value) % 60:02d}"


def ratio(value: float | None) -> str:
    """Write a ratio: ``0.12345`` is ``0.123``."""
    return MISSING if value is None else f"{value:,.3f}"


def figure(value: float | None) -> str:
    """Write the figure of a gate, whose size is not known beforehand: four decimals, or two digits and a power of ten.

    Worked example: ``0.99987`` is ``0.9999``, ``3.14e-06`` is ``3.1e-6``, ``0.0`` is ``0``, ``12`` is ``12``.
    """
    if value is None:
        return MISSING
    if float(value).is_integer():
        return f"{int(value):,}"
    if abs(value) < 1e-3:
        mantissa, power = f"{value:.1e}".split("e")
        return f"{mantissa}e{int(power)}"
    return f"{value:,.4f}"
