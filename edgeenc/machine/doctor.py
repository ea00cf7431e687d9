"""What `edgeenc doctor` shows: whether this machine can build, and what will make it fast or slow."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import TypedDict

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from edgeenc.machine.describe import PACKAGES, describe, versions
from edgeenc.machine.disk import free_bytes
from edgeenc.machine.runtime import available_threads, has_bfloat16
from edgeenc.record.form import Json, spelled

NEEDED_BYTES = 1_500_000_000
"""A build of the starter recipe with its checkpoints and files takes less."""

NEEDED_MEMORY = 3_000_000_000
"""The peak of a build of the starter recipe."""

INT8_FLAGS = ("avx512_vnni", "avx_vnni", "amx_int8", "asimddp", "i8mm")
"""Any one of these multiplies and adds four int8 pairs in one instruction."""


class Threads(TypedDict):
    """How many threads a build takes, and the variables that change it."""

    available: int
    environment: dict[str, str]


class RuntimeFound(TypedDict):
    """A library that runs models; `providers` is what it can run them on, `problem` why it cannot be loaded."""

    name: str
    providers: list[str]
    problem: str


class Disk(TypedDict):
    """The disk of the store."""

    store: str
    free_bytes: int
    writable: bool


class Findings(TypedDict):
    """Everything `examine` finds; `notes` are worth knowing, `problems` will stop a build."""

    host: dict[str, Json]
    threads: Threads
    bfloat16: bool
    runtimes: list[RuntimeFound]
    versions: dict[str, str]
    disk: Disk
    notes: list[str]
    problems: list[str]


def examine(store: Path) -> Findings:
    """Examine this machine and the disk of `store`, which need not exist; nothing is written."""
    settings = {name: os.environ[name] for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS") if name in os.environ}
    found = Findings(
        host=spelled(describe()),
        threads=Threads(available=available_threads(), environment=settings),
        bfloat16=has_bfloat16(),
        runtimes=[_runtime("torch"), _runtime("onnxruntime")],
        versions=versions(),
        disk=_disk(store),
        notes=[],
        problems=[],
    )
    found["notes"].extend(notes(found))
    found["problems"].extend(problems(found))
    return found


def notes(found: Findings) -> list[str]:
    """Return what a user should know about speed on this machine."""
    flags = found["host"].get("flags", [])
    said = []
    if isinstance(flags, list) and not set(map(str, flags)) & set(INT8_FLAGS):
        said.append("this processor has no int8 dot product; int8 files are small here, but hardly faster")
    if not found["bfloat16"]:
        said.append("this processor has no bfloat16 products; training runs in float32, about half as fast")
    load, cores = found["host"].get("load", 0), found["threads"]["available"]
    if isinstance(load, float) and load > 0.5 * cores:
        said.append(f"the load is {load:g} on {cores} cores: other programs are running, so timings will be too high")
    return said


def problems(found: Findings) -> list[str]:
    """Return what will stop a build on this machine, each with what to do."""
    said = [
        f"{runtime['name']} cannot be loaded: {runtime['problem']}"
        for runtime in found["runtimes"]
        if runtime["problem"]
    ]
    missing = [name for name in PACKAGES if name not in found["versions"] and name != "edgeenc"]
    if missing:
        said.append(f"not installed: {', '.join(missing)}; run `pip install edgeenc` again")
    disk = found["disk"]
    if not disk["writable"]:
        said.append(f"the store {disk['store']} is not writable; choose another with --store")
    if disk["free_bytes"] < NEEDED_BYTES:
        said.append(
            f"{disk['free_bytes'] / 1e9:.1f} GB free at {disk['store']}, a build may need {NEEDED_BYTES / 1e9:.1f} GB;"
            " run `edgeenc store clean` or choose another disk with --store"
        )
    memory = found["host"].get("memory_bytes", NEEDED_MEMORY)
    if isinstance(memory, int) and memory < NEEDED_MEMORY:
        said.append(f"{memory / 1e9:.1f} GB of memory, a build may need {NEEDED_MEMORY / 1e9:.1f} GB")
    return said


def render(found: Findings) -> RenderableType:
    """Return the findings as a table for the terminal, notes and problems below it."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, text in _rows(found):
        table.add_row(name, Text(text))
    told = [Text(f"note: {note}", style="yellow") for note in found["notes"]]
    told += [Text(f"problem: {problem}", style="bold red") for problem in found["problems"]]
    return Group(table, *told, *([] if found["problems"] else [Text("ready to build", style="green")]))


def _rows(found: Findings) -> list[tuple[str, str]]:
    host, threads, disk = found["host"], found["threads"], found["disk"]
    flags, memory = host.get("flags", []), host.get("memory_bytes")
    settings = "".join(f", {name}={value}" for name, value in threads["environment"].items())
    rows = [
        ("processor", f"{host.get('cpu', 'unknown')} ({host.get('architecture', 'unknown')})"),
        ("instructions", " ".join(map(str, flags)) if isinstance(flags, list) and flags else "none that matter"),
        ("threads", f"{threads['available']} of {host.get('cores_of_machine', '?')} processors{settings}"),
        ("memory", f"{memory / 1e9:.1f} GB" if isinstance(memory, int) else "unknown"),
        ("system", f"{host.get('system', 'unknown')}, python {host.get('python', 'unknown')}"),
    ]
    for runtime in found["runtimes"]:
        rows.append((runtime["name"], runtime["problem"] or ", ".join(runtime["providers"])))
    rows.append(("versions", ", ".join(f"{name} {number}" for name, number in found["versions"].items())))
    rows.append(("store", f"{disk['store']} ({disk['free_bytes'] / 1e9:.1f} GB free)"))
    return rows


def _runtime(name: str) -> RuntimeFound:
    """Load a library and ask what it runs on; one that is broken is reported, not raised."""
    try:
        module = importlib.import_module(name)
        if name == "onnxruntime":
            return RuntimeFound(name=name, providers=list(module.get_available_providers()), problem="")
        cards = [f"cuda: {module.cuda.get_device_name(i)}" for i in range(module.cuda.device_count())]
        return RuntimeFound(name=name, providers=["cpu", *cards], problem="")
    except (ImportError, OSError, RuntimeError, AttributeError) as error:
        first = (str(error) or type(error).__name__).splitlines()[0]
        return RuntimeFound(name=name, providers=[], problem=first)


def _disk(store: Path) -> Disk:
    place = store.expanduser().absolute()
    nearest = next(path for path in (place, *place.parents) if path.exists())
    writable = nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)
    return Disk(store=str(place), free_bytes=free_bytes(place), writable=writable)
