"""What `edgeenc doctor` shows: whether this machine can build, and what will make it fast or slow."""

from __future__ import annotations

import importlib
import os
from dataclasses import replace
from pathlib import Path

from edgeenc.machine.describe import PACKAGES, describe, versions
from edgeenc.machine.disk import free_bytes
from edgeenc.machine.runtime import available_threads, has_bfloat16
from edgeenc.record.findings import Disk, Findings, RuntimeFound, Threads

NEEDED_BYTES = 1_500_000_000
"""A build of the starter recipe with its checkpoints and files takes less."""

NEEDED_MEMORY = 3_000_000_000
"""The peak of a build of the starter recipe."""

INT8_FLAGS = ("avx512_vnni", "avx_vnni", "amx_int8", "asimddp", "i8mm")
"""Any one of these multiplies and adds four int8 pairs in one instruction."""


def examine(store: Path) -> Findings:
    """Examine this machine and the disk of `store`, which need not exist; nothing is written."""
    settings = {name: os.environ[name] for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS") if name in os.environ}
    found = Findings(
        host=describe(),
        threads=Threads(available=available_threads(), environment=settings),
        bfloat16=has_bfloat16(),
        runtimes=(_runtime("torch"), _runtime("onnxruntime")),
        versions=versions(),
        disk=_disk(store),
    )
    return replace(found, notes=tuple(notes(found)), problems=tuple(problems(found)))


def notes(found: Findings) -> list[str]:
    """Return what a user should know about speed on this machine."""
    said = []
    if not set(found.host.flags) & set(INT8_FLAGS):
        said.append("this processor has no int8 dot product; int8 files are small here, but hardly faster")
    if not found.bfloat16:
        said.append("this processor has no bfloat16 products; training runs in float32, about half as fast")
    load, cores = found.host.load, found.threads.available
    if load is not None and load > 0.5 * cores:
        said.append(f"the load is {load:g} on {cores} cores: other programs are running, so timings will be too high")
    return said


def problems(found: Findings) -> list[str]:
    """Return what will stop a build on this machine, each with what to do."""
    said = [f"{runtime.name} cannot be loaded: {runtime.problem}" for runtime in found.runtimes if runtime.problem]
    missing = [name for name in PACKAGES if name not in found.versions and name != "edgeenc"]
    if missing:
        said.append(f"not installed: {', '.join(missing)}; run `pip install edgeenc` again")
    disk, memory = found.disk, found.host.memory_bytes
    if not disk.writable:
        said.append(f"the store {disk.store} is not writable; choose another with --store")
    if disk.free_bytes < NEEDED_BYTES:
        said.append(
            f"{disk.free_bytes / 1e9:.1f} GB free at {disk.store}, a build may need {NEEDED_BYTES / 1e9:.1f} GB;"
            " run `edgeenc store clean` or choose another disk with --store"
        )
    if memory is not None and memory < NEEDED_MEMORY:
        said.append(f"{memory / 1e9:.1f} GB of memory, a build may need {NEEDED_MEMORY / 1e9:.1f} GB")
    return said


def _runtime(name: str) -> RuntimeFound:
    """Load a library and ask what it runs on; one that is broken is reported, not raised."""
    try:
        module = importlib.import_module(name)
        if name == "onnxruntime":
            return RuntimeFound(name=name, providers=tuple(module.get_available_providers()))
        cards = [f"cuda: {module.cuda.get_device_name(i)}" for i in range(module.cuda.device_count())]
        return RuntimeFound(name=name, providers=("cpu", *cards))
    except (ImportError, OSError, RuntimeError, AttributeError) as error:
        first = (str(error) or type(error).__name__).splitlines()[0]
        return RuntimeFound(name=name, problem=first)


def _disk(store: Path) -> Disk:
    place = store.expanduser().absolute()
    nearest = next(path for path in (place, *place.parents) if path.exists())
    writable = nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)
    return Disk(store=str(place), free_bytes=free_bytes(place), writable=writable)
