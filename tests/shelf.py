"""Small steps and bundles, and how to kill whoever makes them: shared by the tests of store and disk."""

from __future__ import annotations

import errno
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from edgeenc.machine import disk
from edgeenc.store import Manifest, Outcome, Store

FACTS = Outcome(
    kind="adapt",
    inputs={"teacher": "aa11"},
    seconds=1.5,
    versions={"torch": "2.8"},
    host={"cores": 2, "flags": ["avx2"]},
    figures={"loss": 2.25, "looks": [[1, 2.0]], "best": None},
)
FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def make(where: Store, key: str = "ab12", name: str = "adapt", text: str = "weights") -> Manifest:
    with where.building(key, name) as draft:
        (draft.folder / "onnx").mkdir()
        (draft.folder / "onnx" / "m.onnx").write_text(text, encoding="utf-8")
        (draft.folder / "é.txt").write_bytes(b"\0\1")
        return where.commit(draft, FACTS)


def fail_half_way(where: Store, key: str = "ab12") -> None:
    with where.building(key, "adapt") as draft:
        (draft.folder / "half.bin").write_bytes(b"half")
        (draft.scratch / "step-100").write_bytes(b"kept")
        raise ZeroDivisionError


def bundle(folder: Path, text: str) -> Path:
    (folder / "onnx").mkdir(parents=True)
    (folder / "onnx" / "m.onnx").write_text(text, encoding="utf-8")
    (folder / "manifest.json").write_text(json.dumps({"edgeenc_bundle": 1, "text": text}), encoding="utf-8")
    return folder


def read_bundle(folder: Path) -> str:
    """Return the text of a bundle after checking that its two files belong together and nothing else is there."""
    assert disk.files_of(folder) == ("manifest.json", "onnx/m.onnx")
    text = (folder / "onnx" / "m.onnx").read_text(encoding="utf-8")
    assert json.loads((folder / "manifest.json").read_text(encoding="utf-8")) == {"edgeenc_bundle": 1, "text": text}
    return text


def kill_at_random(code: str, *arguments: Path, times: int, check: Callable[[], None]) -> None:
    """Run `code`, which prints a line a round, `times` times; kill it somewhere in a round, then call `check`."""
    chance, duration = random.Random(7), 0.05
    for _ in range(times):
        run = subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], stdout=subprocess.PIPE)
        assert run.stdout is not None
        assert run.stdout.readline() == b"started\n"
        for _ in range(chance.randrange(3)):
            began = time.monotonic()
            assert run.stdout.readline() == b"round\n"
            duration = time.monotonic() - began
        time.sleep(chance.uniform(0.0, duration))
        os.kill(run.pid, signal.SIGKILL)
        run.wait(10)
        run.stdout.close()
        check()
