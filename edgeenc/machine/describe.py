"""What machine and which packages a figure comes from; a figure without them says nothing.

Every fact comes from a file or call of the system; one that the system does not tell is left out, never guessed.
"""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Callable, Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from edgeenc.record.host import Gpu, Host
from edgeenc.record.rows import BenchHost

FLAGS = (
    *("avx2", "fma", "f16c", "avx512f", "avx512_vnni", "avx_vnni", "avx512_bf16", "avx512_fp16"),
    *("amx_tile", "amx_int8", "amx_bf16", "amx_fp16", "neon", "asimd", "asimddp", "i8mm", "bf16", "sve", "sve2", "sme"),
)
"""The instruction sets that decide how fast float32, bfloat16 and int8 products are."""

PACKAGES = (
    *("edgeenc", "torch", "transformers", "tokenizers", "safetensors", "numpy", "icu4py"),
    *("optimum", "optimum-onnx", "onnx", "onnxruntime"),
)
"""The packages that can change a file or a figure."""


def describe() -> Host:
    """Describe this machine: processor, instruction sets, cores, memory, load, system."""
    from edgeenc.machine.runtime import available_threads  # loads torch, which versions and children do without

    return Host(
        cpu=cpu_name(_read("/proc/cpuinfo")),
        architecture=platform.machine(),
        flags=tuple(cpu_flags(_read("/proc/cpuinfo"))),
        cores=available_threads(),
        cores_of_machine=os.cpu_count() or 1,
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        memory_bytes=_memory(),
        load=_load(),
    )


def bench_host() -> BenchHost:
    """Describe this machine for a benchmark: what `describe` says, versions, graphics processors; None is unknown."""
    host = describe()
    return BenchHost(
        cpu=host.cpu,
        architecture=host.architecture,
        flags=host.flags,
        cores=host.cores,
        cores_of_machine=host.cores_of_machine,
        cores_of_cgroup=cgroup_cores(_read),
        governor=_read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor").strip() or None,
        memory_bytes=host.memory_bytes,
        load=host.load,
        system=host.system,
        python=host.python,
        versions=versions(),
        gpus=gpus(),
    )


def cgroup_cores(read: Callable[[str], str]) -> float | None:
    """Return how many cores the cgroup grants, or None where it sets no limit; `read` gives the text of a file or "".

    Worked example: the second version's ``cpu.max`` of ``150000 100000`` is 1.5 cores, ``max 100000`` no limit; the
    first has the two numbers in files of their own, and -1 for no limit.
    """
    quota, _, period = read("/sys/fs/cgroup/cpu.max").strip().partition(" ")
    if not quota:
        quota = read("/sys/fs/cgroup/cpu/cpu.cfs_quota_us").strip()
        period = read("/sys/fs/cgroup/cpu/cpu.cfs_period_us").strip()
    return int(quota) / int(period) if quota.isdigit() and period.isdigit() and int(period) else None


def gpus() -> tuple[Gpu, ...]:
    """Return the graphics processors that PyTorch can use, with the version of their driver where it tells."""
    import torch

    if not torch.cuda.is_available():
        return ()
    driver = driver_version()
    found = [torch.cuda.get_device_properties(number) for number in range(torch.cuda.device_count())]
    return tuple(
        Gpu(name=one.name, memory_bytes=int(one.total_memory), driver=driver, cuda=torch.version.cuda) for one in found
    )


def driver_version() -> str | None:
    """Return the version of the NVIDIA driver, or None where its tool is not there."""
    command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        asked = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return None
    return (asked.stdout.splitlines() or [""])[0].strip() or None


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


def _memory() -> int | None:
    """Return the bytes of memory this process may use: the machine's, cut by the cgroup."""
    try:
        machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None
    limit = (_read("/sys/fs/cgroup/memory.max") or _read("/sys/fs/cgroup/memory/memory.limit_in_bytes")).strip()
    return min(machine, int(limit)) if limit.isdigit() else machine


def _load() -> float | None:
    try:
        return round(os.getloadavg()[0], 2)
    except (AttributeError, OSError):
        return None


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
