"""Publishing and kills: at every moment a whole bundle, and only whole steps."""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
from pathlib import Path

import pytest
from shelf import FULL, bundle, kill_at_random, read_bundle

from edgeenc import store
from edgeenc.errors import HostError, UsageError
from edgeenc.machine import disk
from edgeenc.store import Store, check_destination, publish


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "out" / "bundle"


COMMITS = """
import os, sys
from pathlib import Path
from edgeenc.store import Outcome, Store
store = Store(Path(sys.argv[1]))
print("started", flush=True)
while True:
    with store.building(os.urandom(4).hex(), "step") as draft:
        for number in range(5):
            (draft.folder / f"{number}.bin").write_bytes(os.urandom(100_000))
        (draft.scratch / "checkpoint").write_bytes(b"c")
        store.commit(draft, Outcome(kind="k", inputs={}, seconds=0.0, versions={}, host={}, figures={}))
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
                    assert hashlib.sha256((folder / path).read_bytes()).hexdigest() == stamp.sha256
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
from edgeenc.machine import disk
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
            seen.add(read_bundle(there.parent / ".bundle.edgeenc" / "old"))
        else:
            seen.add(read_bundle(there))

    kill_at_random(PUBLISHES, sources, there, Path(way), times=20, check=check)
    assert len(seen) == 2, "only one of the two bundles was ever seen; the test shows nothing"
    publish(sources / "a", there)
    assert read_bundle(there) in ("a" * 200_000, "b" * 200_000)
    assert [path.name for path in there.parent.iterdir()] == ["bundle"], "leftovers of the killed runs"


# Publishing


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
