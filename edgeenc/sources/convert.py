"""What a build does not read becomes what it reads: pickled weights safetensors, an older tokenizer `tokenizer.json`.

Weights are those of the model, and those of the Dense modules that sentence-transformers keeps in folders beside it.

Both in a child process; the first unpickles tensors and nothing else.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import partial
from pathlib import Path

from edgeenc.errors import InputError, UsageError
from edgeenc.machine.disk import on_disk
from edgeenc.model.sentence_head import SENTENCE_FILES
from edgeenc.sources.alone import run_alone
from edgeenc.sources.hub import Pin, cached, fetch, pinned, require_no_address, require_online
from edgeenc.sources.models import local_folder
from edgeenc.sources.older_tokenizer import make_tokenizer
from edgeenc.sources.revision import revision_of
from edgeenc.text.vocabulary_files import vocabulary_among, vocabulary_files

PICKLE, INDEX = "pytorch_model.bin", "pytorch_model.bin.index.json"
WEIGHTS, TOKENIZER = "model.safetensors", "tokenizer.json"
_DENSE = "[1-9]*_*/pytorch_model.bin"
"""Pickled weights of a module of sentence-transformers, such as `2_Dense`."""
_COPIED = (".json", ".txt", ".model", ".md")
_KEPT = (*_COPIED, ".safetensors")


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
    require_no_address(spec, "convert")
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


def convert(source: Source, out: Path | None = None) -> tuple[Path, ...]:
    """Return the files made of what a build does not read: pickled weights, and an older tokenizer.

    Args:
        source: where they are.
        out: a new folder, which gets configuration and tokenizer too, and is there whole or not at all; None writes
            into the given folder.

    Raises:
        InputError: there is nothing to convert, transformers cannot read the tokenizer, a part is missing, a pickle
            holds something else than tensors, or a file to be copied is a link out of the folder.
        UsageError: `out` holds files.
        HostError: the disk is full or forbidden, or a package is missing.
    """
    folder = source.folder
    parts = _parts(folder)
    if out is None:
        with on_disk(folder), tempfile.TemporaryDirectory(prefix=".convert-", dir=folder) as aside:
            made = _make(folder, parts, Path(aside))
            for name in made:
                os.replace(Path(aside) / name, folder / name)
        return tuple(folder / name for name in made)
    require_new(out)
    place = out.absolute()
    with on_disk(place):
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{place.name}.", dir=place.parent) as aside:
            whole = Path(aside) / "made"
            whole.mkdir()
            _copy(folder, whole)
            made = _make(folder, parts, whole)
            require_new(out)
            os.rename(whole, place)
    return tuple(out / name for name in made)


def _make(folder: Path, parts: Sequence[Path], out: Path) -> list[str]:
    """Write what a folder lacks into `out`, and return the names; the tokenizer first, since it takes seconds."""
    made = list[str]()
    if _is_older(folder):
        make_tokenizer(folder, out / TOKENIZER)
        made.append(TOKENIZER)
    if parts:
        _unpickle(folder, parts, out / WEIGHTS)
        made.append(WEIGHTS)
    for name in _dense_among(_names(folder)):
        made.append(str(Path(name).with_name(WEIGHTS)))
        (out / made[-1]).parent.mkdir(exist_ok=True)
        _unpickle(folder, [folder / name], out / made[-1])
    return made


def _names(folder: Path) -> list[str]:
    """Return the names of the files in the folders of modules."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.glob("[1-9]*_*/*") if path.is_file())


def _dense_among(names: Sequence[str]) -> list[str]:
    """Return the pickled weights of modules that have no safetensors beside them."""
    return [name for name in names if fnmatch(name, _DENSE) and str(Path(name).with_name(WEIGHTS)) not in names]


def _is_older(folder: Path) -> bool:
    return not (folder / TOKENIZER).is_file() and bool(vocabulary_files(folder))


def require_new(out: Path) -> None:
    """Refuse a folder that holds files.

    Raises:
        UsageError: it does, or is no folder.
    """
    if out.is_symlink() or (out.exists() and (not out.is_dir() or any(out.iterdir()))):
        raise UsageError(f"-o {out}: not an empty folder")


def _has_pickle(folder: Path) -> bool:
    with suppress(InputError):
        return (
            bool(_parts(folder) or _is_older(folder) or _dense_among(_names(folder)))
            and (folder / "config.json").is_file()
        )
    return False


def _wanted(pin: Pin, names: Sequence[str]) -> list[str]:
    ready = WEIGHTS in names or f"{WEIGHTS}.index.json" in names
    older = TOKENIZER not in names and bool(vocabulary_among(names))
    dense = _dense_among(names)
    if ready and not older and not dense:
        raise InputError(f"{pin}: it has safetensors already; nothing to convert, builds read it as it is")
    if not ready and not any(name in (PICKLE, INDEX) for name in names):
        raise InputError(f"{pin}: it has no {PICKLE}; other formats are not converted")
    first, last = ("model", ".safetensors") if ready else ("pytorch_model", ".bin")
    return [
        name
        for name in names
        if name.endswith(_COPIED)
        or (name.startswith(first) and name.endswith(last) and "/" not in name)
        or name in dense
        or any(fnmatch(name, pattern) for pattern in SENTENCE_FILES)
    ]


def _parts(folder: Path) -> list[Path]:
    """Return the pickles of a folder; none where it has safetensors, or no weights, beside what else is converted.

    Raises:
        InputError: nothing is to be converted, or the index is damaged.
    """
    ready = (folder / WEIGHTS).exists() or (folder / f"{WEIGHTS}.index.json").exists()
    older = _is_older(folder)
    if ready and not older and not _dense_among(_names(folder)):
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
            if path.suffix not in _KEPT or path.name == INDEX or path.name.startswith(".") or not path.is_file():
                continue
            if not path.resolve().is_relative_to(whole.parent.parent if cached else whole):
                raise InputError(
                    f"convert {folder}: {name} is a link to a place outside the folder; copy the file there"
                )
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, out / name)
