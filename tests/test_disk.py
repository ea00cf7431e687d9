"""A disk that says no: full, forbidden or broken, nothing half made is seen."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from shelf import FACTS, FULL, bundle, make, read_bundle

from edgeenc.errors import HostError
from edgeenc.machine import disk
from edgeenc.store import Store, publish


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "out" / "bundle"


# A disk that says no


def calls_that_fail(name: str, monkeypatch: pytest.MonkeyPatch, error: OSError) -> None:
    def fail(*_: object, encoding: str = "") -> None:
        raise error

    if name == "write":
        monkeypatch.setattr(Path, "write_text", fail)
        monkeypatch.setattr(shutil, "copyfile", fail)
    else:
        monkeypatch.setattr(os, name, fail)


@pytest.mark.parametrize("call", ["write", "fsync", "rename"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS, errno.EIO])
def test_a_disk_that_refuses_shows_nothing_half_made(tmp_path: Path, place: Path, call: str, number: int) -> None:
    where = Store(tmp_path / "store")
    kept = make(where, key="cd34")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(disk, "exchange", lambda one, other: False)
        publish(bundle(tmp_path / "a", "one"), place)
        bundle(tmp_path / "b", "two")
        with where.building("ab12", "adapt") as draft:
            (draft.folder / "w.bin").write_bytes(b"w")
            (draft.scratch / "checkpoint").write_bytes(b"c")
            calls_that_fail(call, patch, OSError(number, os.strerror(number)))
            with pytest.raises(HostError) as caught:
                where.commit(draft, FACTS)
        with pytest.raises(HostError):
            publish(tmp_path / "b", place)
    assert caught.value.exit_code == 6
    assert "--store" in str(caught.value)
    full = number in (errno.ENOSPC, errno.EDQUOT)
    assert (" MB free" in str(caught.value)) == full
    assert (os.strerror(number) in str(caught.value)) != full
    assert not where.folder("ab12", "adapt").exists()
    assert where.manifest("cd34", "adapt") == kept
    assert (tmp_path / "store" / "work" / "ab12-adapt" / "scratch" / "checkpoint").read_bytes() == b"c"
    assert read_bundle(place) == "one"
    assert os.listdir(place.parent) == ["bundle"]


@pytest.mark.parametrize(
    ("error", "becomes"),
    [
        (FULL, HostError),
        (RuntimeError("Error while serializing: I/O error: No space left on device (os error 28)"), HostError),
        (OSError(errno.EACCES, "Permission denied", "/some/where"), HostError),
        (FileNotFoundError(errno.ENOENT, "No such file"), FileNotFoundError),
        (ValueError("something else"), ValueError),
    ],
)
def test_only_errors_of_the_disk_inside_a_step_become_host_errors(
    tmp_path: Path, error: Exception, becomes: type[Exception]
) -> None:
    with pytest.raises(becomes) as caught, Store(tmp_path).building("ab12", "adapt"):
        raise error
    assert type(caught.value) is becomes


def test_a_store_that_is_a_file_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(HostError, match="--store"), Store(tmp_path / "file").building("ab12", "adapt"):
        pass


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_store_that_may_not_be_written_is_said_so(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(HostError, match="Permission denied"), Store(tmp_path / "s").building("ab12", "adapt"):
        pass


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of 256 KB, or skip where that is not allowed."""
    spot = tmp_path / "disk"
    spot.mkdir()
    mounted = shutil.which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(spot)], capture_output=True, check=False
    )
    if not mounted or mounted.returncode != 0:
        pytest.skip("mounting a small disk is not allowed here")
    yield spot
    subprocess.run(["umount", str(spot)], check=True)


def test_a_disk_that_is_really_full(tmp_path: Path, small_disk: Path) -> None:
    where, place = Store(small_disk / "store"), small_disk / "bundle"
    kept = make(where, key="cd34")
    publish(bundle(tmp_path / "a", "one"), place)
    with pytest.raises(HostError, match=r"no space left \(0 MB free\)"):
        make(where, text="w" * 400_000)
    with pytest.raises(HostError, match=r"no space left"):
        publish(bundle(tmp_path / "b", "two" * 200_000), place)
    assert read_bundle(place) == "one"
    assert sorted(os.listdir(small_disk)) == ["bundle", "store"]
    assert [(entry.key, entry.state) for entry in where.list()] == [("ab12", "unfinished"), ("cd34", "finished")]
    assert where.manifest("cd34", "adapt") == kept
    assert make(where).key == "ab12", "with the large file gone there is space again"
