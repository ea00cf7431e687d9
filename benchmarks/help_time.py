"""Median time of ten runs of `edgeenc --help`, each in a fresh process; the promise is under 0.3 s on a quiet machine.

python benchmarks/help_time.py
"""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import time

RUNS = 10
PROMISE = 0.3
COMMAND = [sys.executable, "-c", "from edgeenc.cli import main; main()", "--help"]


def main() -> None:
    """Print every sample, the median and the host."""
    seconds = [one_run() for _ in range(RUNS + 1)][1:]  # the first fills the disk cache and writes the bytecode
    print("samples:", " ".join(f"{sample:.3f}" for sample in seconds), "s")
    print(f"median of {RUNS}: {statistics.median(seconds):.3f} s, promised: under {PROMISE} s")
    print(f"host: Python {platform.python_version()}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")


def one_run() -> float:
    """Return the seconds from start to end of one process."""
    start = time.perf_counter()
    subprocess.run(COMMAND, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
