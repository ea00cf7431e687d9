"""Peers of sentence vectors: the command on tiny models, and the table that is made of its raw file."""

from __future__ import annotations

import importlib.util
import json
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from sentences import publish

from edgeenc.model.encoder import Encoder
from edgeenc.model.sentence_head import SentenceHead
from edgeenc.record.form import read_json
from edgeenc.record.vectors import LEXICAL
from edgeenc.text.corpus import Corpus

ROOT = Path(__file__).resolve().parent.parent


def script(folder: str, name: str) -> ModuleType:
    """Return a script of this repository as a module."""
    spec = importlib.util.spec_from_file_location(f"{name}_script", ROOT / folder / f"{name}.py")
    assert spec is not None and spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = made
    spec.loader.exec_module(made)
    return made


def test_peers_are_measured_on_one_text_and_stand_in_one_table(
    sentences: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    teacher, out = publish("newest", sentences, tmp_path / "teacher"), tmp_path / "vectors-ilo_host_2026-01-01.json"
    bench, peers = script("benchmarks", "vectors"), script("docs", "peers")
    monkeypatch.setattr(bench, "kit_corpus", lambda language: Corpus(sentences * 20, sentences, sentences))
    asked = ["--lang", "ilo", "--trim", "100", "--student", f"same={teacher}", "--threads", "1", "--out", str(out)]
    monkeypatch.setattr(sys, "argv", ["vectors.py", str(teacher), *asked])
    bench.main()
    found = read_json(out.read_text("utf-8"))
    assert isinstance(found, dict)
    assert found["query"] == "query: " and found["passage"] == ""
    assert str(tmp_path) not in out.read_text("utf-8")
    lines = peers.peer_lines(lambda head, rows: ["|".join(row) for row in (head, *rows)], [out])
    rows = {cells[0]: cells for cells in (line.split("|") for line in lines if "|" in line)}
    assert list(rows)[1:] == ["teacher torch", "trim-only torch", "same torch", f"{LEXICAL} tf-idf"]
    assert rows["same torch"][3] == "100.00 %", "the teacher itself finds its own neighbours"
    assert rows["same torch"][6] == "1.000"
    assert float(rows["trim-only torch"][1]) < float(rows["teacher torch"][1])
    english = rows["model"].index("searches English: first")
    assert rows["teacher torch"][english] == rows["same torch"][english] != "", (
        "searches in English are those of the teacher"
    )
    assert rows[f"{LEXICAL} tf-idf"][1] == ""


def test_peers_read_what_an_app_reads(tiny_encoder: Encoder, sentences: tuple[str, ...]) -> None:
    widths = list[int]()

    def forward(ids_BT: np.ndarray, attend_BT: np.ndarray) -> np.ndarray:
        widths.append(ids_BT.shape[1])
        return np.zeros((len(ids_BT), 2), dtype=np.float32)

    encoder = replace(tiny_encoder, sentence=SentenceHead(max_length=12))
    script("benchmarks", "vectors").reads(("peer", "torch"), forward, encoder, (None, None)).searches(sentences)
    assert max(widths) == 12


def test_what_was_not_measured_has_no_lines() -> None:
    assert script("docs", "peers").peer_lines(lambda head, rows: [], []) == []


def test_the_column_of_topics_is_of_topics(tmp_path: Path) -> None:
    """Swahili has a second labelled set, of moods."""
    newest = sorted((ROOT / "benchmarks" / "results").glob("starter_*.json"))[-1]
    kept = json.loads(newest.read_text("utf-8"))
    both = {tag: build for tag, build in kept.items() if len(build["vectors"]["languages"][0]["probes"]) > 4}
    assert "sw" in both
    head, *rows = script("docs", "starters").starter_lines(lambda head, rows: [head, *rows], newest)[1:]
    for row in rows:
        probes = kept[row[0]]["vectors"]["languages"][0]["probes"]
        (teacher,) = (one for one in probes if (one["task"], one["model"]) == ("topic", "teacher"))
        assert row[head.index("topics, teacher")].startswith(f"{100 * teacher['macro_f1']['value']:.2f} %")


def test_other_recipes_of_the_kit_show_what_they_are_for(tmp_path: Path) -> None:
    """One of vectors has cells of searches; one that fills in masked words has its bits beside their floor."""
    newest = sorted((ROOT / "benchmarks" / "results").glob("starter_*.json"))[-1]
    build = json.loads(newest.read_text("utf-8"))["tl"]
    vectors, words = (
        tmp_path / "starter-small_here_2026-11-29.json",
        tmp_path / "starter-fill-mask_here_2026-11-29.json",
    )
    vectors.write_text(json.dumps({"tl": build}), encoding="utf-8")
    floor = {"name": "bits per character: unigram baseline", "figure": 2.25, "bound": 3.125, "passed": True}
    del build["vectors"]
    words.write_text(json.dumps({"tl": build | {"floors": [floor]}}), encoding="utf-8")
    starters = script("docs", "starters")
    assert starters.kin_lines(lambda head, rows: [], []) == []
    head, one, other = starters.kin_lines(lambda head, rows: [head, *rows], [vectors, words])[2:]
    at = {name: place for place, name in enumerate(head)}
    assert [row[at["recipe"]] for row in (one, other)] == ["`starter-small`", "`starter-fill-mask`"]
    assert one[at["nearest neighbour found"]] and not one[at["floor"]]
    assert not other[at["nearest neighbour found"]]
    assert (other[at["bits per character"]], other[at["floor"]]) == ("2.250", "3.125")
