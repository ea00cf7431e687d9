"""Text of the hub: streamed from a dataset's column until there is enough; the hub is a small server (`hub.py`)."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hub import COMMIT, Answer, Hub, Repo, ask, dead_address, running_hub

from edgeenc.errors import UsageError
from edgeenc.sources import hub_text, is_hub_text
from edgeenc.text.corpus import read_lines

ARTICLES = [f"Ang artikulo {i}.\n\n  Ikalawang   talata {i}. \n" for i in range(3000)]
LINES = [line for i in range(3000) for line in (f"Ang artikulo {i}.", f"Ikalawang talata {i}.")]
WIKI = f"some/wiki@{COMMIT}"


def parquet(columns: Mapping[str, list[str]], rows: int = 100) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table(dict(columns)), file, row_group_size=rows, compression="none")
    return file.getvalue()


@pytest.fixture
def hub() -> Iterator[Hub]:
    url = [f"https://example.org/{i}" * 40 for i in range(1500)]
    wiki = {
        "x.tl/train-0.parquet": parquet({"url": url, "text": ARTICLES[:1500]}),
        "x.tl/train-1.parquet": parquet({"url": url, "text": ARTICLES[1500:]}),
        "x.sw/train-0.parquet": parquet({"a": ["Habari"], "b": ["yako"]}),
        "wiki.py": b"code",
    }
    rows = "".join(json.dumps({"content": text, "n": 1}) + "\n" for text in ARTICLES[:40])
    web = {
        "tgl/part.jsonl.gz": gzip.compress(rows.encode()),
        "ilo/part.txt": b"Naimbag a bigat.\nAgyamanak.\n",
        "num/part.jsonl": b'{"content": 5}\n',
    }
    repos = {"datasets/some/wiki": Repo(wiki), "datasets/some/web": Repo(web)}
    with running_hub(repos) as found:
        yield found


def texts(cache: Path, address: str, *specs: str, offline: str = "online") -> list[Answer]:
    return ask(cache, address, *specs, of="hub_text", offline=offline)


def test_all_of_a_small_column_is_taken_in_order_and_normalised(tmp_path: Path, hub: Hub) -> None:
    (answer,) = texts(tmp_path, hub.address, f"{WIKI}:x.tl")
    path = Path(answer["folder"])
    assert read_lines(path) == LINES
    assert path.read_text().startswith("Ang artikulo 0.\nIkalawang talata 0.\n\nAng artikulo 1.\n")
    record = json.loads(path.with_suffix(".json").read_text())
    assert record == {
        "source": f"corpus {WIKI}:x.tl", "documents": 3000, "lines": 6000, "whole": True,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "bytes": path.stat().st_size,
    }  # fmt: skip
    assert hub.gets("wiki.py") == 0
    before = len(hub.asked)
    assert texts(tmp_path, dead_address(), f"{WIKI}:x.tl") == [answer]
    assert texts(tmp_path, hub.address, f"{WIKI}:x.tl", offline="offline") == [answer]
    assert len(hub.asked) == before


def test_a_cap_ends_the_download(tmp_path: Path, hub: Hub) -> None:
    (answer,) = ask(tmp_path, hub.address, f"{WIKI}:x.tl", of="hub_text", settings={"MOST": "2000"})
    path = Path(answer["folder"])
    lines = read_lines(path)
    assert lines == LINES[: len(lines)]
    assert 1900 < path.stat().st_size <= 2000
    assert json.loads(path.with_suffix(".json").read_text())["whole"] is False
    assert hub.gets("train-0") > 0
    assert hub.gets("train-1") == 0


@pytest.mark.parametrize(
    ("spec", "lines"),
    [
        (f"some/web@{COMMIT}:tgl", LINES[:80]),
        (f"some/web@{COMMIT}:ilo", ["Naimbag a bigat.", "Agyamanak."]),
        (f"{WIKI}:x.sw#b", ["yako"]),
    ],
)
def test_json_lines_text_and_a_named_column(tmp_path: Path, hub: Hub, spec: str, lines: list[str]) -> None:
    (answer,) = texts(tmp_path, hub.address, spec)
    assert read_lines(Path(answer["folder"])) == lines


def test_what_gives_no_text_is_said(tmp_path: Path, hub: Hub) -> None:
    answers = texts(
        tmp_path, hub.address, f"{WIKI}:x.sw", f"some/web@{COMMIT}:num#content", f"{WIKI}:x.ceb", f"no/set@{COMMIT}"
    )
    assert [answer["code"] for answer in answers] == [5, 5, 5, 5]
    assert "which column holds the text? There are a, b; write org/name@commit:config#column" in answers[0]["words"]
    assert "the column content holds int, expected text" in answers[1]["words"]
    assert "no data files of 'x.ceb'" in answers[2]["words"]
    assert "no such dataset" in answers[3]["words"]
    assert not list(tmp_path.rglob("*.txt*")), "what failed leaves nothing behind"


def test_without_network_the_text_is_missed_at_once(tmp_path: Path, hub: Hub) -> None:
    (answer,) = texts(tmp_path, hub.address, f"{WIKI}:x.tl", offline="offline")
    assert (answer["error"], answer["code"]) == ("InputError", 5)
    assert "its text is not in the hub's cache, and this run is offline; run `edgeenc fetch` once" in answer["words"]
    assert hub.asked == []


def test_a_text_of_the_hub_is_pinned_and_told_from_a_file() -> None:
    with pytest.raises(UsageError, match="pin it to a commit"):
        hub_text("some/wiki@main:x.tl", offline=True)
    assert is_hub_text("some/wiki@main:x.tl")
    assert not any(map(is_hub_text, ("text.txt", "a/b.txt", "/a/b@c", "./a/b@c", "../a/b@c", "~/a@b/c", "a@b.txt")))
