"""Where the files of a task's data lie: one file, or a folder with files for train, validation and test."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from edgeenc import sources
from edgeenc.errors import InputError
from edgeenc.tasks.files.datafile import NOTES, bare_name, suffix
from edgeenc.tasks.forms import suffixes

STARTER = "starter:"
WHOLE = "all"
"""Part of the only file of a set that comes in one."""

_WORDS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev", "development", "testa"), "validation"),
    **dict.fromkeys(("test", "testing", "testb"), "test"),
}
_SHARD = re.compile(r"(-\d+-of-\d+|^\d+)$")


def find_parts(data: str, *, offline: bool) -> Mapping[str, tuple[Path, ...]]:
    """Return the files of each part; one file alone is the part `all`.

    Args:
        data: as `TaskSpec.data`.
        offline: look into the hub's cache only.

    Raises:
        InputError: there is no such set, file or folder; or the folder does not tell which file is which part.
        UsageError: a dataset of the hub without its commit.
    """
    path = _locate(data, offline)
    try:
        return _parts_of(path) if path.is_dir() else {WHOLE: (path,)}
    except OSError as error:
        raise InputError(f"task data {path}: cannot be read ({error.strerror or error})") from None


def _locate(data: str, offline: bool) -> Path:
    if data.startswith(STARTER):
        name, tasks = data.removeprefix(STARTER), sources.data_folder("starter") / "tasks"
        known = sorted(folder.name for folder in tasks.iterdir() if folder.is_dir())
        if name not in known:
            raise InputError(f"task data {data}: the starter kit has no such set; it has {', '.join(known)}")
        return tasks / name
    path = Path(data).expanduser()
    if os.path.exists(path):  # unlike that of Path, it says no to names too long for the system
        return path
    if "@" not in data:
        typed = data if data.isprintable() else ascii(data)
        raise InputError(
            f"task data {typed[:200]}: no such file or folder; expected one, or {STARTER}NAME, or"
            " org/name@commit of the hub"
        )
    return sources.dataset_folder(data, offline=offline)


def _parts_of(folder: Path) -> Mapping[str, tuple[Path, ...]]:
    """Return the files of a folder by part; its subfolders are looked into if it has none itself."""
    parts, alone = _sorted_out(folder, folder.iterdir())
    if not parts and not alone:
        parts, alone = _sorted_out(folder, folder.rglob("*"))
    if not parts and len(alone) == 1:
        return {WHOLE: (alone[0],)}
    if not parts:
        said = f"{len(alone)} data files, none named after its part" if alone else "no data file"
        raise InputError(
            f"task data {folder}: {said}; expected one file, or train, validation and test with a suffix of"
            f" {' '.join(suffixes())}"
        )
    for part, paths in parts.items():
        if len({_SHARD.sub("", _stem(path)) for path in paths}) > 1 or len({path.parent for path in paths}) > 1:
            names = ", ".join(str(path.relative_to(folder)) for path in paths[:10])
            raise InputError(
                f"task data {folder}: {len(paths)} files for the {part} part: {names}; give the folder of one set,"
                " of a hub dataset org/name@commit:config"
            )
        if len(paths) > 1 and not all(_SHARD.search(_stem(path)) for path in paths):
            names = ", ".join(path.name for path in paths)
            raise InputError(f"task data {folder}: {len(paths)} files for the {part} part: {names}; keep one of them")
    return {part: tuple(paths) for part, paths in parts.items()}


def _sorted_out(folder: Path, paths: Iterable[Path]) -> tuple[dict[str, list[Path]], list[Path]]:
    """Return the data files by part, and those of no part; a lone `.txt` is taken for a note."""
    parts: dict[str, list[Path]] = {}
    for path in sorted(paths):
        if path.is_file() and _is_data(path) and not path.name.startswith("."):
            parts.setdefault(_part(path.relative_to(folder)), []).append(path)
    return parts, [path for path in parts.pop("", []) if suffix(path) != NOTES]


def _is_data(path: Path) -> bool:
    """Tell by the name: a known suffix, or, as CoNLL and WikiANN have it, the part as the suffix or the whole name."""
    return suffix(path) in suffixes() or bare_name(path).rpartition(".")[2] in _WORDS


def _stem(path: Path) -> str:
    return path.name[: path.name.lower().rindex(suffix(path))] if suffix(path) in suffixes() else path.name


def _part(path: Path) -> str:
    """Return the part that a file's name tells, or else the nearest folder's; nothing if none or two do."""
    for name in (_stem(path), *(parent.name for parent in path.parents)):
        told = {_WORDS[word] for word in re.split(r"[^a-z]+", name.lower()) if word in _WORDS}
        if told:
            return told.pop() if len(told) == 1 else ""
    return ""
