"""Where and how fast the work runs: device, dtype of compute, threads. What a model becomes is never decided here.

The one exception is stated in the key of a training step: dtype and device class change the last bits of its weights.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import torch

Dtype = Literal["float32", "bfloat16"]

WORTH = 1.15
"""bfloat16 is taken where it is at least this many times faster, so that noise does not decide."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """Device, dtype and threads of a run.

    Attributes:
        device: `cpu` or `cuda`.
        dtype: what matrix products are computed in while training; weights and optimiser stay float32.
        threads: torch threads inside one operation.
        save_seconds: a training step writes its checkpoint this often.
    """

    device: str = "cpu"
    dtype: Dtype = "float32"
    threads: int = 1
    save_seconds: float = 30.0

    @property
    def width_step(self) -> int:
        """Of what the widths of padded batches are multiples.

        A GPU multiplies multiples of 8 best, and a CPU makes a kernel of bfloat16 for each new shape, for seconds; in
        float32 it makes none, and padding only costs time.
        """
        return 1 if (self.device, self.dtype) == ("cpu", "float32") else 8

    def autocast(self) -> torch.autocast:
        """Return the context in which losses are computed."""
        import torch  # seconds, which a plan does without

        return torch.autocast(self.device, dtype=torch.bfloat16, enabled=self.dtype == "bfloat16")


def available_threads() -> int:
    """Return the processors this process may use: the affinity mask, cut by the cgroup quota."""
    visible = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return max(1, min(visible, int(int(quota) / int(period))))
    except (OSError, ValueError):
        return visible


def has_bfloat16() -> bool:
    """Tell whether this CPU multiplies bfloat16 in hardware; without it the type is slower, not faster."""
    try:
        flags = Path("/proc/cpuinfo").read_text()
    except OSError:
        return False
    return any(flag in flags for flag in ("avx512_bf16", "amx_bf16", " bf16"))


def faster_dtype(threads: int, seconds: float = 1.0) -> Dtype:
    """Return the faster dtype for the products of a small encoder, by interleaved runs of about `seconds` in all."""
    if not has_bfloat16():
        return "float32"
    import torch

    torch.set_num_threads(threads)
    a, b = torch.randn(2048, 256), torch.randn(256, 1024)
    a16, b16 = a.bfloat16(), b.bfloat16()
    best = {"float32": float("inf"), "bfloat16": float("inf")}
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        for name, x, y in (("float32", a, b), ("bfloat16", a16, b16)):
            start = time.perf_counter()
            for _ in range(4):
                _ = x @ y
            best[name] = min(best[name], time.perf_counter() - start)
    return "bfloat16" if best["float32"] / best["bfloat16"] >= WORTH else "float32"
