"""A whole tiny build of two languages with weights, from half of the text."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
import yaml
from line import World, edgeenc, make_world

from edgeenc.model.encoder import Encoder
from edgeenc.text.corpus import load_corpus

pytestmark = pytest.mark.export


@pytest.fixture(scope="module")
def world(tiny_encoder: Encoder, sentences: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> World:
    made = make_world(tiny_encoder, sentences[:15], tmp_path_factory.mktemp("world"))
    chance, words = random.Random(6), " ".join(sentences[15:]).split()
    lines = [" ".join(chance.choices(words, k=chance.randint(3, 14))) for _ in range(1400)]
    (made.folder / "en.txt").write_text("\n".join(lines), encoding="utf-8")
    return made


def test_two_languages_from_the_text_to_the_card(world: World, tmp_path: Path) -> None:
    asked = ["--lang", "ilo:0.75+en:0.25", "--recipe", str(world.recipe), "--data-fraction", "0.5", "--threads", "1"]
    asked += ["--corpus", f"en={world.folder / 'en.txt'}", "--corpus", f"ilo={world.corpus}"]
    asked += ["--store", str(tmp_path / "store")]
    done = edgeenc("build", *asked, "-o", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    facts = json.loads((tmp_path / "out" / "report" / "report.json").read_text())
    assert facts["language"]["tag"] == "ilo+en"
    one, two = facts["languages"]
    assert [(row["tag"], row["weight"], row["corpus"]) for row in (one, two)] == [
        ("ilo", 0.75, "corpus.txt"), ("en", 0.25, "en.txt")
    ]  # fmt: skip
    (folder,) = (tmp_path / "store").rglob("languages.json")
    corpus = load_corpus(folder.parent)
    (manifest,) = (tmp_path / "store" / "steps").glob("*-trim-vocab/manifest.json")
    trimmed = json.loads(manifest.read_text())["figures"]["languages"]
    for row, part in zip((one, two), corpus.parts, strict=True):
        whole = len(part.corpus.valid) + len(part.corpus.test)
        assert row["train"] == len(part.corpus.train)
        assert abs(row["train"] - 10 * whole * 0.95) < 15, "a twentieth is held out; of the rest a half is read"
        assert 0 < row["bits_per_character"]["student"] < 9
        assert row["tokenizer"] == {n: trimmed[row["tag"]][n] for n in ("before", "after", "coverage")}
        assert row["tokenizer"]["after"] == {"vocab": 112, **{n: row["tokenizer"]["after"][n] for n in RATES}}
    for name in ("teacher", "student", "cut"):
        low, high = sorted(row["bits_per_character"][name] for row in (one, two))
        assert low < facts["bits_per_character"][name] < high
    card = (tmp_path / "out" / "README.md").read_text()
    front = yaml.safe_load(card.split("---")[1])
    assert front["language"] == ["ilo", "en"]
    assert {"ilo", "eng"} <= set(front["tags"])
    again = "--lang ilo:0.75+en:0.25 --recipe recipe.yaml --corpus ilo=corpus.txt --corpus en=en.txt"
    assert again in card
    assert "| Iloko (ilo)" in card and "| English (en)" in card
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["language"] == ["ilo", "en"]
    assert yaml.safe_load((tmp_path / "out" / "recipe.yaml").read_text())["data_fraction"] == 0.5
    plan = json.loads(edgeenc("plan", *asked, "--json").stdout)
    assert {step["status"] for step in plan["steps"]} == {"done"}
    assert (plan["languages"], plan["data_fraction"]) == ({"ilo": 0.75, "en": 0.25}, 0.5)
    assert edgeenc("verify", str(tmp_path / "out")).returncode == 0


RATES = ("unknown_rate", "fertility")
