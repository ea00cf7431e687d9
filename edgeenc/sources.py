"""Where a teacher and a text come from: the kit in the package, a folder, or a model of the hub pinned to a commit.

The only module that touches the network, and only for a hub teacher that is not in the hub's cache yet.
"""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

from edgeenc.disk import trouble
from edgeenc.errors import HostError, InputError, UsageError

STARTER = "starter"

NEEDED = ("config.json", "model.safetensors", "tokenizer.json")
"""Without one of these a folder is no checkpoint; the others that are fetched can be made from them."""

_FETCHED = ["config.json", "model.safetensors", "tokenizer*.json", "special_tokens_map.json", "vocab.txt"]
"""Never pickled weights, which can run code, nor code."""

_HUB_ID = re.compile(r"(?P<id>[\w-][\w.-]*/[\w-][\w.-]*)(?:@(?P<revision>.*))?")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_PACKAGE = Path(__file__).resolve().parent


def teacher_folder(spec: str, *, offline: bool) -> Path:
    """Return the checkpoint folder of a teacher.

    Args:
        spec: `starter`, the path of a folder, or `org/name@commit` with the 40 hex digits of a commit of the hub.
        offline: look into the hub's cache only. `HF_HUB_OFFLINE`, `HF_ENDPOINT` and `HF_HOME` hold as elsewhere.

    Raises:
        UsageError: a model of the hub without the commit that says which of its versions is meant.
        InputError: no such folder; or the model is not in the cache and cannot be fetched, or lacks a file.
        HostError: the package lacks its kit, or the disk is full.
    """
    if spec == STARTER:
        return data_folder("starter") / "model"
    folder = Path(spec).expanduser()
    with suppress(OSError):  # a name that the system cannot even look at is no folder
        if spec and folder.is_dir():
            return folder
    asked = _HUB_ID.fullmatch(spec)
    if asked is None:
        raise InputError(
            f"teacher {spec}: no such folder; expected `{STARTER}`, a folder, or org/name@commit of the hub"
        )
    if not _COMMIT.fullmatch(asked["revision"] or ""):
        found = f"{asked['revision']!r} can change" if asked["revision"] else "it names no version"
        raise UsageError(
            f"teacher {spec}: no such folder, and as a model of the hub {found}; pin it to a commit:"
            f" {asked['id']}@<40 hex digits, shown in the history of the model's files>"
        )
    return _hub_folder(asked["id"], asked["revision"], offline)


def starter_corpus(language: str) -> tuple[Path, Path]:
    """Return the training text and the held-out text of the kit for a language (`tl`, `mt`, `sk`, `sw`).

    Raises:
        InputError: the kit has no text of this language.
        HostError: the package lacks its kit.
    """
    folder = data_folder("starter") / "text"
    pair = folder / f"{language}.train.txt.xz", folder / f"{language}.heldout.txt.xz"
    if all(path.is_file() for path in pair):
        return pair
    known = ", ".join(sorted(path.name.removesuffix(".train.txt.xz") for path in folder.glob("*.train.txt.xz")))
    raise InputError(
        f"corpus of {language}: the starter kit has text of {known or 'no language'} only; give your own with"
        " --corpus FILE (UTF-8, one sentence or paragraph per line)"
    )


def data_folder(name: str) -> Path:
    """Return a folder that ships with the package, `starter` or `recipes`; a checkout has `recipes` beside it.

    Raises:
        HostError: it is not there.
    """
    for place in (_PACKAGE / name, _PACKAGE.parent / name):
        if place.is_dir():
            return place
    raise HostError(f"{_PACKAGE / name}: missing from the installation of edgeenc; install it again")


def _hub_folder(name: str, commit: str, offline: bool) -> Path:
    """Return the folder of a hub model in the hub's cache, fetching what is missing."""
    from huggingface_hub import constants, snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        folder = Path(snapshot_download(name, revision=commit, allow_patterns=_FETCHED, local_files_only=True))
        missing = _missing(folder)
        if not missing:
            return folder
    except LocalEntryNotFoundError:
        missing = " and ".join(NEEDED)
    except ValueError as error:
        raise UsageError(f"teacher {name}@{commit}: no name of a model of the hub ({error})") from None
    if offline or constants.HF_HUB_OFFLINE:
        raise InputError(
            f"teacher {name}@{commit}: {missing} not in the hub's cache, and this run is offline;"
            " run once with network, or fetch the files elsewhere into a folder and give its path"
        )
    try:
        folder = Path(snapshot_download(name, revision=commit, allow_patterns=_FETCHED))
    except Exception as error:  # hub 0.x raises errors of requests, 1.x of httpx; they share no other ancestor
        cache = Path(constants.HF_HUB_CACHE)
        raise trouble(error, cache) or InputError(f"teacher {name}@{commit}: {_reason(error, missing)}") from error
    if missing := _missing(folder):
        raise InputError(
            f"teacher {name}@{commit}: {missing} not found; the model has no such file, or the hub could not be reached"
        )
    return folder


def _missing(folder: Path) -> str:
    return " and ".join(name for name in NEEDED if not (folder / name).is_file())


def _reason(error: Exception, missing: str) -> str:
    """Return why the hub gave nothing, and what to do."""
    from huggingface_hub import errors

    if isinstance(error, errors.GatedRepoError):
        return "the hub gives it only to who has accepted its terms; accept them on the model's page and set HF_TOKEN"
    if isinstance(error, errors.RevisionNotFoundError):
        return "the model has no such commit; take one from the history of its files"
    if isinstance(error, errors.RepositoryNotFoundError):
        return "the hub has no such model, or it is private; check the name, or set HF_TOKEN"
    cause = error.__cause__ if isinstance(error, errors.LocalEntryNotFoundError) and error.__cause__ else error
    first = (str(cause).strip() or type(cause).__name__).splitlines()[0][:200]
    return f"{missing} cannot be fetched ({first}); check the network and run again; what has come is kept"
