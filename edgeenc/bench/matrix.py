"""What is to be measured: every combination that was asked for, and why some of them cannot be run here."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from edgeenc.bench.engines import engines
from edgeenc.bench.settings import Device, Precision
from edgeenc.bench.subject import Subject
from edgeenc.errors import UsageError


@dataclass(frozen=True, slots=True)
class Matrix:
    """What was asked for.

    Attributes:
        devices, runtimes, precisions, threads, batches: the values to combine.
        lengths: tokens a sentence; None stands for sentences at their own length.
        rounds: fresh processes of each combination.
        runs, seconds: at least so many samples, and so long, in each process.
    """

    devices: tuple[Device, ...] = ("cpu",)
    runtimes: tuple[str, ...] = ("ort", "torch")
    precisions: tuple[Precision, ...] = ("fp32", "int8")
    threads: tuple[int, ...] = (1,)
    batches: tuple[int, ...] = (1,)
    lengths: tuple[int | None, ...] = (16, 64, 128)
    rounds: int = 3
    runs: int = 10
    seconds: float = 1.0


@dataclass(frozen=True)
class Case:
    """One measurement: one model in one runtime at one shape of input."""

    subject: Subject
    runtime: str
    device: Device
    precision: Precision
    threads: int
    batch: int
    length: int | None


def contests(subjects: Sequence[Subject], ask: Matrix) -> list[tuple[Case, ...]]:
    """Return the cases in groups: those of a group have the same input and threads, and are compared with each other.

    Threads of the CPU say little about a GPU, which is measured at the first number of threads only.

    Raises:
        UsageError: a list of values is empty, or a number is out of range.
    """
    if not (subjects and ask.devices and ask.runtimes and ask.precisions and ask.threads and ask.batches):
        raise UsageError("bench: at least one model, device, runtime, precision, number of threads and batch is needed")
    if min(*ask.threads, *ask.batches, ask.rounds, ask.runs) < 1 or not ask.lengths:
        raise UsageError("bench: threads, batch, rounds and runs are whole numbers from 1")
    return [
        tuple(
            Case(subject, runtime, device, precision, threads, batch, length)
            for device, runtime, precision, subject in itertools.product(
                ask.devices, ask.runtimes, ask.precisions, subjects
            )
            if device == "cpu" or threads == ask.threads[0]
        )
        for threads, batch, length in itertools.product(ask.threads, ask.batches, ask.lengths)
    ]


def obstacle(case: Case) -> str:
    """Return why a case cannot be run on this machine, or "" where it can."""
    engine, positions = engines()[case.runtime], case.subject.shape.positions
    if case.precision in engine.lacks:
        return engine.lacks[case.precision]
    if case.subject.file(case.runtime, case.precision) is None:
        return engine.no_file(case.precision)
    if case.length is not None and case.length > positions:
        return f"the model has {positions} positions"
    return engine.hindrance(case.device, case.precision)
