"""What a build does not read becomes what it reads: pickled weights safetensors, an older tokenizer `tokenizer.json`.

Both in a child process; the first unpickles tensors and nothing else.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from edgeenc.errors import InputError, UsageError
from edgeenc.machine.disk import on_disk
from edgeenc.sources.alone import run_alone
from edgeenc.sources.hub import fetch, pinned, require_online
from edgeenc.sources.older_tokenizer import make_tokenizer
from edgeenc.text.vocabulary_files import vocabulary_among, vocabulary_files

PICKLE, INDEX = "pytorch_model.bin", "pytorch_model.bin.index.json"
WEIGHTS, TOKENIZER = "model.safetensors", "tokenizer.json"
_COPIED = (".json", ".txt", ".model", ".md")
_KEPT = (*_COPIED, ".safetensors")


def convert(spec: str, out: Path | None = None, *, offline: bool = False) -> tuple[Path, ...]:
    """Return the files made of what a build does not read: pickled weights, and an older tokenizer.

    Args:
        spec: a folder, or `org/name@commit`.
        out: a new folder, which gets all that a build reads; None writes into the given folder.
        offline: fetch nothing.

    Raises:
        InputError: there is nothing to convert, a part is missing, a pickle holds something else than tensors, or
            transformers cannot read the tokenizer.
        UsageError: a model of the hub without `out`, or `out` holds files.
        HostError: the disk is full or forbidden, or a package is missing.
    """
    folder = Path(spec).expanduser()
    if not folder.is_dir():
        folder = _of_hub(spec, out, offline)
    if out is not None and out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"-o {out}: not an empty folder")
    older = not (folder / TOKENIZER).is_file() and bool(vocabulary_files(folder))
    parts = _parts(folder, older)
    target = out or folder
    with on_disk(target):
        target.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".convert-", dir=target) as aside:
            if older:  # first, since it takes seconds
                make_tokenizer(folder, Path(aside) / TOKENIZER)
            if parts:
                _unpickle(folder, parts, Path(aside) / WEIGHTS)
            if out is not None:
                _copy(folder, out)
            made = sorted(path.name for path in Path(aside).iterdir())
            for name in made:
                os.replace(Path(aside) / name, target / name)
    return tuple(target / name for name in made)


def _of_hub(spec: str, out: Path | None, offline: bool) -> Path:
    pin = pinned(spec, "model", "model")
    if pin is None:
        raise InputError(f"convert {spec}: no such folder; expected a folder, or org/name@commit of the hub")
    if out is None:
        raise UsageError(f"convert {spec}: say with -o FOLDER where the converted model goes")
    require_online(pin, PICKLE, offline=offline)
    return fetch(pin, _wanted, PICKLE)[0]


def _wanted(names: Sequence[str]) -> list[str]:
    """Return which files of a model of the hub are fetched: its settings, and weights of one kind.

    Raises:
        InputError: nothing of it needs to be converted.
    """
    ready = WEIGHTS in names or f"{WEIGHTS}.index.json" in names
    if ready and (TOKENIZER in names or not vocabulary_among(names)):
        raise InputError("convert: the model has safetensors already; nothing to convert")
    first, last = ("model", ".safetensors") if ready else ("pytorch_model", ".bin")
    return [
        name
        for name in names
        if name.endswith(_COPIED) or (name.startswith(first) and name.endswith(last) and "/" not in name)
    ]


def _parts(folder: Path, older: bool) -> list[Path]:
    """Return the pickles of a folder; none where there are safetensors, or no weights, beside an `older` tokenizer.

    Raises:
        InputError: nothing is to be converted, or the index is damaged.
    """
    ready = (folder / WEIGHTS).exists() or (folder / f"{WEIGHTS}.index.json").exists()
    if ready and not older:
        raise InputError(f"convert {folder}: it has safetensors already; nothing to convert")
    if not ready and (folder / PICKLE).is_file():
        return [folder / PICKLE]
    if ready or (older and not (folder / INDEX).is_file()):
        return []
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
    run_alone("unpickle.py", f"convert {folder}", out, str(out.absolute()), *(str(part.absolute()) for part in parts))


def _copy(folder: Path, out: Path) -> None:
    """Copy configuration, tokenizer and safetensors, also of folders such as 1_Pooling; never code."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.is_file() and path.suffix in _KEPT and path.name != INDEX and not name.parts[0].startswith("."):
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, out / name)
