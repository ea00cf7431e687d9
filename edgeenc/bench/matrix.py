"""What is to be measured: every combination that was asked for, and why some of them cannot be run here."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass

from edgeenc.bench.subject import ONNX_NAMES, Subject
from edgeenc.errors import UsageError
from edgeenc.record.old_rows import Device, Precision, RuntimeName


@dataclass(frozen=True, slots=True)
class Ask:
    """What was asked for.

    Attributes:
        devices, runtimes, precisions, threads, batches: the values to combine.
        lengths: pieces a sentence; None stands for sentences at their own length.
        rounds: fresh processes of each combination.
        runs, seconds: at least so many samples, and so long, in each process.
    """

    devices: tuple[Device, ...] = ("cpu",)
    runtimes: tuple[RuntimeName, ...] = ("ort", "torch")
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
    runtime: RuntimeName
    device: Device
    precision: Precision
    threads: int
    batch: int
    length: int | None


@dataclass(frozen=True)
class Abilities:
    """What this machine can run: CUDA in each runtime, and a compiler for what PyTorch compiles."""

    ort_cuda: bool
    torch_cuda: bool
    compiler: bool


def abilities() -> Abilities:
    """Ask the runtimes of this installation."""
    import onnxruntime
    import torch

    return Abilities(
        ort_cuda="CUDAExecutionProvider" in onnxruntime.get_available_providers(),
        torch_cuda=torch.cuda.is_available(),
        compiler=any(shutil.which(name) for name in (os.environ.get("CXX", ""), "g++", "clang++", "c++") if name),
    )


def contests(subjects: Sequence[Subject], ask: Ask) -> list[tuple[Case, ...]]:
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


def obstacle(case: Case, able: Abilities) -> str:
    """Return why a case cannot be run, or "" where it can."""
    if case.runtime != "ort" and case.precision == "int8":
        return "int8 is a file of ONNX Runtime; PyTorch has none"
    if case.subject.file(case.runtime, case.precision) is None:
        return f"no file {ONNX_NAMES[case.precision]}" if case.runtime == "ort" else "no checkpoint in the folder"
    if case.length is not None and case.length > case.subject.shape.positions:
        return f"the model has {case.subject.shape.positions} positions"
    if case.runtime == "torch-compiled" and not able.compiler:
        return "PyTorch compiles with a C++ compiler, and none is installed"
    return _gpu_obstacle(case, able) if case.device == "cuda" else ""


def _gpu_obstacle(case: Case, able: Abilities) -> str:
    if case.runtime != "ort":
        return "" if able.torch_cuda else "PyTorch sees no CUDA device"
    if not able.ort_cuda:
        return "this ONNX Runtime has no CUDA provider"
    return "ONNX Runtime would run parts of an int8 graph on the CPU" if case.precision == "int8" else ""
