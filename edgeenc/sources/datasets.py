"""Datasets of the hub as folders of data files; scripts are never fetched, so none can run."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from edgeenc.errors import InputError, UsageError
from edgeenc.machine.disk import on_disk, seal
from edgeenc.record.form import parse, plain
from edgeenc.sources.hub import Pin, fetch, own_folder, pinned, require_online

DATA = (".parquet", ".jsonl", ".jsonl.gz", ".csv", ".tsv", ".conllu", ".txt")
_NO_DATA = ("requirements.txt", "license.txt", "licence.txt", "readme.txt")


@dataclass(frozen=True, slots=True)
class KeptFile:
    """The size of a file that was fetched, as the list beside the folder has it."""

    bytes: int


def dataset_folder(spec: str, *, offline: bool) -> Path:
    """Return a folder with the data files of a dataset of the hub, and nothing else; subfolders as on the hub.

    A config picks the files that lie in a folder of its name, or whose names begin with it: `tgl_Latn` picks
    `data/tgl_Latn/train.tsv`, `tl_trg` picks `tl_trg-ud-test.conllu`.

    Args:
        spec: `org/name@commit` with the 40 hex digits of a commit, and `:config` where only a part is wanted.
        offline: look into the hub's cache only. `HF_HUB_OFFLINE`, `HF_ENDPOINT` and `HF_HOME` hold as elsewhere.

    Raises:
        UsageError: no name of the hub's, or one without its commit.
        InputError: the dataset is not in the cache and cannot be fetched, or has no data files, or not this config.
        HostError: the disk is full or forbidden.
    """
    pin = pinned(spec, "dataset", "dataset")
    if pin is None or pin.column:
        raise UsageError(f"dataset {spec}: expected org/name@commit of the hub, and :config where it has several")
    found = _kept(pin)
    if found is not None:
        return found
    missing = f"the data files{f' of {pin.config}' if pin.config else ''}"
    require_online(pin, f"{missing} are", offline=offline)
    folder, names = fetch(pin, partial(data_files, pin), missing)
    return _keep(pin, folder, names)


def data_files(pin: Pin, names: Sequence[str]) -> list[str]:
    """Return which of a dataset's files are data, and belong to its config.

    Raises:
        InputError: there are none.
    """
    data = [name for name in names if _is_data(name)]
    if not data:
        scripts = ", ".join(name for name in names if name.endswith(".py"))
        said = f"only a script ({scripts}), which is not run" if scripts else "none"
        raise InputError(
            f"{pin}: expected data files ({', '.join(DATA)}), found {said}; try a commit of the dataset's branch"
            " refs/convert/parquet"
        )
    picked = [name for name in data if not pin.config or _belongs(PurePosixPath(name), pin.config)]
    if not picked:
        folders = sorted({part for name in data for part in PurePosixPath(name).parts[:-1]})
        known = ", ".join(folders[:40]) or ", ".join(data[:40])
        raise InputError(f"{pin}: no data files of {pin.config!r}; there are {known}")
    return picked


def _is_data(name: str) -> bool:
    path = PurePosixPath(name.lower())
    return path.name.endswith(DATA) and path.name not in _NO_DATA and not path.name.startswith(".")


def _belongs(path: PurePosixPath, config: str) -> bool:
    rest = path.name.removeprefix(config)
    return config in path.parts[:-1] or (rest != path.name and rest[0] in "-_.")


def _kept(pin: Pin) -> Path | None:
    """Return the folder of a dataset that was fetched whole before, if every file is still there in its size."""
    place = own_folder(pin) / (pin.config or "all")
    with suppress(OSError, ValueError):  # what cannot be read is fetched again
        files = parse(dict[str, KeptFile], place.with_name(f"{place.name}.json").read_bytes())
        if all((place / name).stat().st_size == file.bytes for name, file in files.items()):
            return place
    return None


def _keep(pin: Pin, snapshot: Path, names: Sequence[str]) -> Path:
    """Make the folder: links to the hub's own files, and last, beside it, the list of them with sizes and hashes."""
    place = own_folder(pin) / (pin.config or "all")
    files = {}
    with on_disk(place):
        for name in names:
            link = place / name
            link.parent.mkdir(parents=True, exist_ok=True)
            link.unlink(missing_ok=True)
            with suppress(FileExistsError):  # another process is at the same
                link.symlink_to(os.path.relpath(snapshot / name, link.parent))
            files[name] = seal(link)
        record, fresh = place.with_name(f"{place.name}.json"), place.with_name(f"{place.name}.{os.getpid()}")
        fresh.write_text(json.dumps(plain(files), indent=1) + "\n", encoding="utf-8")
        fresh.rename(record)
    return place
