"""Datasets of the hub, which here is a small server on this machine (`hub.py`)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hub import COMMIT, Hub, Repo, ask, dead_address, running_hub

from edgeenc.errors import InputError, UsageError
from edgeenc.sources import dataset_folder
from edgeenc.sources.datasets import data_files
from edgeenc.sources.hub import Pin

FILES = {
    "README.md": b"words",
    "topics.py": b"code",
    "requirements.txt": b"datasets",
    "data/tgl_Latn/train.tsv": b"index\ttext\n0\tKumusta\n",
    "data/tgl_Latn/test.tsv": b"index\ttext\n1\tSalamat\n",
    "data/swh_Latn/train.tsv": b"index\ttext\n0\tHabari\n",
    "tl_trg-ud-test.conllu": b"1\tAso\n",
}
TOPICS = f"some/topics@{COMMIT}"


@pytest.fixture
def hub() -> Iterator[Hub]:
    repos = {
        "datasets/some/topics": Repo(FILES),
        "datasets/a/script": Repo({"a.py": b"code", "README.md": b""}),
        "datasets/gated/set": Repo(FILES, refuses=(403, "GatedRepo")),
    }
    with running_hub(repos) as found:
        yield found


def files_in(folder: str) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in Path(folder).rglob("*") if path.is_file()
    }


def test_a_dataset_is_its_data_files_fetched_once(tmp_path: Path, hub: Hub) -> None:
    all_of_it, part, prefix = ask(
        tmp_path, hub.address, TOPICS, f"{TOPICS}:tgl_Latn", f"{TOPICS}:tl_trg", of="dataset_folder"
    )
    assert files_in(all_of_it["folder"]) == {
        name: body for name, body in FILES.items() if name.endswith((".tsv", ".conllu"))
    }
    assert files_in(part["folder"]) == {name: FILES[name] for name in FILES if "tgl_Latn" in name}
    assert files_in(prefix["folder"]) == {"tl_trg-ud-test.conllu": b"1\tAso\n"}
    assert hub.gets("topics.py") == hub.gets("requirements.txt") == 0
    assert hub.gets("tgl_Latn/train.tsv") == 1
    before = len(hub.asked)
    assert ask(tmp_path, hub.address, f"{TOPICS}:tgl_Latn", of="dataset_folder", offline="offline") == [part]
    assert ask(tmp_path, dead_address(), TOPICS, of="dataset_folder") == [all_of_it]
    assert len(hub.asked) == before


def test_the_record_beside_the_folder_has_the_hash_of_every_file(tmp_path: Path, hub: Hub) -> None:
    (part,) = ask(tmp_path, hub.address, f"{TOPICS}:swh_Latn", of="dataset_folder")
    record = json.loads(Path(f"{part['folder']}.json").read_text())
    body = FILES["data/swh_Latn/train.tsv"]
    assert record == {"data/swh_Latn/train.tsv": {"sha256": hashlib.sha256(body).hexdigest(), "bytes": len(body)}}


def test_a_part_that_was_fetched_is_not_the_whole(tmp_path: Path, hub: Hub) -> None:
    ask(tmp_path, hub.address, f"{TOPICS}:tgl_Latn", of="dataset_folder")
    (answer,) = ask(tmp_path, hub.address, TOPICS, of="dataset_folder", offline="offline")
    assert (answer["error"], answer["code"]) == ("InputError", 5)
    assert "the data files are not in the hub's cache, and this run is offline" in answer["words"]


def test_a_file_that_went_missing_is_fetched_again(tmp_path: Path, hub: Hub) -> None:
    (first,) = ask(tmp_path, hub.address, f"{TOPICS}:tgl_Latn", of="dataset_folder")
    (Path(first["folder"]) / "data/tgl_Latn/test.tsv").resolve().unlink()
    (answer,) = ask(tmp_path, hub.address, f"{TOPICS}:tgl_Latn", of="dataset_folder", offline="offline")
    assert answer["code"] == 5
    (second,) = ask(tmp_path, hub.address, f"{TOPICS}:tgl_Latn", of="dataset_folder")
    assert second == first
    assert files_in(second["folder"]) == {name: FILES[name] for name in FILES if "tgl_Latn" in name}


def test_what_is_no_data_is_refused_with_advice(tmp_path: Path, hub: Hub) -> None:
    specs = [
        f"a/script@{COMMIT}",
        f"{TOPICS}:ceb",
        f"gated/set@{COMMIT}",
        f"no/set@{COMMIT}",
        f"some/topics@{'e' * 40}",
    ]
    answers = ask(tmp_path, hub.address, *specs, of="dataset_folder")
    assert [answer["code"] for answer in answers] == [5, 5, 5, 5, 5]
    assert "only a script (a.py), which is not run; try a commit" in answers[0]["words"]
    assert "no data files of 'ceb'; there are data, swh_Latn, tgl_Latn" in answers[1]["words"]
    assert "accept them on the dataset's page" in answers[2]["words"]
    assert "no such dataset, or it is private" in answers[3]["words"]
    assert "the dataset has no such commit" in answers[4]["words"]


@pytest.mark.parametrize(
    "spec",
    [
        "some/set",
        "some/set@main",
        f"some/set@{COMMIT[:-1]}:tl",
        "some/set:tl",
        "set",
        "",
        "a/b@",
        f"some/set@{COMMIT}#text",
    ],
)
def test_a_dataset_is_pinned(spec: str) -> None:
    with pytest.raises(UsageError, match=r"pin it to a commit|expected org/name@commit"):
        dataset_folder(spec, offline=True)


def test_a_config_is_a_folder_or_the_beginning_of_a_name() -> None:
    names = ["tl/train.parquet", "x/tl/a.parquet", "tl-train.csv", "tl_trg.conllu", "tlx/a.csv", "atl/a.csv", "tl.txt"]
    assert data_files(Pin("dataset", "dataset", "a/b", COMMIT, "tl"), names) == [
        "tl/train.parquet", "x/tl/a.parquet", "tl-train.csv", "tl_trg.conllu", "tl.txt",
    ]  # fmt: skip
    with pytest.raises(InputError, match="expected data files"):
        data_files(Pin("dataset", "dataset", "a/b", COMMIT), ["a.bin", ".hidden.csv", "LICENSE.txt"])
