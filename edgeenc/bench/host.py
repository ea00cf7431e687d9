"""What machine and which packages a figure comes from; a figure without them says nothing.

Every fact comes from a file or call of the system; one that the system does not tell is left out, never guessed.
"""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

Fact = str | int | float | list[str]

FLAGS = (
    *("avx2", "fma", "f16c", "avx512f", "avx512_vnni", "avx_vnni", "avx512_bf16", "amx_int8", "amx_bf16"),
    *("neon", "asimd", "asimddp", "i8mm", "bf16", "sve", "sve2"),
)
"""The instruction sets that decide how fast float32, bfloat16 and int8 products are."""

PACKAGES = (
    *("edgeenc", "torch", "transformers", "tokenizers", "safetensors", "numpy"),
    *("optimum", "optimum-onnx", "onnx", "onnxruntime"),
)
"""The packages that can change a file or a figure."""


def describe() -> dict[str, Fact]:
    """Describe this machine: processor, instruction sets, cores, memory in bytes, load, system.

    `cores` are those this process may use, `cores_of_machine` all there are; `load` is the one-minute average: near
    `cores` before a measurement, it means that something else was running.
    """
    from edgeenc.runtime import available_threads  # loads torch, which versions and children do without

    facts: dict[str, Fact] = {
        "cpu": cpu_name(_read("/proc/cpuinfo")),
        "architecture": platform.machine(),
        "flags": cpu_flags(_read("/proc/cpuinfo")),
        "cores": available_threads(),
        "cores_of_machine": os.cpu_count() or 1,
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }
    return facts | _memory() | _load()


def versions(packages: Iterable[str] = PACKAGES) -> dict[str, str]:
    """Return the installed version of each package, in the given order; what is not installed is left out."""
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def cpu_name(cpuinfo: str) -> str:
    """Return the name of the processor from the text of /proc/cpuinfo, or from the system where that has none.

    Worked example: the line ``model name : Some CPU @ 2 GHz`` gives ``Some CPU @ 2 GHz``; an ARM board has only
    numbers, ``CPU implementer : 0x41`` and ``CPU part : 0xd0b``, and gives ``implementer 0x41 part 0xd0b``.
    """
    fields = _fields(cpuinfo)
    for key in ("model name", "Model", "Hardware"):
        if fields.get(key):
            return fields[key]
    if "CPU part" in fields:
        return f"implementer {fields.get('CPU implementer', '?')} part {fields['CPU part']}"
    if platform.system() == "Darwin":
        asked = subprocess.run(
            ["sysctl", "-n", "machdep.cpu.brand_string"], capture_output=True, text=True, check=False
        )
        if asked.stdout.strip():
            return asked.stdout.strip()
    return platform.processor() or platform.machine() or "unknown"


def cpu_flags(cpuinfo: str) -> list[str]:
    """Return those of `FLAGS` that the text of /proc/cpuinfo names, in the order of `FLAGS`."""
    fields = _fields(cpuinfo)
    present = set(f"{fields.get('flags', '')} {fields.get('Features', '')}".split())
    return [flag for flag in FLAGS if flag in present]


def _fields(cpuinfo: str) -> dict[str, str]:
    """Return the first value of each field; the fields of the other cores are the same."""
    fields: dict[str, str] = {}
    for line in cpuinfo.splitlines():
        key, colon, value = line.partition(":")
        if colon:
            fields.setdefault(key.strip(), " ".join(value.split()))
    return fields


def _memory() -> dict[str, Fact]:
    """Return the bytes of memory this process may use: the machine's, cut by the cgroup."""
    try:
        machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return {}
    limit = _read("/sys/fs/cgroup/memory.max").strip()
    return {"memory_bytes": min(machine, int(limit)) if limit.isdigit() else machine}


def _load() -> dict[str, Fact]:
    try:
        return {"load": round(os.getloadavg()[0], 2)}
    except (AttributeError, OSError):
        return {}


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
