"""Which checkpoint folder a teacher's name means: the kit's, a folder, or a model of the hub."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import partial
from pathlib import Path

from edgeenc.errors import InputError
from edgeenc.model.sentence_head import SENTENCE_FILES
from edgeenc.model.weights import INDEX, WEIGHTS, weight_files
from edgeenc.sources.hub import HUB_NAME, Pin, cached, fetch, is_offline, pinned, require_no_address, require_online
from edgeenc.sources.kit import STARTER, data_folder
from edgeenc.sources.rehearsal import is_random, random_folder
from edgeenc.sources.revision import revision_of
from edgeenc.text.vocabulary_files import vocabulary_among

NEEDED = ("config.json", "model.safetensors", "tokenizer.json")
"""Without one of these a folder is no checkpoint; the others that are fetched can be made from them."""

_FETCHED = (
    "config.json",
    "model.safetensors",
    "model.safetensors.index.json",
    "model-*-of-*.safetensors",
    "tokenizer*.json",
    "special_tokens_map.json",
    "vocab.txt",
    *SENTENCE_FILES,
)
"""Never pickled weights, which can run code, nor code."""


@dataclass(frozen=True, slots=True)
class Teacher:
    """A teacher that is at hand.

    Attributes:
        name: as the resolved recipe has it: a model of the hub with its commit, all else as typed.
        folder: its checkpoint folder.
        taken: a line that says at which commit it was taken; empty where nothing was left open.
    """

    name: str
    folder: Path
    taken: str = ""


def find_teacher(spec: str, *, offline: bool) -> Teacher:
    """Return the teacher that a name means; one of the hub without a commit is taken at that of today.

    Args:
        spec: as `teacher_folder`, or `org/name` or `org/name@branch`.
        offline: look into the hub's cache only, and take the newest there.

    Raises:
        EdgeencError: as `revision_of` and `teacher_folder`.
    """
    require_no_address(spec, "teacher")
    local = is_random(spec) or spec == STARTER or local_folder(spec, "teacher") is not None
    found = None if local else revision_of(spec, "teacher", offline=offline, whole=lambda folder: not _missing(folder))
    if found is None:
        return Teacher(spec, teacher_folder(spec, offline=offline))
    folder = teacher_folder(found.name, offline=offline)
    if not is_offline(offline):
        found.remember()
    return Teacher(found.name, folder, found.said)


def is_hub_name(spec: str) -> bool:
    """Tell whether a name is in the form of a model's of the hub, with or without a commit."""
    return HUB_NAME.fullmatch(spec) is not None


def local_folder(spec: str, what: str) -> Path | None:
    """Return the folder that is called so, or None.

    Raises:
        InputError: it is a file.
    """
    folder = Path(os.path.expanduser(spec))
    with suppress(OSError, ValueError):  # a name that the system cannot even look at is no folder
        if spec and folder.is_dir():
            return folder
        if spec and folder.is_file():
            raise InputError(f"{what} {spec}: a file; give the folder that it lies in")
    return None


def teacher_folder(spec: str, *, offline: bool) -> Path:
    """Return the checkpoint folder of a teacher.

    Args:
        spec: `starter`, the path of a folder, `org/name@commit` with the 40 hex digits of a commit of the hub, or
            `random:` and the name of a published shape (a folder without weights, see `rehearsal`).
        offline: look into the hub's cache only. `HF_HUB_OFFLINE`, `HF_ENDPOINT` and `HF_HOME` hold as elsewhere.

    Raises:
        UsageError: a model of the hub without the commit that says which of its versions is meant.
        InputError: no such folder; or the model is not in the cache and cannot be fetched, or lacks a file.
        HostError: the package lacks its kit, or the disk is full.
    """
    if is_random(spec):
        return random_folder(spec)
    if spec == STARTER:
        return data_folder("starter") / "model"
    folder = local_folder(spec, "teacher")
    if folder is not None:
        return folder
    pin = pinned(spec, "model", "teacher")
    if pin is None:
        raise InputError(
            f"teacher {spec}: no such folder; expected `{STARTER}`, a folder, or org/name@commit of the hub"
        )
    return _of_hub(pin, offline)


def _of_hub(pin: Pin, offline: bool) -> Path:
    """Return the folder of a hub model in the hub's cache, fetching what is missing."""
    folder = cached(pin)
    missing = _missing(folder)
    if folder is not None and not missing:
        return folder
    if folder is not None and is_offline(offline):
        _require_safe(pin, [path.name for path in folder.iterdir()])
    require_online(pin, missing, offline=offline)
    folder, _ = fetch(pin, partial(_wanted, pin), missing)
    if missing := _missing(folder):
        raise InputError(f"{pin}: {missing} not found; the model has no such file")
    return folder


def _wanted(pin: Pin, names: Sequence[str]) -> list[str]:
    _require_safe(pin, names)
    if "tokenizer.json" not in names and (older := vocabulary_among(names)):
        raise InputError(
            f"{pin}: tokenizer.json is missing; there is {' and '.join(older)}: run"
            f" `edgeenc convert {pin.name}@{pin.commit} -o FOLDER` once and give that folder"
        )
    return [name for name in names if any(fnmatch(name, pattern) for pattern in _FETCHED)]


def _require_safe(pin: Pin, names: Sequence[str]) -> None:
    """Refuse a model that has pickled weights alone.

    Raises:
        InputError: it has; the message says the command that makes a folder of it that a build reads.
    """
    if any(name in (WEIGHTS, INDEX) for name in names):
        return
    if any(name.startswith("pytorch_model") for name in names):
        raise InputError(
            f"{pin}: only pickled weights, which a build never opens; run"
            f" `edgeenc convert {pin.name}@{pin.commit} -o FOLDER` once and give that folder"
        )


def _missing(folder: Path | None) -> str:
    return " and ".join(name for name in NEEDED if folder is None or not _has(folder, name))


def _has(folder: Path, name: str) -> bool:
    if name != WEIGHTS:
        return (folder / name).is_file()
    with suppress(InputError):
        return bool(weight_files(folder))
    return False
