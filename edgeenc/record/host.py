"""The machine that a figure comes from; a figure without it says nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from edgeenc.record.form import SPARE


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """A machine; what the system does not tell is None.

    Attributes:
        cpu, architecture, flags: processor, and the instruction sets that decide how fast products are.
        cores, cores_of_machine: those that this process may use, and all.
        system, python: names with versions.
        memory_bytes: that this process may use.
        load: one-minute average; near `cores` before a measurement, something else was running.
    """

    cpu: str
    architecture: str
    flags: tuple[str, ...]
    cores: int
    cores_of_machine: int
    system: str
    python: str
    memory_bytes: int | None = field(default=None, metadata=SPARE)
    load: float | None = field(default=None, metadata=SPARE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """A graphics processor as its driver and PyTorch tell of it."""

    name: str
    memory_bytes: int
    driver: str | None
    cuda: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Peak:
    """The highest rates that this machine reached, in a fresh process, on one device at one number of threads.

    Attributes:
        gflops: 10^9 operations per second of a large square product, by precision and then by library; `int8` counts
            whole-number operations.
        copy_gbytes_per_s: 10^9 bytes, those read and those written, of a copy that no cache holds.
    """

    device: str
    threads: int
    gflops: Mapping[str, Mapping[str, float]]
    copy_gbytes_per_s: float
