"""What `edgeenc doctor` finds: whether a machine can build, and what will make it fast or slow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edgeenc.record.host import Host


@dataclass(frozen=True, slots=True, kw_only=True)
class Threads:
    """How many threads a build takes, and the variables that change it."""

    available: int
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeFound:
    """A library that runs models; `providers` is what it can run them on, `problem` why it cannot be loaded."""

    name: str
    providers: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """The disk of the store."""

    store: str
    free_bytes: int
    writable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """Everything that is found; `notes` are worth knowing, `problems` will stop a build."""

    host: Host
    threads: Threads
    bfloat16: bool
    runtimes: tuple[RuntimeFound, ...]
    versions: Mapping[str, str]
    disk: Disk
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
