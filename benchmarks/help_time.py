"""Median times of `edgeenc --help` and of plans, each run a fresh process; promised is what a quiet machine takes.

    python benchmarks/help_time.py [RECIPE ...]

Without recipes it is the starter one and those of the first paper. The plans are of Tagalog, with a random teacher
unless it is the starter one. A run before those that count makes the files of such a teacher and finds the faster dtype
of the machine; both stay in the user's cache.
"""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import time
from resource import RUSAGE_CHILDREN, getrusage

HELP = ("--help", 10, 0.3)
RECIPES = ("starter", *(f"paper-{teacher}-{width}" for teacher in ("mbert", "xlmr") for width in (564, 456, 312)))
PLAN_RUNS, PLAN_PROMISE = 5, 1.0


def main() -> None:
    """Print every sample, the medians and the host."""
    print("| command | runs | samples, s | median, s | median of processor time, s | promised, s |")
    print("|---|---|---|---|---|---|")
    report(*HELP)
    for recipe in sys.argv[1:] or RECIPES:
        drawn = "" if recipe == "starter" else " --random-teacher"
        report(f"plan --lang tl --recipe {recipe}{drawn}", PLAN_RUNS, PLAN_PROMISE)
    print(f"host: Python {platform.python_version()}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")


def report(arguments: str, runs: int, promise: float) -> None:
    """Print the row of one command."""
    found = [one_run(arguments.split()) for _ in range(runs + 1)][1:]  # the first fills caches and writes the bytecode
    passed, busy = zip(*found, strict=True)
    samples = " ".join(f"{sample:.3f}" for sample in passed)
    medians = f"{statistics.median(passed):.3f} | {statistics.median(busy):.3f}"
    print(f"| `edgeenc {arguments}` | {runs} | {samples} | {medians} | {promise} |", flush=True)


def one_run(arguments: list[str]) -> tuple[float, float]:
    """Return the seconds from start to end of one process, and those that a processor worked for it."""
    start, before = time.perf_counter(), getrusage(RUSAGE_CHILDREN)
    command = [sys.executable, "-c", "from edgeenc.cli import main; main()", *arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = getrusage(RUSAGE_CHILDREN)
    busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - start, busy


if __name__ == "__main__":
    main()
