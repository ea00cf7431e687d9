"""Where finished work lives: a folder a step, addressed by its key; manifest last, and it appears by one rename.

    root/
      steps/<key>-<name>/   finished: the step's files and manifest.json
      work/<key>-<name>/    in the making: folder/ is filled and renamed into steps/, scratch/ holds checkpoints
      vectors/<key>-<name>/ sentence vectors of the encoder that the step made, by the hash of their texts: a cache
      locks/<key>           held by the process that makes the step; the kernel lets go of it when the process dies

There is no other state: what is under steps/ is whole, what is under work/ and vectors/ can be thrown away. A bundle is
published in the same way, through a hidden folder `.<name>.edgeenc` beside it that holds a lock and the copy in the
making.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal, TypeAlias

from edgeenc.errors import HostError, UsageError
from edgeenc.machine.arrays import ArrayFolder
from edgeenc.machine.disk import (
    Tell,
    appear,
    files_of,
    is_locked,
    locked,
    on_disk,
    seal,
    share_lock,
    trouble,
    try_lock,
)
from edgeenc.record.form import Json, parse, read_json
from edgeenc.record.stamp import Stamp

MANIFEST = "manifest.json"
IN_USE = "in-use"
BUNDLE_MARK = "edgeenc_bundle"
"""The field of a bundle's own `manifest.json` by which a folder is known as ours, and may be replaced."""

State: TypeAlias = Literal["finished", "damaged", "unfinished", "at work"]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a step says of itself when it is done; `inputs` maps the name of each input to its key."""

    kind: str
    inputs: dict[str, str]
    seconds: float
    versions: dict[str, str]
    host: dict[str, Json]
    figures: dict[str, Json]


@dataclass(frozen=True, kw_only=True)
class Manifest(Outcome):
    """The outcome of a finished step, and its files by their path inside the folder."""

    key: str
    name: str
    files: dict[str, Stamp]

    def to_json(self) -> str:
        """Return the text of `manifest.json`."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Manifest:
        """Read what `to_json` wrote.

        Raises:
            ValueError: the text is not JSON, or not an object with exactly the fields of a manifest, or no files.
        """
        found: Any = read_json(text)
        expected = {field.name for field in fields(cls)}
        if not isinstance(found, dict) or set(found) != expected:
            raise ValueError(f"expected the fields {', '.join(sorted(expected))}")
        return cls(files=parse(dict[str, Stamp], found.pop("files")), **found)


@dataclass(frozen=True)
class Draft:
    """A step in the making: fill `folder`; `scratch` keeps checkpoints through a kill; `done` is set if it is made."""

    key: str
    name: str
    folder: Path
    scratch: Path
    done: Manifest | None


@dataclass(frozen=True)
class Entry:
    """One line of `edgeenc store list`; `at work` means that a living process holds the step's lock."""

    key: str
    name: str
    state: State
    bytes: int


@dataclass(frozen=True)
class Store:
    """The addressed folders under `root`."""

    root: Path

    def folder(self, key: str, name: str) -> Path:
        """Return where the finished step is, or will be."""
        return self.root / "steps" / f"{key}-{name}"

    def manifest(self, key: str, name: str) -> Manifest | None:
        """Return the manifest of a finished step, or None. Sizes of its files are checked, hashes are not.

        Raises:
            HostError: the manifest is damaged, or a file of the step is missing or of another size.
        """
        folder = self.folder(key, name)
        with on_disk(folder):
            raw = (folder / MANIFEST).read_bytes() if (folder / MANIFEST).is_file() else None
        if raw is None:
            return None
        try:
            found = Manifest.from_json(raw.decode())
            for path, stamp in found.files.items():
                if not (folder / path).is_file() or (folder / path).stat().st_size != stamp.bytes:
                    raise ValueError(f"{path} is missing or not of {stamp.bytes:,} bytes")
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            advice = "run `edgeenc store clean`, which removes it, and build again"
            raise HostError(f"step {name}: {folder} is damaged ({error}); {advice}") from None
        return found

    @contextmanager
    def building(self, key: str, name: str, tell: Tell = lambda _: None) -> Iterator[Draft]:
        """Hold the step's lock and give a draft to fill, unless `draft.done`: another build may have made it.

        Args:
            key: address of the step, without a hyphen.
            name: name of the step, for people.
            tell: given a sentence if another process holds the lock and this one waits.

        Raises:
            HostError: the disk is full or not writable, whoever inside ran into it; nothing appears, checkpoints stay.
        """
        place = self._work(key, name)
        with locked(self._lock(key), f"step {name}", tell):
            draft = Draft(key, name, place / "folder", place / "scratch", self.manifest(key, name))
            try:
                with on_disk(place):
                    # of a finished step, something is left here only if a kill came right after the rename
                    shutil.rmtree(place if draft.done else draft.folder, ignore_errors=True)
                    if draft.done is None:
                        draft.folder.mkdir(parents=True)
                        draft.scratch.mkdir(exist_ok=True)
                yield draft
            except Exception as error:
                if (full := trouble(error, self.root)) is not None:
                    raise full from error
                raise
            finally:
                shutil.rmtree(draft.folder, ignore_errors=True)

    def commit(self, draft: Draft, outcome: Outcome) -> Manifest:
        """Hash the draft's files and force them to the disk, write the manifest, let the folder appear.

        Raises:
            HostError: the disk is full or not writable; nothing appears.
            ValueError: the draft has a `manifest.json` of its own at the top; such a folder goes into a subfolder.
        """
        if (draft.folder / MANIFEST).exists():
            raise ValueError(f"step {draft.name}: {MANIFEST} at the top of a step's folder belongs to the store")
        target = self.folder(draft.key, draft.name)
        with on_disk(self.root):
            files = {path: seal(draft.folder / path) for path in files_of(draft.folder)}
            manifest = Manifest(key=draft.key, name=draft.name, files=files, **vars(outcome))
            (draft.folder / MANIFEST).write_text(manifest.to_json(), encoding="utf-8")
            seal(draft.folder / MANIFEST)
            target.parent.mkdir(exist_ok=True)
            appear(draft.folder, target, aside=draft.folder.with_name("old"))
        shutil.rmtree(self._work(draft.key, draft.name), ignore_errors=True)
        return manifest

    def vectors(self, key: str, name: str) -> ArrayFolder:
        """Return where the sentence vectors of what a step made are kept."""
        return ArrayFolder(self.root / "vectors" / f"{key}-{name}")

    def list(self) -> tuple[Entry, ...]:
        """Return every step that is finished or begun, by name and key, and then the vectors that are kept."""
        return (*self._steps(), *self._vectors())

    def _vectors(self) -> tuple[Entry, ...]:
        with on_disk(self.root):
            folders = sorted((self.root / "vectors").glob("*-*"))
            named = [(folder.name.split("-", 1), _bytes_under(folder)) for folder in folders]
        return tuple(Entry(key, f"vectors of {name}", "finished", size) for (key, name), size in named)

    def _steps(self) -> tuple[Entry, ...]:
        with on_disk(self.root):
            labels = {place.name for part in ("steps", "work") for place in (self.root / part).glob("*-*")}
            entries = [self._entry(*label.split("-", 1)) for label in labels]
        return tuple(sorted(entries, key=lambda entry: (entry.name, entry.key)))

    def clean(self, what: Literal["unfinished", "everything"] = "unfinished") -> tuple[Entry, ...]:
        """Remove unfinished and damaged steps, or every step, and return what was removed.

        What a living process is making stays; and while a build uses the store, all finished steps stay, for it may
        need them. Sentence vectors go where every step goes.
        """
        entries = self._steps()
        idle = [entry for entry in entries if entry.state != "at work"]
        with on_disk(self.root):
            unused = try_lock(self._lock(IN_USE))
            kept = "" if what == "everything" and unused and len(idle) == len(entries) else "finished"
            removed = tuple(entry for entry in idle if self._remove(entry.key, entry.name, kept))
            if what == "everything" and unused:
                removed += self._vectors()
                shutil.rmtree(self.root / "vectors", ignore_errors=True)
            if unused:
                self._lock(IN_USE).unlink()
                unused.close()
        return removed

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Say for as long as the block runs that finished steps are needed, so that `clean` leaves them."""
        with on_disk(self.root):
            file = share_lock(self._lock(IN_USE))
        with file:
            yield

    def _remove(self, key: str, name: str, kept: str) -> bool:
        """Remove what is under work/, and the step unless its state is `kept`; return whether the step is gone."""
        folder, place = self.folder(key, name), self._work(key, name)
        if (file := try_lock(self._lock(key))) is None:
            return False
        with file:
            shutil.rmtree(place, ignore_errors=True)
            gone = self._state(key, name) != kept
            if gone and folder.exists():  # moved first: a kill while deleting leaves no half step to be seen
                place.mkdir(parents=True)
                os.rename(folder, place / "folder")
                shutil.rmtree(place)
            self._lock(key).unlink()
        return gone

    def _state(self, key: str, name: str) -> State:
        try:
            return "unfinished" if self.manifest(key, name) is None else "finished"
        except HostError:
            return "damaged"

    def _entry(self, key: str, name: str) -> Entry:
        state, size = self._state(key, name), _bytes_under(self.folder(key, name)) + _bytes_under(self._work(key, name))
        if state != "finished" and is_locked(self._lock(key)):
            state = "at work"
        return Entry(key, name, state, size)

    def _work(self, key: str, name: str) -> Path:
        return self.root / "work" / f"{key}-{name}"

    def _lock(self, key: str) -> Path:
        return self.root / "locks" / key


def default_root() -> Path:
    """Return the store in the user's cache folder."""
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("edgeenc"))


def check_destination(destination: Path) -> Path:
    """Return the absolute path to publish at, links followed. Ask before a build, so that no minutes are spent in vain.

    Raises:
        UsageError: something is there that is not a bundle of ours.
        HostError: the place cannot be looked at.
    """
    with on_disk(destination):
        place = destination.expanduser().resolve()
        if not place.exists():
            return place
        manifest = place / MANIFEST
        text = manifest.read_bytes() if manifest.is_file() else b"null"
    with suppress(ValueError):
        found = read_json(text)
        if isinstance(found, dict) and BUNDLE_MARK in found:
            return place
    raise UsageError(
        f"-o {destination}: exists and is no bundle of edgeenc, so it is not replaced; choose another folder"
    )


def publish(source: Path, destination: Path, tell: Tell = lambda _: None) -> Path:
    """Copy the bundle `source` to `destination`, where only a whole one is ever seen; return its absolute path.

    A bundle of ours that is there already is replaced. Only where the system cannot exchange two folders in one
    act can a kill leave neither; the old one then waits in the hidden folder, and the next publication puts it back.

    Raises:
        UsageError: something is there that is not a bundle of ours.
        HostError: the disk is full or not writable; what was there before is there still.
    """
    place = check_destination(destination)
    staging = place.parent / f".{place.name}.edgeenc"
    fresh, aside = staging / "new", staging / "old"
    with locked(staging / "lock", f"-o {destination}", tell), on_disk(place):
        try:
            _tidy(place, fresh, aside)
            for path in files_of(source):
                (fresh / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source / path, fresh / path)
                seal(fresh / path)
            appear(fresh, check_destination(place), aside)
        finally:
            _tidy(place, fresh, aside)
            (staging / "lock").unlink()
            with suppress(OSError):  # the next in line may be in it already
                staging.rmdir()
    return place


def _tidy(place: Path, fresh: Path, aside: Path) -> None:
    """Undo what a kill or a failed rename left: the old bundle comes back where there is none, the rest goes."""
    if aside.exists() and not place.exists():
        os.rename(aside, place)
    for leftover in (fresh, aside):
        shutil.rmtree(leftover, ignore_errors=True)


def _bytes_under(folder: Path) -> int:
    """Return the bytes of all files under `folder`; those that vanish meanwhile count nothing."""
    total = 0
    for base, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):
                total += os.stat(os.path.join(base, name)).st_size
    return total
