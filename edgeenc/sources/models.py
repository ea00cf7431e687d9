"""Which checkpoint folder a teacher's name means: the kit's, a folder, or a model of the hub."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from fnmatch import fnmatch
from functools import partial
from pathlib import Path

from edgeenc.errors import InputError
from edgeenc.model.weights import WEIGHTS, weight_files
from edgeenc.sources.hub import Pin, cached, fetch, pinned, require_online, with_commit
from edgeenc.sources.kit import STARTER, data_folder
from edgeenc.sources.rehearsal import is_random, random_folder
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
)
"""Never pickled weights, which can run code, nor code."""


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
    folder = Path(spec).expanduser()
    with suppress(OSError):  # a name that the system cannot even look at is no folder
        if spec and folder.is_dir():
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
    require_online(pin, missing, offline=offline)
    folder, _ = fetch(pin, partial(_wanted, pin), missing)
    if missing := _missing(folder):
        raise InputError(f"{pin}: {missing} not found; the model has no such file")
    return folder


def _wanted(pin: Pin, names: Sequence[str]) -> list[str]:
    if (
        WEIGHTS not in names
        and f"{WEIGHTS}.index.json" not in names
        and any(n.startswith("pytorch_model") for n in names)
    ):
        raise InputError(
            f"{pin}: only pickled weights, which a build never opens; run"
            f" `edgeenc convert {pin.name}@{pin.commit} -o FOLDER` once and give that folder"
        )
    if "tokenizer.json" not in names and (older := vocabulary_among(names)):
        raise InputError(
            f"{pin}: tokenizer.json is missing; there is {' and '.join(older)}: run"
            f" `edgeenc convert {pin.name}@{pin.commit} -o FOLDER` once and give that folder"
        )
    return [name for name in names if any(fnmatch(name, pattern) for pattern in _FETCHED)]


def _missing(folder: Path | None) -> str:
    return " and ".join(name for name in NEEDED if folder is None or not _has(folder, name))


def _has(folder: Path, name: str) -> bool:
    if name != WEIGHTS:
        return (folder / name).is_file()
    with suppress(InputError):
        return bool(weight_files(folder))
    return False


def with_version(spec: str, *, offline: bool) -> str:
    """Return the name of a teacher, a model of the hub with its commit; folders, the kit and shapes as they are.

    Raises:
        EdgeencError: as `hub.with_commit`.
    """
    if is_random(spec) or spec == STARTER or Path(spec).expanduser().is_dir():
        return spec
    return with_commit(spec, "teacher", offline=offline)
