"""The store: what is finished is whole, what is begun is not seen, and who waits for whom."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from shelf import FACTS, fail_half_way, make

from edgeenc.errors import HostError
from edgeenc.machine import disk
from edgeenc.record.stamp import Stamp
from edgeenc.store import Store, default_root

# A finished step


def test_a_committed_step_has_its_files_hashes_and_facts(tmp_path: Path) -> None:
    where = Store(tmp_path)
    assert where.manifest("ab12", "adapt") is None
    made = make(where)
    folder = where.folder("ab12", "adapt")
    assert folder == tmp_path / "steps" / "ab12-adapt"
    assert disk.files_of(folder) == ("manifest.json", "onnx/m.onnx", "é.txt")
    assert made.files == {
        "onnx/m.onnx": Stamp(sha256=hashlib.sha256(b"weights").hexdigest(), bytes=7),
        "é.txt": Stamp(sha256=hashlib.sha256(b"\0\1").hexdigest(), bytes=2),
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
from edgeenc.store import Outcome, Store
store, log = Store(Path(sys.argv[1])), Path(sys.argv[2])
for number in range(20):
    with store.building(f"k{number}", "step") as draft:
        if draft.done is None:
            with log.open("a") as file:
                file.write(f"k{number}\\n")
            (draft.folder / "w.bin").write_bytes(b"w" * 1000)
            store.commit(draft, Outcome(kind="k", inputs={}, seconds=0.0, versions={}, host={}, figures={}))
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


def test_a_store_in_use_keeps_its_finished_steps(tmp_path: Path) -> None:
    """Between two steps a build holds no lock of a step, and still needs what is finished."""
    where = Store(tmp_path)
    make(where)
    with where.in_use(), where.in_use():
        assert where.clean("everything") == ()
        assert len(where.list()) == 1
    assert [entry.name for entry in where.clean("everything")] == ["adapt"]
