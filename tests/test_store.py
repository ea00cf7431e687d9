from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edgeenc import disk, store
from edgeenc.errors import HostError, UsageError
from edgeenc.store import Facts, Manifest, Store, check_destination, default_root, publish

FACTS = Facts(
    kind="adapt",
    inputs={"teacher": "aa11"},
    seconds=1.5,
    versions={"torch": "2.8"},
    host={"cores": 2, "flags": ["avx2"]},
    figures={"loss": 2.25, "looks": [[1, 2.0]], "best": None},
)
FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def make(where: Store, key: str = "ab12", name: str = "adapt", text: str = "weights") -> Manifest:
    with where.building(key, name) as draft:
        (draft.folder / "onnx").mkdir()
        (draft.folder / "onnx" / "m.onnx").write_text(text, encoding="utf-8")
        (draft.folder / "é.txt").write_bytes(b"\0\1")
        return where.commit(draft, FACTS)


def fail_half_way(where: Store, key: str = "ab12") -> None:
    with where.building(key, "adapt") as draft:
        (draft.folder / "half.bin").write_bytes(b"half")
        (draft.scratch / "step-100").write_bytes(b"kept")
        raise ZeroDivisionError


def bundle(folder: Path, text: str) -> Path:
    (folder / "onnx").mkdir(parents=True)
    (folder / "onnx" / "m.onnx").write_text(text, encoding="utf-8")
    (folder / "manifest.json").write_text(json.dumps({"edgeenc_bundle": 1, "text": text}), encoding="utf-8")
    return folder


def read_bundle(folder: Path) -> str:
    """Return the text of a bundle after checking that its two files belong together and nothing else is there."""
    assert disk.files_of(folder) == ("manifest.json", "onnx/m.onnx")
    text = (folder / "onnx" / "m.onnx").read_text(encoding="utf-8")
    assert json.loads((folder / "manifest.json").read_text(encoding="utf-8")) == {"edgeenc_bundle": 1, "text": text}
    return text


# A finished step


def test_a_committed_step_has_its_files_hashes_and_facts(tmp_path: Path) -> None:
    where = Store(tmp_path)
    assert where.manifest("ab12", "adapt") is None
    made = make(where)
    folder = where.folder("ab12", "adapt")
    assert folder == tmp_path / "steps" / "ab12-adapt"
    assert disk.files_of(folder) == ("manifest.json", "onnx/m.onnx", "é.txt")
    assert made.files == {
        "onnx/m.onnx": {"sha256": hashlib.sha256(b"weights").hexdigest(), "bytes": 7},
        "é.txt": {"sha256": hashlib.sha256(b"\0\1").hexdigest(), "bytes": 2},
    }
    assert (made.key, made.name, made.kind, made.inputs) == ("ab12", "adapt", "adapt", {"teacher": "aa11"})
    assert made.figures == FACTS.figures
    assert made.host == FACTS.host
    assert where.manifest("ab12", "adapt") == made
    assert not (tmp_path / "work" / "ab12-adapt").exists()


def test_a_finished_step_is_given_as_done_and_stays_as_it_is(tmp_path: Path) -> None:
    where = Store(tmp_path)
    made = make(where)
    before = (where.folder("ab12", "adapt") / "manifest.json").stat().st_mtime_ns
    (tmp_path / "work" / "ab12-adapt" / "scratch").mkdir(parents=True)  # as a kill right after the rename leaves it
    with where.building("ab12", "adapt") as draft:
        assert draft.done == made
    assert (where.folder("ab12", "adapt") / "manifest.json").stat().st_mtime_ns == before
    assert not (tmp_path / "work" / "ab12-adapt").exists()


def test_a_failing_step_leaves_its_checkpoints_and_nothing_else(tmp_path: Path) -> None:
    where = Store(tmp_path)
    with pytest.raises(ZeroDivisionError):
        fail_half_way(where)
    assert where.manifest("ab12", "adapt") is None
    assert not where.folder("ab12", "adapt").exists()
    with where.building("ab12", "adapt") as draft:
        assert draft.done is None
        assert disk.files_of(draft.folder) == ()
        assert (draft.scratch / "step-100").read_bytes() == b"kept"


def test_what_a_kill_left_half_made_is_not_seen_by_the_next_run(tmp_path: Path) -> None:
    where = Store(tmp_path)
    (tmp_path / "work" / "ab12-adapt" / "folder").mkdir(parents=True)
    (tmp_path / "work" / "ab12-adapt" / "folder" / "half.bin").write_bytes(b"half")
    assert "half.bin" not in make(where).files


def test_a_folder_without_manifest_is_not_done_and_is_replaced(tmp_path: Path) -> None:
    where = Store(tmp_path)
    where.folder("ab12", "adapt").mkdir(parents=True)
    (where.folder("ab12", "adapt") / "stray").write_bytes(b"?")
    assert where.manifest("ab12", "adapt") is None
    make(where)
    assert "stray" not in disk.files_of(where.folder("ab12", "adapt"))
    assert disk.files_of(tmp_path / "work") == ()


def test_a_manifest_of_the_step_itself_is_refused(tmp_path: Path) -> None:
    where = Store(tmp_path)
    with where.building("ab12", "bundle") as draft:
        (draft.folder / "manifest.json").write_text("{}", encoding="utf-8")
        with pytest.raises(ValueError, match="belongs to the store"):
            where.commit(draft, FACTS)
    assert where.manifest("ab12", "bundle") is None


def _truncate(folder: Path) -> None:
    (folder / "manifest.json").write_text('{"key": "ab', encoding="utf-8")


def _empty_object(folder: Path) -> None:
    (folder / "manifest.json").write_text("{}", encoding="utf-8")


def _wrong_files(folder: Path) -> None:
    data = json.loads((folder / "manifest.json").read_text(encoding="utf-8")) | {"files": {"é.txt": 3}}
    (folder / "manifest.json").write_text(json.dumps(data), encoding="utf-8")


def _not_utf8(folder: Path) -> None:
    (folder / "manifest.json").write_bytes(b"\xff\xfe")


def _shorter_file(folder: Path) -> None:
    (folder / "é.txt").write_bytes(b"\0")


def _missing_file(folder: Path) -> None:
    (folder / "é.txt").unlink()


@pytest.mark.parametrize("damage", [_truncate, _empty_object, _wrong_files, _not_utf8, _shorter_file, _missing_file])
def test_a_damaged_step_is_named_and_clean_removes_it(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    where = Store(tmp_path)
    make(where)
    make(where, key="cd34", name="distill")
    damage(where.folder("ab12", "adapt"))
    with pytest.raises(HostError, match=r"step adapt: .*ab12-adapt is damaged \(.*\); run `edgeenc store clean`"):
        where.manifest("ab12", "adapt")
    with pytest.raises(HostError, match="damaged"), where.building("ab12", "adapt"):
        pass
    assert [(entry.key, entry.state) for entry in where.list()] == [("ab12", "damaged"), ("cd34", "finished")]
    assert [entry.key for entry in where.clean()] == ["ab12"]
    assert make(where) == where.manifest("ab12", "adapt")


# Two at once


def test_the_second_of_two_builds_waits_says_so_and_finds_the_step_done(tmp_path: Path) -> None:
    where, said, found = Store(tmp_path), [], []

    def second() -> None:
        with where.building("ab12", "adapt", tell=said.append) as draft:
            found.append(draft.done)

    with where.building("ab12", "adapt") as draft:
        thread = threading.Thread(target=second)
        thread.start()
        while not said:
            time.sleep(0.005)
        assert found == []
        made = where.commit(draft, FACTS)
    thread.join(10)
    assert found == [made]
    assert said == ["step adapt: another build is at it; waiting until it is done"]


def test_other_steps_do_not_wait(tmp_path: Path) -> None:
    where = Store(tmp_path)
    with where.building("ab12", "adapt"):
        assert make(where, key="cd34") == where.manifest("cd34", "adapt")


RACE = """
import sys, time
from pathlib import Path
from edgeenc.store import Facts, Store
store, log = Store(Path(sys.argv[1])), Path(sys.argv[2])
for number in range(20):
    with store.building(f"k{number}", "step") as draft:
        if draft.done is None:
            with log.open("a") as file:
                file.write(f"k{number}\\n")
            (draft.folder / "w.bin").write_bytes(b"w" * 1000)
            store.commit(draft, Facts(kind="k", inputs={}, seconds=0.0, versions={}, host={}, figures={}))
"""


def test_three_processes_make_each_step_once(tmp_path: Path) -> None:
    log = tmp_path / "made"
    runs = [subprocess.Popen([sys.executable, "-c", RACE, str(tmp_path / "store"), str(log)]) for _ in range(3)]
    assert [run.wait(60) for run in runs] == [0, 0, 0]
    assert sorted(log.read_text().split()) == sorted(f"k{number}" for number in range(20))
    assert {entry.state for entry in Store(tmp_path / "store").list()} == {"finished"}


def test_a_lock_whose_file_was_deleted_by_its_holder_is_taken_anew(tmp_path: Path) -> None:
    path = tmp_path / "locks" / "k"
    first = disk.take_lock(path, lambda: pytest.fail("nobody holds it"))
    taken = []
    thread = threading.Thread(target=lambda: taken.append(disk.take_lock(path, lambda: None)))
    thread.start()
    time.sleep(0.05)
    shutil.rmtree(path.parent)
    first.close()
    thread.join(10)
    assert path.exists()
    assert disk.try_lock(path) is None  # what the waiting one has is the file of that name, not the deleted one
    taken[0].close()


# Killed


def kill_at_random(code: str, *arguments: Path, times: int, check: Callable[[], None]) -> None:
    """Run `code`, which prints a line a round, `times` times; kill it somewhere in a round, then call `check`."""
    chance, duration = random.Random(7), 0.05
    for _ in range(times):
        run = subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], stdout=subprocess.PIPE)
        assert run.stdout is not None
        assert run.stdout.readline() == b"started\n"
        for _ in range(chance.randrange(3)):
            began = time.monotonic()
            assert run.stdout.readline() == b"round\n"
            duration = time.monotonic() - began
        time.sleep(chance.uniform(0.0, duration))
        os.kill(run.pid, signal.SIGKILL)
        run.wait(10)
        run.stdout.close()
        check()


COMMITS = """
import os, sys
from pathlib import Path
from edgeenc.store import Facts, Store
store = Store(Path(sys.argv[1]))
print("started", flush=True)
while True:
    with store.building(os.urandom(4).hex(), "step") as draft:
        for number in range(5):
            (draft.folder / f"{number}.bin").write_bytes(os.urandom(100_000))
        (draft.scratch / "checkpoint").write_bytes(b"c")
        store.commit(draft, Facts(kind="k", inputs={}, seconds=0.0, versions={}, host={}, figures={}))
    print("round", flush=True)
"""


def test_killed_while_committing_every_visible_step_is_whole(tmp_path: Path) -> None:
    where, seen = Store(tmp_path), set()

    def check() -> None:
        for folder in (tmp_path / "steps").glob("*"):
            if folder not in seen:
                made = where.manifest(*folder.name.split("-"))
                assert made is not None
                assert sorted(made.files) == [f"{number}.bin" for number in range(5)]
                assert disk.files_of(folder) == (*sorted(made.files), "manifest.json")
                for path, stamp in made.files.items():
                    assert hashlib.sha256((folder / path).read_bytes()).hexdigest() == stamp["sha256"]
                seen.add(folder)

    kill_at_random(COMMITS, tmp_path, times=20, check=check)
    assert len(seen) >= 5, "the loop was killed before it finished anything; the test shows nothing"
    assert any((tmp_path / "work").iterdir()), "no kill came in the middle of a step; the test shows nothing"
    states = {entry.state for entry in where.list()}
    assert states == {"finished", "unfinished"}
    assert {entry.state for entry in where.clean()} == {"unfinished"}
    assert list((tmp_path / "work").iterdir()) == []
    assert len(where.list()) == len(seen)


PUBLISHES = """
import sys
from pathlib import Path
from edgeenc import disk
from edgeenc.store import publish
if sys.argv[3] == "aside":
    disk.exchange = lambda one, other: False
print("started", flush=True)
while True:
    for name in ("a", "b"):
        publish(Path(sys.argv[1]) / name, Path(sys.argv[2]))
        print("round", flush=True)
"""


@pytest.mark.parametrize("way", ["exchange", "aside"])
def test_killed_while_publishing_there_is_always_one_whole_bundle(tmp_path: Path, way: str) -> None:
    sources, there = tmp_path / "sources", tmp_path / "out" / "bundle"
    for name in "ab":
        bundle(sources / name, name * 200_000)
    if way == "exchange" and not disk.exchange(sources / "a", sources / "b"):
        pytest.skip("this file system cannot exchange two folders")
    publish(sources / "a", there)
    seen: set[str] = set()

    def check() -> None:
        if way == "aside" and not there.exists():  # between the two renames: the old one waits in the hidden folder
            assert read_bundle(there.parent / ".bundle.edgeenc" / "old") in seen
        else:
            seen.add(read_bundle(there))

    kill_at_random(PUBLISHES, sources, there, Path(way), times=20, check=check)
    assert len(seen) == 2, "only one of the two bundles was ever seen; the test shows nothing"
    publish(sources / "a", there)
    assert read_bundle(there) in ("a" * 200_000, "b" * 200_000)
    assert [path.name for path in there.parent.iterdir()] == ["bundle"], "leftovers of the killed runs"


# Publishing


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "out" / "bundle"


def test_a_bundle_is_published_and_replaced_by_a_later_one(tmp_path: Path, place: Path) -> None:
    assert publish(bundle(tmp_path / "a", "one"), place) == place
    assert read_bundle(place) == "one"
    publish(bundle(tmp_path / "b", "two"), place)
    assert read_bundle(place) == "two"
    assert read_bundle(tmp_path / "b") == "two"
    assert os.listdir(place.parent) == ["bundle"]


def test_a_system_that_cannot_exchange_replaces_by_two_renames(
    tmp_path: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "exchange", lambda one, other: False)
    publish(bundle(tmp_path / "a", "one"), place)
    publish(bundle(tmp_path / "b", "two"), place)
    assert read_bundle(place) == "two"
    assert os.listdir(place.parent) == ["bundle"]


def test_after_a_kill_between_two_renames_the_old_bundle_comes_back(tmp_path: Path, place: Path) -> None:
    hidden = place.parent / ".bundle.edgeenc"
    bundle(hidden / "old", "old")
    (hidden / "new").mkdir()
    (hidden / "new" / "half").write_bytes(b"h")
    with pytest.raises(HostError):
        publish_failing(bundle(tmp_path / "b", "two"), place)
    assert read_bundle(place) == "old"
    assert os.listdir(place.parent) == ["bundle"]


def publish_failing(source: Path, place: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store.shutil, "copyfile", _raise_full)
        publish(source, place)


def _raise_full(*_: object) -> None:
    raise FULL


@pytest.mark.parametrize("manifest", [None, "{}", "not json", "[1]", '"edgeenc_bundle"', "\udcff"])
def test_what_is_not_ours_is_not_replaced(tmp_path: Path, place: Path, manifest: str | None) -> None:
    place.mkdir(parents=True)
    (place / "thesis.txt").write_text("ten years", encoding="utf-8")
    if manifest is not None:
        (place / "manifest.json").write_bytes(manifest.encode("utf-8", "surrogateescape"))
    for act in (lambda: check_destination(place), lambda: publish(bundle(tmp_path / "a", "one"), place)):
        with pytest.raises(UsageError, match=r"-o .*bundle: exists and is no bundle of edgeenc"):
            act()
        shutil.rmtree(tmp_path / "a", ignore_errors=True)
    assert (place / "thesis.txt").read_text(encoding="utf-8") == "ten years"


def test_a_file_and_an_empty_folder_are_not_replaced_either(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    (tmp_path / "empty").mkdir()
    for name in ("file", "empty"):
        with pytest.raises(UsageError):
            check_destination(tmp_path / name)


def test_a_link_is_followed_and_stays(tmp_path: Path, place: Path) -> None:
    publish(bundle(tmp_path / "a", "one"), place)
    (tmp_path / "link").symlink_to(place)
    assert publish(bundle(tmp_path / "b", "two"), tmp_path / "link") == place
    assert (tmp_path / "link").is_symlink()
    assert read_bundle(place) == "two"


def test_two_publications_at_once_leave_one_of_the_two(tmp_path: Path, place: Path) -> None:
    sources = [bundle(tmp_path / name, name * 100_000) for name in "abcd"]
    threads = [threading.Thread(target=publish, args=(source, place)) for source in sources for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert read_bundle(place)[0] in "abcd"
    assert os.listdir(place.parent) == ["bundle"]


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


# List and clean


def test_list_and_clean(tmp_path: Path) -> None:
    where = Store(tmp_path)
    assert where.list() == ()
    assert where.clean("everything") == ()
    make(where, key="cd34", name="drop-layers")
    with pytest.raises(ZeroDivisionError):
        fail_half_way(where, key="ef56")
    with where.building("ab12", "distill") as draft:
        (draft.folder / "w.bin").write_bytes(b"12345")
        entries = where.list()
        assert [(e.key, e.name, e.state) for e in entries] == [
            ("ef56", "adapt", "unfinished"), ("ab12", "distill", "at work"), ("cd34", "drop-layers", "finished"),
        ]  # fmt: skip
        assert [entries[0].bytes, entries[1].bytes] == [len(b"kept"), 5]
        folder = where.folder("cd34", "drop-layers")
        assert entries[2].bytes == 7 + 2 + (folder / "manifest.json").stat().st_size
        assert where.clean("everything") == entries[:1], "finished steps stay while a build may need them"
        assert where.folder("cd34", "drop-layers").exists()
        where.commit(draft, FACTS)
    assert [entry.key for entry in where.clean("everything")] == ["ab12", "cd34"]
    assert where.list() == ()
    assert disk.files_of(tmp_path) == ()


def test_clean_sweeps_what_a_kill_left_of_a_finished_step(tmp_path: Path) -> None:
    where = Store(tmp_path)
    made = make(where)
    (tmp_path / "work" / "ab12-adapt" / "scratch").mkdir(parents=True)
    assert where.clean() == ()
    assert os.listdir(tmp_path / "work") == []
    assert where.manifest("ab12", "adapt") == made


def test_a_build_that_waits_while_clean_removes_the_lock_goes_on(tmp_path: Path) -> None:
    where = Store(tmp_path)
    make(where)
    with where._lock("ab12").open("ab") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        made = []
        thread = threading.Thread(target=lambda: made.append(make(where)))
        thread.start()
        time.sleep(0.05)
        shutil.rmtree(where.folder("ab12", "adapt"))
        where._lock("ab12").unlink()
    thread.join(10)
    assert made == [where.manifest("ab12", "adapt")]


def test_the_default_store_is_in_the_cache_folder_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert tmp_path in default_root().parents
    assert default_root().name == "edgeenc"


def test_the_store_is_imported_fast() -> None:
    code = "import sys, edgeenc.store; print([m for m in ('torch', 'numpy', 'pydantic') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
