"""Pickled weights become safetensors, in a child process that unpickles tensors and nothing else; builds never do."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from edgeenc.errors import InputError, UsageError
from edgeenc.machine.disk import on_disk
from edgeenc.sources.hub import Pin, cached, fetch, pinned, require_online
from edgeenc.sources.models import local_folder
from edgeenc.sources.revision import revision_of

PICKLE, INDEX = "pytorch_model.bin", "pytorch_model.bin.index.json"
WEIGHTS = "model.safetensors"
_COPIED = (".json", ".txt", ".model", ".md")
_PATIENCE = 3600.0
"""Seconds; a model of 10 GB takes minutes."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where pickled weights are: a folder, and a line that says at which commit a name without one was taken."""

    folder: Path
    taken: str = ""


def pickled(spec: str, *, offline: bool = False) -> Source:
    """Return the folder that is meant, fetched where it is a model of the hub that is not cached.

    Raises:
        InputError: no such folder or model, or it cannot be fetched.
        UsageError: the hub gives no such names.
    """
    folder = local_folder(spec, "convert")
    if folder is not None:
        return Source(folder)
    revision = revision_of(spec, "model", offline=offline, whole=_has_pickle)
    pin = revision.pin if revision else pinned(spec, "model", "model")
    if pin is None:
        raise InputError(f"convert {spec}: no such folder; expected a folder, or org/name[@commit] of the hub")
    folder = cached(pin)
    if folder is None or not _has_pickle(folder):
        require_online(pin, PICKLE, offline=offline)
        folder = fetch(pin, partial(_wanted, pin), PICKLE)[0]
        if revision:
            revision.remember()
    return Source(folder, revision.said if revision else "")


def convert(source: Source, out: Path | None = None) -> Path:
    """Return the safetensors file made of pickled weights.

    Args:
        source: where they are.
        out: a new folder, which gets configuration and tokenizer too, and is there whole or not at all; None writes
            into the given folder.

    Raises:
        InputError: there is no pickle, a part is missing, it holds something else than tensors, or a file to be copied
            is a link out of the folder.
        UsageError: `out` holds files.
        HostError: the disk is full or forbidden.
    """
    folder = source.folder
    parts = _parts(folder)
    if out is None:
        with on_disk(folder), tempfile.TemporaryDirectory(prefix=".convert-", dir=folder) as aside:
            _unpickle(folder, parts, Path(aside) / WEIGHTS)
            os.replace(Path(aside) / WEIGHTS, folder / WEIGHTS)
        return folder / WEIGHTS
    require_new(out)
    place = out.absolute()
    with on_disk(place):
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{place.name}.", dir=place.parent) as aside:
            made = Path(aside) / "made"
            made.mkdir()
            _copy(folder, made)
            _unpickle(folder, parts, made / WEIGHTS)
            require_new(out)
            os.rename(made, place)
    return out / WEIGHTS


def require_new(out: Path) -> None:
    """Refuse a folder that holds files.

    Raises:
        UsageError: it does, or is no folder.
    """
    if out.is_symlink() or (out.exists() and (not out.is_dir() or any(out.iterdir()))):
        raise UsageError(f"-o {out}: not an empty folder")


def _has_pickle(folder: Path) -> bool:
    with suppress(InputError):
        return bool(_parts(folder)) and (folder / "config.json").is_file()
    return False


def _wanted(pin: Pin, names: Sequence[str]) -> list[str]:
    if WEIGHTS in names or f"{WEIGHTS}.index.json" in names:
        raise InputError(f"{pin}: it has safetensors already; nothing to convert, builds read it as it is")
    if not any(name in (PICKLE, INDEX) for name in names):
        raise InputError(f"{pin}: it has no {PICKLE}; other formats are not converted")
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
        lines = done.stderr.strip().splitlines() if done.returncode >= 0 else []
        lines = lines or [f"the reader was ended (status {done.returncode}); the memory may be too small"]
        raise InputError(f"convert {folder}: {lines[-1]}")


def _copy(folder: Path, out: Path) -> None:
    """Copy configuration and tokenizer, also of folders such as 1_Pooling; never code.

    Raises:
        InputError: a file is a link to a place outside the folder, or outside the cache where that holds it.
    """
    whole = folder.resolve()
    cached = whole.parent.name == "snapshots"
    for top, below, names in os.walk(folder):
        below[:] = sorted(name for name in below if not name.startswith("."))
        for path in (Path(top) / name for name in sorted(names)):
            name = path.relative_to(folder)
            if path.suffix not in _COPIED or path.name == INDEX or path.name.startswith(".") or not path.is_file():
                continue
            if not path.resolve().is_relative_to(whole.parent.parent if cached else whole):
                raise InputError(
                    f"convert {folder}: {name} is a link to a place outside the folder; copy the file there"
                )
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, out / name)
