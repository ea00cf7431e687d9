"""What is to be measured: every combination that was asked for, and why some of them cannot be run here."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from edgeenc.bench.engines import engines
from edgeenc.bench.settings import FORMATS, Device
from edgeenc.bench.subject import Subject
from edgeenc.errors import UsageError

CHECKPOINTS = "torch"
"""The runtime of a checkpoint, which every bundle is too."""


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
    precisions: tuple[str, ...] = ("fp32", "int8")
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
    precision: str
    threads: int
    batch: int
    length: int | None


def usual_runtimes(subjects: Sequence[Subject]) -> tuple[str, ...]:
    """Return the runtimes where none are asked for: those of the models' files, then PyTorch for their checkpoints."""
    return tuple(dict.fromkeys([*(subject.engine for subject in subjects), CHECKPOINTS]))


def usual_precisions(subjects: Sequence[Subject]) -> tuple[str, ...]:
    """Return the precisions where none are asked for: those of the models' targets, and that of checkpoints."""
    own = [name for subject in subjects for name in subject.target.names]
    return tuple(dict.fromkeys([*own, next(iter(FORMATS))]))


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
    engine, reads = engines()[case.runtime], case.subject.longest
    if lacks := engine.lacks(case.precision):
        return lacks
    if case.subject.file(case.runtime, case.precision) is None:
        return engine.no_file(case.precision)
    if case.length is not None and case.length > reads:
        return f"the model reads texts of {reads} tokens at most"
    return engine.hindrance(case.device, case.precision)
