"""The conditions of a measurement in words: runtime and device as their makers call them, threads, batch, length."""

from __future__ import annotations

from edgeenc.bench.engines import engines
from edgeenc.bench.settings import DEVICES
from edgeenc.record.rows import Condition


def runtime_words(condition: Condition) -> str:
    """Name the runtime as its makers do; one that is not known by its own name."""
    known = engines()
    return known[condition.runtime].words if condition.runtime in known else condition.runtime


def device_words(condition: Condition) -> str:
    """Name the device in words."""
    return DEVICES.get(condition.device, condition.device)


def place_words(condition: Condition) -> str:
    """Say in words all but the length."""
    threads = f"{condition.threads} thread{'' if condition.threads == 1 else 's'}"
    return f"{runtime_words(condition)}, {device_words(condition)}, {threads}, batch {condition.batch}"


def condition_words(condition: Condition) -> str:
    """Say the whole condition in words."""
    length = condition.seq_len
    return f"{place_words(condition)}, {f'{length} tokens a sentence' if length else 'sentences at their own length'}"


def plainness(condition: Condition) -> tuple[int, ...]:
    """Return what conditions are sorted by, the plainest first: runtime, device, batch, threads, length."""
    runtime, device = _place(condition.runtime, tuple(engines())), _place(condition.device, tuple(DEVICES))
    return runtime, device, condition.batch, condition.threads, condition.seq_len or 0


def _place(name: str, order: tuple[str, ...]) -> int:
    return order.index(name) if name in order else len(order)
