"""The hub: names pinned to a commit, files fetched into the hub's own cache, every file held against its hash."""

from __future__ import annotations

import glob
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from edgeenc.errors import EdgeencError, InputError, UsageError
from edgeenc.machine.disk import on_disk, trouble

if TYPE_CHECKING:
    from huggingface_hub.hf_api import RepoSibling

Kind = Literal["model", "dataset"]

HUB_NAME = re.compile(
    r"(?P<name>[\w-][\w.-]*/[\w-][\w.-]*)(?:@(?P<commit>[^:#]*))?(?::(?P<config>[\w.+-]+))?(?:#(?P<column>[\w.-]+))?"
)
_ADDRESS = re.compile(
    r"(?:https?://|(?=(?:www\.)?(?:huggingface\.co|hf\.co)/))(?:(?:www\.)?(?:huggingface\.co|hf\.co)/"
    r"(?P<name>[\w-][\w.-]*/[\w-][\w.-]*)(?:/(?:tree|blob|resolve|commit)/(?P<version>[^/?#]+))?)?"
)
COMMIT = re.compile(r"[0-9a-f]{40}")
"""All digits of a commit; a name with fewer can mean another version tomorrow."""

HEX = re.compile(r"[0-9a-fA-F]{7,}")
"""The beginning of a commit, or one that is spelt wrong."""


@dataclass(frozen=True, slots=True)
class Pin:
    """A version of a model or dataset of the hub.

    Attributes:
        kind: `model` or `dataset`.
        what: what it is to the build, as messages call it: `teacher`, `dataset`, `corpus`.
        name: `org/name`.
        commit: 40 hexadecimal digits.
        config: the part of a dataset that is meant, often a language; empty for all of it.
        column: the column that holds the text; empty where it goes without saying.
    """

    kind: Kind
    what: str
    name: str
    commit: str
    config: str = ""
    column: str = ""

    def __str__(self) -> str:
        tail = (f":{self.config}" if self.config else "") + (f"#{self.column}" if self.column else "")
        return f"{self.what} {self.name}@{self.commit}{tail}"


def require_no_address(spec: str, what: str) -> None:
    """Refuse the address of a page in the place of a name.

    Raises:
        UsageError: it is one; the message has the name that is in it.
    """
    if (found := _ADDRESS.match(spec)) is None:
        return
    name, version = found.group("name"), found.group("version")
    meant = f"`{name}{f'@{version}' if version else ''}`" if name else "org/name of the hub, or a folder"
    raise UsageError(f"{what} {spec}: an address; write {meant}")


def pinned(spec: str, kind: Kind, what: str) -> Pin | None:
    """Return what `org/name@commit[:config][#column]` means, or None where `spec` is no name of the hub's at all.

    Raises:
        UsageError: it is one, but without the commit that says which of its versions is meant.
    """
    asked = HUB_NAME.fullmatch(spec)
    if asked is None:
        return None
    name, commit, config, column = (part or "" for part in asked.groups())
    if kind == "model" and (config or column):
        return None
    if not COMMIT.fullmatch(commit):
        found = f"{commit!r} can change" if commit else "it names no version"
        raise UsageError(
            f"{what} {spec}: no such folder, and as a {kind} of the hub {found}; pin it to a commit:"
            f" {name}@<40 hex digits, shown in the history of the {kind}'s files>"
        )
    return Pin(kind, what, name, commit, config, column)


def cached(pin: Pin) -> Path | None:
    """Return the folder in the hub's cache that holds files of `pin`, perhaps not all of them; no network is used.

    Raises:
        UsageError: the hub gives no such names.
    """
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        try_to_load_from_cache(pin.name, "config.json", revision=pin.commit, repo_type=pin.kind)  # checks the name
    except HFValidationError as error:
        raise UsageError(f"{pin}: no name of a {pin.kind} of the hub ({error})") from None
    folder = place_of(pin) / "snapshots" / pin.commit
    return folder if folder.is_dir() else None


def place_of(pin: Pin) -> Path:
    """Return where the hub's library keeps what it fetches of a model or dataset."""
    from huggingface_hub import constants
    from huggingface_hub.file_download import repo_folder_name

    return Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=pin.name, repo_type=pin.kind)


def own_folder(pin: Pin) -> Path:
    """Return where edgeenc keeps what it makes of a dataset: inside the dataset's place in the hub's cache.

    So it goes where that goes, and is deleted with it.
    """
    return place_of(pin) / "edgeenc" / pin.commit


def is_offline(offline: bool) -> bool:
    """Tell whether nothing may be fetched: by an option, or by `HF_HUB_OFFLINE`."""
    from huggingface_hub import constants

    return offline or constants.HF_HUB_OFFLINE


def require_online(pin: Pin, missing: str, *, offline: bool, called: str = "") -> None:
    """Refuse to go on where `missing` is not in the cache and the network may not be used.

    Args:
        pin: which version.
        missing: what is not there.
        offline: whether nothing may be fetched.
        called: what the message begins with; the version with its commit where it is empty.

    Raises:
        InputError: `offline` or `HF_HUB_OFFLINE` is set.
    """
    if is_offline(offline):
        raise InputError(
            f"{called or f'{pin}: '}{missing} not in the hub's cache, and this run is offline;"
            " run `edgeenc fetch` once with network, or fetch the files elsewhere into a folder and give its path"
        )


@contextmanager
def asking(pin: Pin, missing: str, called: str = "") -> Iterator[None]:
    """Turn whatever goes wrong between here and the hub into a sentence with advice.

    It begins with `called`, or else with the version and its commit.

    Raises:
        InputError: the hub cannot be reached or refuses; `missing` is what could not be had.
        HostError: the disk is full or forbidden.
        UsageError: the hub gives no such names.
    """
    from huggingface_hub import constants
    from huggingface_hub.errors import HFValidationError

    try:
        yield
    except EdgeencError:
        raise
    except HFValidationError as error:
        raise UsageError(f"{pin}: no name of a {pin.kind} of the hub ({error})") from None
    except Exception as error:  # hub 0.x raises errors of requests, 1.x of httpx; they share no other ancestor
        full = trouble(error, Path(constants.HF_HUB_CACHE))
        raise full or InputError(f"{called or f'{pin}: '}{_reason(error, pin, missing)}") from error


def listing(pin: Pin) -> Mapping[str, RepoSibling]:
    """Return every file of a version by its name, with what the hub says of its size and hash."""
    from huggingface_hub import HfApi, constants

    patience = float(constants.HF_HUB_DOWNLOAD_TIMEOUT)  # without it the library would wait for ever
    found = HfApi().repo_info(pin.name, repo_type=pin.kind, revision=pin.commit, timeout=patience, files_metadata=True)
    return {file.rfilename: file for file in found.siblings or ()}


def fetch(pin: Pin, choose: Callable[[Sequence[str]], Sequence[str]], missing: str) -> tuple[Path, list[str]]:
    """Fetch the files that `choose` picks from the listing; return the folder in the cache and their names, sorted.

    What is in the cache already stays; a broken download goes on where it ended.

    Args:
        pin: which version.
        choose: is given all names; what it raises is passed on.
        missing: what the message says could not be had.

    Raises:
        InputError: the hub cannot be reached, refuses, or what came is not what it announced.
        HostError: the disk is full or forbidden.
    """
    from huggingface_hub import snapshot_download

    with asking(pin, missing):
        files = listing(pin)
        names = sorted(choose(sorted(files)))
        patterns = [glob.escape(name) for name in names]
        folder = Path(snapshot_download(pin.name, repo_type=pin.kind, revision=pin.commit, allow_patterns=patterns))
    lost = [name for name in names if not (folder / name).is_file()]
    if lost:
        raise InputError(f"{pin}: {' and '.join(lost)} not found; the hub could not be reached, run again")
    _check(pin, folder, {name: files[name] for name in names})
    return folder, names


def _check(pin: Pin, folder: Path, files: Mapping[str, RepoSibling]) -> None:
    """Hold every file against the hash that the hub gave for it; what differs is removed from the cache.

    Raises:
        InputError: a file differs.
    """
    for name, file in files.items():
        path = folder / name
        with on_disk(path):
            found, expected = _hashes(path, file)
            if found == expected:
                continue
            target = path.resolve()
            path.unlink()
            with suppress(FileNotFoundError):
                target.unlink()
        raise InputError(
            f"{pin}: {name} is damaged: its hash is {found}, the hub announced {expected}; it has been removed, so that"
            " the next run fetches it again"
        )


def _hashes(path: Path, file: RepoSibling) -> tuple[str, str]:
    """Return the hash of a file and the one that it should have: sha256 of a large file, git's own of a small one.

    A hub that announces neither is believed.
    """
    if file.lfs is not None:
        with path.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest(), file.lfs.sha256
    if file.blob_id is None:
        return "", ""
    content = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest(), file.blob_id


def _reason(error: Exception, pin: Pin, missing: str) -> str:
    """Return why the hub gave nothing, and what to do."""
    from huggingface_hub import constants, errors

    if isinstance(error, errors.GatedRepoError):
        page = f"the {pin.kind}'s page"
        return f"the hub gives it only to who has accepted its terms; accept them on {page} and set HF_TOKEN"
    if isinstance(error, errors.RevisionNotFoundError):
        return f"the {pin.kind} has no {_version(pin)}; take one from the history of its files"
    if isinstance(error, errors.RepositoryNotFoundError):
        return f"the hub has no such {pin.kind}, or it is private; check the name, or set HF_TOKEN"
    cause = error.__cause__ if isinstance(error, errors.LocalEntryNotFoundError) and error.__cause__ else error
    first = (str(cause).strip() or type(cause).__name__).splitlines()[0][:200]
    if "timed out" in first.lower() or "timeout" in type(cause).__name__.lower():
        return (
            f"{missing} cannot be fetched: the hub was silent for too long ({first}); run again, on a slow line with"
            " HF_HUB_DOWNLOAD_TIMEOUT=60 (seconds); files that came whole are kept"
        )
    if type(cause).__name__ in ("ConnectionError", "ConnectError"):  # of requests and of httpx, with long reprs inside
        first = f"{constants.ENDPOINT} cannot be reached"
    return f"{missing} cannot be fetched ({first}); check the network and run again; files that came whole are kept"


def _version(pin: Pin) -> str:
    """Return what was asked for in place of a commit, and why it may be none."""
    if COMMIT.fullmatch(pin.commit):
        return "such commit"
    digits = len(pin.commit)
    if digits == 40 and COMMIT.fullmatch(pin.commit.lower()):
        return f"commit {pin.commit} (its letters are written small)"
    short = f" (a commit has 40 hexadecimal digits, this has {digits})" if HEX.fullmatch(pin.commit) else ""
    return f"branch, tag or commit {pin.commit}{short}"
