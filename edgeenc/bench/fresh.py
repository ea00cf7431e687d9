"""Run a module of ours in a fresh process: a request in JSON on its stdin, one JSON object as the last line it prints.

A fresh process for each measurement: nothing that ran before has grown its heap, warmed its caches or kept its threads.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import edgeenc


@dataclass(frozen=True, slots=True)
class Finished:
    """How a process ended.

    Attributes:
        code: its exit code, below 0 where a signal ended it.
        answer: the last line of its stdout, "" where it failed.
        words: the last line of its stderr.
        started_ns: when it was started, on the clock of `time.monotonic_ns`, which all processes of a machine share.
    """

    code: int
    answer: str
    words: str
    started_ns: int

    @property
    def reason(self) -> str:
        """What went wrong, in words."""
        ended = f"ended by signal {-self.code}" if self.code < 0 else f"ended with code {self.code}"
        return f"{ended} ({self.words or 'no message'})"


def run_fresh(module: str, request: str, threads: int, more: Mapping[str, str] | None = None) -> Finished:
    """Run `python -m module` on `request` with `threads` threads in every library, and wait for it.

    Args:
        module: what to run.
        request: its stdin.
        threads: for the libraries that take their number from the environment.
        more: further variables of its environment.
    """
    package = str(Path(edgeenc.__file__).resolve().parents[1])
    environment = {
        "PYTHONPATH": os.pathsep.join(p for p in (package, os.environ.get("PYTHONPATH", "")) if p),
        "PYTHONUTF8": "1",
        "HF_HUB_OFFLINE": "1",
        **{f"{name}_NUM_THREADS": str(threads) for name in ("OMP", "MKL", "OPENBLAS", "RAYON")},
        **(more or {}),
    }
    started_ns = time.monotonic_ns()
    done = subprocess.run(
        [sys.executable, "-P", "-m", module],
        input=request,
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=os.environ | environment,
        check=False,
    )
    answer = (done.stdout.strip().splitlines() or [""])[-1] if done.returncode == 0 else ""
    words = (done.stderr.strip().splitlines() or [""])[-1]
    return Finished(done.returncode, answer, words, started_ns)
