"""What a disk can promise: a lock that dies with its process, bytes that are there, a folder that appears at once.

Everything here that touches the disk says what is wrong with it in a `HostError`, and how much space is left.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, TypeAlias

from edgeenc.errors import HostError, InputError
from edgeenc.record.stamp import Stamp

Tell: TypeAlias = Callable[[str], None]

_FULL = (errno.ENOSPC, errno.EDQUOT)
_DENIED = (errno.EACCES, errno.EPERM, errno.EROFS)
_PART = 1 << 24
"""Bytes that are hashed at once: so many that a thread which hashes seldom waits for one that runs Python."""
_FULL_IN_RUST = "No space left on device"
"""safetensors and tokenizers wrap the system's error in one of their own, without its number."""


@contextmanager
def on_disk(where: Path) -> Iterator[None]:
    """Turn any error of the file system inside into a sentence about the disk that `where` is on.

    Raises:
        HostError: in place of the `OSError`.
    """
    try:
        yield
    except OSError as error:
        raise trouble(error, where) or host_error(error, where) from error


def trouble(error: Exception, where: Path) -> HostError | None:
    """Return the sentence for a full or forbidden disk, or None where `error` is about something else."""
    number = error.errno if isinstance(error, OSError) else None
    if number in _FULL or _FULL_IN_RUST in str(error):
        return HostError(
            f"{_path(error, where)}: no space left ({free_bytes(where) / 1e6:,.0f} MB free); free some, or choose"
            " another disk with --store and -o; what is finished is kept, and the next run goes on from there"
        )
    return host_error(error, where) if number in _DENIED else None


def host_error(error: Exception, where: Path) -> HostError:
    """Return the sentence for any other error of the file system."""
    reason = getattr(error, "strerror", None) or str(error)
    return HostError(f"{_path(error, where)}: {reason}; make it writable, or choose another folder with --store and -o")


def _path(error: Exception, where: Path) -> str:
    return str(getattr(error, "filename", None) or where)


def is_file(path: Path) -> bool:
    """Tell whether `path` is a file; a name that the system cannot even look at is none."""
    try:
        return path.is_file()
    except OSError:
        return False


def free_bytes(path: Path) -> int:
    """Return the free bytes of the disk that `path`, which need not exist, is or would be on."""
    return shutil.disk_usage(next(p for p in (path.absolute(), *path.absolute().parents) if p.exists())).free


@contextmanager
def locked(path: Path, what: str, tell: Tell) -> Iterator[None]:
    """Hold the lock file `path`; where another process holds it, tell so and wait.

    Raises:
        HostError: the file cannot be made or the file system has no locks.
    """
    with on_disk(path):
        file = take_lock(path, lambda: tell(f"{what}: another build is at it; waiting until it is done"))
    with file:
        yield


def take_lock(path: Path, before_waiting: Callable[[], None]) -> BinaryIO:
    """Lock `path`, which is made if needed, and return it; closing it, or the end of the process, unlocks it.

    The holder of a lock may delete its file; whoever waited sees that the name is gone or new, and tries again.
    """
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            file = path.open("ab")
        except FileNotFoundError:  # the last holder removed the folder meanwhile
            continue
        try:
            _lock(file, before_waiting)
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                    return file
        except BaseException:
            file.close()
            raise
        file.close()


def share_lock(path: Path) -> BinaryIO:
    """Hold `path` together with others that share it; nobody can lock it alone meanwhile."""
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("ab")
        fcntl.flock(file, fcntl.LOCK_SH)
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return file
        file.close()


def try_lock(path: Path) -> BinaryIO | None:
    """Lock `path` as `take_lock` does, or return None where another process holds it."""
    try:
        return take_lock(path, _give_up)
    except BlockingIOError:
        return None


def is_locked(path: Path) -> bool:
    """Tell whether another process holds the lock `path`."""
    file = try_lock(path)
    if file is not None:
        file.close()
    return file is None


def _lock(file: BinaryIO, before_waiting: Callable[[], None]) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        before_waiting()
        fcntl.flock(file, fcntl.LOCK_EX)


def _give_up() -> None:
    raise BlockingIOError


def files_of(folder: Path) -> tuple[str, ...]:
    """Return the sorted relative paths, with forward slashes, of all files under `folder`; () if it is missing."""
    return tuple(sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()))


def seal(path: Path) -> Stamp:
    """Force a file to the disk and return its hash and size."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        os.fsync(file.fileno())
        return Stamp(sha256=digest, bytes=os.fstat(file.fileno()).st_size)


def appear(folder: Path, target: Path, aside: Path) -> None:
    """Give the sealed files of `folder` their place `target` by one rename that survives a power cut.

    A folder that is at `target` already changes places with the new one. Where the system cannot do that in one act,
    it is renamed to `aside` first, and a kill between the two renames leaves it there.
    """
    for inner in (folder, *(path for path in folder.rglob("*") if path.is_dir())):
        _flush(inner)
    if not target.exists():
        os.rename(folder, target)
    elif not exchange(folder, target):
        os.rename(target, aside)
        os.rename(folder, target)
    _flush(target.parent)


def exchange(one: Path, other: Path) -> bool:
    """Let two existing paths change places in one act; return False, with nothing done, where the system cannot."""
    import ctypes

    rename = getattr(ctypes.CDLL(None), "renameat2", None)
    here, swap = -100, 2  # AT_FDCWD and RENAME_EXCHANGE of Linux
    return rename is not None and rename(here, os.fsencode(one), here, os.fsencode(other), swap) == 0


def _flush(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


POINTER = b"version https://git-lfs"
"""What a file begins with that git has put in the place of a large one."""
PULL = "is a Git LFS pointer, not the file itself; run `git lfs pull` in its folder, or fetch the file from the hub"


def is_pointer(path: Path) -> bool:
    """Tell whether a file is what git leaves in the place of a large one that was not fetched."""
    try:
        with path.open("rb") as file:
            return file.read(len(POINTER)) == POINTER
    except OSError:
        return False


def file_hash(path: Path) -> str:
    """Return the sha256 of a file's bytes, or `missing`: the step that reads it will say so.

    Raises:
        InputError: the file is there but cannot be read.
    """
    if not is_file(path):
        return "missing"
    found = hashlib.sha256()
    try:
        part = memoryview(bytearray(min(_PART, path.stat().st_size + 1)))  # a folder may have very many small files
        with path.open("rb", buffering=0) as file:
            while size := file.readinto(part):
                found.update(part[:size])
        return found.hexdigest()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None
