"""A program of this folder in a process of its own, so that what it reads can harm nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from edgeenc.errors import InputError

_PATIENCE = 3600.0
"""Seconds; a model of 10 GB takes minutes."""


def run_alone(program: str, words: str, out: Path, *arguments: str) -> None:
    """Run `program`, which writes the file `out`; it sees no `PYTHONPATH` and no hub.

    Raises:
        InputError: it gave up; the message is `words` and its last line.
    """
    command = [sys.executable, "-I", str(Path(__file__).with_name(program)), *arguments]
    quiet = os.environ | {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error"}
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, check=False, env=quiet)
    except subprocess.TimeoutExpired:
        raise InputError(f"{words}: given up after {_PATIENCE:.0f} s") from None
    if done.returncode or not out.is_file():
        lines = done.stderr.strip().splitlines() if done.returncode >= 0 else []
        lines = lines or [f"the reader was ended (status {done.returncode}); the memory may be too small"]
        raise InputError(f"{words}: {lines[-1]}")
