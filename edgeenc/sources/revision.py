"""Which commit a model's name without one means: the hub is asked once, and the answer is what the build keeps."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from edgeenc.errors import InputError, UsageError
from edgeenc.machine.disk import on_disk
from edgeenc.sources.hub import COMMIT, HEX, HUB_NAME, Pin, asking, cached, is_offline, place_of, require_online

BRANCH = "main"
"""The branch that a name without one means, on every model of the hub."""

_BRANCH = re.compile(r"\w[\w.+-]*(/\w[\w.+-]*)*")


@dataclass(frozen=True, slots=True)
class Revision:
    """A model of the hub whose commit was asked for.

    Attributes:
        pin: the model at that commit.
        asked: the branch, tag or beginning of a commit that was typed; None where the whole commit was, or nothing.
        typed: the name as it was typed.
    """

    pin: Pin
    asked: str | None
    typed: str

    @property
    def name(self) -> str:
        """The name with its commit, as a resolved recipe has it."""
        return f"{self.pin.name}@{self.pin.commit}"

    @property
    def said(self) -> str:
        """What a user is told of it, in one line."""
        return taken_line(self.pin.what, self.typed, self.pin.commit)

    def remember(self) -> None:
        """Note the commit of the branch in the hub's cache, as the hub's library does, for runs without network.

        Only once its files are there: a note that leads to nothing would hide an older version from other programs.

        Raises:
            HostError: the disk is full or forbidden.
        """
        if self.asked is not None and HEX.fullmatch(self.asked):
            return
        note = place_of(self.pin) / "refs" / (self.asked or BRANCH)
        with on_disk(note):
            if not note.is_file() or note.read_text(encoding="utf-8").strip() != self.pin.commit:
                note.parent.mkdir(parents=True, exist_ok=True)
                note.write_text(self.pin.commit, encoding="utf-8")


def taken_line(what: str, typed: str, commit: str) -> str:
    """Return what a user is told of a name that left the commit open."""
    return f"{what} {typed}: taken at commit {commit}"


def revision_of(spec: str, what: str, *, offline: bool, whole: Callable[[Path], bool]) -> Revision | None:
    """Return the commit that `org/name`, or `org/name@branch`, means now; None where `spec` needs none.

    Offline it is the newest in the hub's cache that is whole: what its branch was last seen at, or else the newest
    folder; of a branch that is named, only what that was last seen at.

    Args:
        spec: as typed; it has been looked for as a folder.
        what: what the model is to the build, as messages call it.
        offline: look into the hub's cache only.
        whole: tells whether a folder of the cache has all files that are needed.

    Raises:
        InputError: the hub cannot be asked, or has no such model or branch; or, offline, nothing is cached.
        UsageError: the hub gives no such names.
    """
    parsed = HUB_NAME.fullmatch(spec)
    if parsed is None or parsed["config"] or parsed["column"]:
        return None
    asked = parsed["commit"]
    if asked is not None and COMMIT.fullmatch(asked):
        return None
    if asked is not None and not _BRANCH.fullmatch(asked):
        raise UsageError(
            f"{what} {spec}: no such folder, and {asked!r} is no branch, tag or commit of a model of the hub; leave"
            " out @ and what follows for the newest, or write all 40 hexadecimal digits of a commit"
        )
    pin, called = Pin("model", what, parsed["name"], asked or BRANCH), f"{what} {spec}: no such folder; "
    cached(pin)  # checks the name
    here = _at_hand(place_of(pin), asked, whole)
    if is_offline(offline) and not here:
        require_online(pin, "as a model of the hub it is", offline=True, called=called)
    found = here if is_offline(offline) else _of_today(pin, called, here)
    return Revision(Pin("model", what, pin.name, found), asked, spec)


def _of_today(pin: Pin, called: str, here: str) -> str:
    """Return the commit that the hub names; `here` is what the cache could give in its place.

    Raises:
        InputError: the hub cannot be asked, or has no such model or branch.
    """
    from huggingface_hub import HfApi, constants
    from huggingface_hub.errors import HfHubHTTPError

    try:
        with asking(pin, f"the commit of {pin.commit}", called):
            patience = float(constants.HF_HUB_DOWNLOAD_TIMEOUT)
            found = HfApi().repo_info(pin.name, repo_type="model", revision=pin.commit, timeout=patience).sha or ""
    except InputError as error:
        if here and not isinstance(error.__cause__, HfHubHTTPError):
            raise InputError(f"{error}; or take {here}, which is cached, with --offline") from error
        raise
    if not COMMIT.fullmatch(found):
        raise InputError(f"{called}the hub named no commit of {pin.commit}; give one: {pin.name}@<40 hex digits>")
    return found


def _at_hand(place: Path, asked: str | None, whole: Callable[[Path], bool]) -> str:
    """Return the commit in the cache that a name means, one whose files are whole before others; or nothing."""
    found = list(_noted(place, asked))
    return next((commit for commit in found if whole(place / "snapshots" / commit)), found[0] if found else "")


def _noted(place: Path, asked: str | None) -> Iterator[str]:
    """Yield the commits in the cache that a name can mean, the best first."""
    with suppress(OSError, UnicodeDecodeError):
        noted = (place / "refs" / (asked or BRANCH)).read_text(encoding="utf-8").strip()
        if COMMIT.fullmatch(noted):
            yield noted
    folders: list[Path] = []
    with suppress(OSError):
        folders = sorted((place / "snapshots").iterdir(), key=lambda each: each.stat().st_mtime_ns, reverse=True)
    commits = [each.name for each in folders if COMMIT.fullmatch(each.name)]
    if asked is None:
        yield from commits
    elif HEX.fullmatch(asked):
        begun = [commit for commit in commits if commit.startswith(asked.lower())]
        yield from begun if len(begun) == 1 else ()
