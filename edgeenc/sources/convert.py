"""Pickled weights become safetensors, in a child process that unpickles tensors and nothing else; builds never do."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from edgeenc.errors import InputError, UsageError
from edgeenc.machine.disk import on_disk
from edgeenc.sources.hub import fetch, pinned, require_online

PICKLE, INDEX = "pytorch_model.bin", "pytorch_model.bin.index.json"
WEIGHTS = "model.safetensors"
_COPIED = (".json", ".txt", ".model", ".md")
_PATIENCE = 3600.0
"""Seconds; a model of 10 GB takes minutes."""


def convert(spec: str, out: Path | None = None, *, offline: bool = False) -> Path:
    """Return the safetensors file made of the pickled weights of a folder, or of a model of the hub.

    Args:
        spec: a folder, or `org/name@commit`.
        out: a new folder, which gets configuration and tokenizer too; None writes into the given folder.
        offline: fetch nothing.

    Raises:
        InputError: there is no pickle, a part is missing, or it holds something else than tensors.
        UsageError: a model of the hub without `out`, or `out` holds files.
        HostError: the disk is full or forbidden.
    """
    folder = Path(spec).expanduser()
    if not folder.is_dir():
        folder = _of_hub(spec, out, offline)
    if out is not None and out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"-o {out}: not an empty folder")
    parts = _parts(folder)
    target = out or folder
    with on_disk(target):
        target.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".convert-", dir=target) as aside:
            _unpickle(folder, parts, Path(aside) / WEIGHTS)
            if out is not None:
                _copy(folder, out)
            os.replace(Path(aside) / WEIGHTS, target / WEIGHTS)
    return target / WEIGHTS


def _of_hub(spec: str, out: Path | None, offline: bool) -> Path:
    pin = pinned(spec, "model", "model")
    if pin is None:
        raise InputError(f"convert {spec}: no such folder; expected a folder, or org/name@commit of the hub")
    if out is None:
        raise UsageError(f"convert {spec}: say with -o FOLDER where the converted model goes")
    require_online(pin, PICKLE, offline=offline)
    return fetch(pin, _wanted, PICKLE)[0]


def _wanted(names: Sequence[str]) -> list[str]:
    return [
        name
        for name in names
        if name.endswith(_COPIED) or (name.startswith("pytorch_model") and name.endswith(".bin") and "/" not in name)
    ]


def _parts(folder: Path) -> list[Path]:
    """Return the pickles of a folder.

    Raises:
        InputError: there are none, there are safetensors already, or the index is damaged.
    """
    if (folder / WEIGHTS).exists() or (folder / f"{WEIGHTS}.index.json").exists():
        raise InputError(f"convert {folder}: it has safetensors already; nothing to convert")
    if (folder / PICKLE).is_file():
        return [folder / PICKLE]
    if not (folder / INDEX).is_file():
        raise InputError(f"convert {folder}: {PICKLE} is missing, and so is {INDEX}; other formats are not converted")
    try:
        names = sorted(set(json.loads((folder / INDEX).read_text(encoding="utf-8"))["weight_map"].values()))
        wrong = [name for name in names if set(name) & set("/\\\0") or not (folder / name).is_file()]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"convert {folder}: {INDEX} is damaged ({error!r})") from None
    if wrong or not names:
        raise InputError(f"convert {folder}: {INDEX} names {len(wrong)} files that are not beside it: {wrong[:3]}")
    return [folder / name for name in names]


def _unpickle(folder: Path, parts: Sequence[Path], out: Path) -> None:
    program = Path(__file__).with_name("unpickle.py")
    command = [sys.executable, "-I", str(program), str(out.absolute()), *(str(part.absolute()) for part in parts)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        raise InputError(f"convert {folder}: given up after {_PATIENCE:.0f} s") from None
    if done.returncode or not out.is_file():
        lines = done.stderr.strip().splitlines() or [f"the reader ended with {done.returncode}"]
        raise InputError(f"convert {folder}: {lines[-1]}")


def _copy(folder: Path, out: Path) -> None:
    """Copy configuration and tokenizer, also of folders such as 1_Pooling; never code."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.is_file() and path.suffix in _COPIED and path.name != INDEX and not name.parts[0].startswith("."):
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, out / name)
