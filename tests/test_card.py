"""The model card's examples, run as they stand: every way gives the answers that were scored."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from families import tiny
from line import World, edgeenc, make_world

from edgeenc.store import MANIFEST
from edgeenc.tasks.tags.running_text import running_text

pytestmark = pytest.mark.export


@pytest.fixture(scope="module")
def world(sentences: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> World:
    """A teacher whose tokenizer makes another token of a word that stands alone, and a task that is learnt fast."""
    world = make_world(tiny("roberta", sentences), sentences, tmp_path_factory.mktemp("world"))
    rows = [f"{n} {sentences[n % 2]},{'oo' if n % 2 else 'hindi'}" for n in range(200)]
    (world.folder / "texts.csv").write_text("\n".join(["text,label", *rows]), encoding="utf-8")
    return world


def build(world: World, store: Path, *more: str) -> Path:
    out = store.parent / "-".join((*more[:2], "out")).strip("-")
    recipe = world.recipe.read_text("utf-8").replace("vocab_size: 112", "vocab_size: 330").replace("[1, 2]", "[1]")
    recipe = recipe.replace("epochs: 2", "epochs: 12")
    world.recipe.write_text(recipe, encoding="utf-8")
    done = edgeenc(*world.command(store, out, *more))
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("built") / "store"


def said(bundle: Path, call: str, inputs: Sequence[object]) -> tuple[float, list[list[Any]]]:
    """Run the examples of a card one after the other inside the bundle; `call` is asked of each way.

    Returns:
        What the first example prints, the difference of its golden values; and per way an answer for each input.
    """
    examples = re.findall(r"```python\n(.*?)```", (bundle / "README.md").read_text("utf-8"), flags=re.DOTALL)
    assert len(examples) == 3, examples
    ask = f"\nprint(json.dumps([{call} for x in json.loads(given)]))\n"
    code = f"given = {json.dumps(inputs)!r}\n" + "".join(example + ask for example in examples)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=bundle, capture_output=True, text=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    return float(lines[0]), [json.loads(line) for line in lines if line.startswith("[")]


def test_items(store: Path, kind: str) -> list[tuple[list[str], list[str]]]:
    """Return words and labels of the test split of the only task of this kind in the store."""
    heads = [path for path in store.glob("steps/*/task.json") if json.loads(path.read_text())["kind"] == kind]
    assert len(heads) == 1 and (heads[0].parent / MANIFEST).is_file()
    return [json.loads(row) for row in (heads[0].parent / "test.jsonl").read_text("utf-8").splitlines()]


test_items.__test__ = False  # pyright: ignore[reportFunctionMemberAccess]


@pytest.mark.parametrize(
    ("data", "kind", "call"), [("tags.jsonl", "tag", "tags(*x)"), ("texts.csv", "classify", "[label(*x)]")]
)
def test_every_way_gives_the_labels_that_were_scored(
    world: World, store: Path, data: str, kind: str, call: str
) -> None:
    bundle = build(world, store, "--task", kind, "--data", str(world.folder / data))
    items = test_items(store, kind)
    inputs = list[object]()
    for words, _ in items:
        text, starts = running_text(words)
        spans = [(start, start + len(word)) for start, word in zip(starts, words, strict=True)]
        inputs.append((text, spans) if kind == "tag" else (text,))
    apart, ways = said(bundle, call, inputs)
    scored = json.loads((bundle / "report" / "predictions.json").read_text("utf-8"))["models"]
    assert apart < 1e-6 and len(ways) == 3
    int8, torch, optimum = ways
    assert int8 == scored["student int8"][0] == optimum
    assert torch == scored["student torch"][0]
    assert len({label for item in int8 for label in item}) > 1, "one label for all shows nothing"


def test_every_way_gives_the_same_vectors(world: World, store: Path) -> None:
    bundle = build(world, store)
    texts = [[line] for line in world.corpus.read_text("utf-8").splitlines()[:3]]
    apart, (int8, torch, optimum) = said(bundle, "vector(*x).tolist()", texts)
    assert apart < 1e-6
    assert int8 == [pytest.approx(one, abs=1e-6) for one in optimum]
    assert int8 == [pytest.approx(one, abs=0.3) for one in torch]


def test_every_way_fills_the_mask(world: World, store: Path) -> None:
    bundle = build(world, store, "--export-task", "fill-mask")
    apart, (int8, torch, optimum) = said(bundle, "token(*x)", [["Ang <mask> ay natutulog."], ["<mask> kami."]])
    assert apart < 1e-6
    assert int8 == optimum and len(torch) == 2


def test_every_way_gives_the_sentence_vectors_of_the_file(world: World, store: Path) -> None:
    """The examples run as they stand but for the text; each leaves `vectors`, the first a function for one."""
    bundle = build(world, store, "--export-task", "sentence-embedding")
    texts = world.corpus.read_text("utf-8").splitlines()[:3]
    card = (bundle / "README.md").read_text("utf-8").replace('["a text"]', "texts")
    first, library, fastembed = re.findall(r"```python\n(.*?)```", card, flags=re.DOTALL)
    show = "\nprint(json.dumps([[float(value) for value in vector] for vector in vectors]))\n"
    torch = "\n".join(line for line in library.splitlines() if "backend" not in line)
    ways = (first + "\nvectors = [vector(text) for text in texts]", library, torch, fastembed)
    code = f"texts = {texts!r}\n" + "".join(way + show for way in ways)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=bundle, capture_output=True, text=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
    apart, *found = [json.loads(line) for line in done.stdout.splitlines()]
    int8, library_N, torch_N, fastembed_N = map(np.asarray, found)
    assert apart < 1e-6 and int8.shape == (3, 24)
    np.testing.assert_allclose(np.linalg.norm(int8, axis=-1), 1, atol=1e-5)
    for other in (library_N, fastembed_N):
        assert (int8 * other).sum(-1).min() > 0.999, "a batch moves the last bits of an int8 file"
    assert 0.9 < (int8 * torch_N).sum(-1).min() < 1 - 1e-9
    assert np.abs(int8 - int8[0])[1:].max() > 1e-3, "one vector for all shows nothing"
