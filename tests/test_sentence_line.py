"""The line of sentence vectors: teachers as they are published become bundles that every library reads alike."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from line import Done, edgeenc, make_world
from sentences import PUBLISHED, publish, recipe_for

from edgeenc.bundle.gates import readers
from edgeenc.bundle.gates.readers import ReadingLibrary
from edgeenc.bundle.load import load_bundle
from edgeenc.errors import UsageError
from edgeenc.model.embed import embed, forward_of
from edgeenc.model.encoder import Encoder, load_encoder, load_tokenizer
from edgeenc.model.sentence_head import read_sentence_head

pytestmark = pytest.mark.export

ONNX = "sentence-transformers onnx"
TEXTS = ("Ang aso ay natutulog.", "Saan ka pupunta bukas ng umaga?", "We walked home slowly.")


@pytest.fixture(scope="module")
def corpus(tiny_encoder: Encoder, sentences: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_world(tiny_encoder, sentences, tmp_path_factory.mktemp("world")).corpus


@pytest.fixture(scope="module")
def built(
    corpus: Path, sentences: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, tuple[Path, Path, Done]]:
    """Return teacher, bundle and what was printed, of each published teacher."""
    place, found = tmp_path_factory.mktemp("built"), {}
    for name in PUBLISHED:
        folder = place / name
        teacher = publish(name, sentences, folder / "teacher")
        recipe = recipe_for(teacher, folder)
        asked = ["build", "--lang", "ilo", "--corpus", str(corpus), "--recipe", str(recipe), "--threads", "1"]
        done = edgeenc(*asked, "--store", str(folder / "store"), "-o", str(folder / "out"))
        assert done.returncode == 0, done.stderr
        found[name] = teacher, folder / "out", done
    return found


@pytest.mark.parametrize("name", PUBLISHED)
def test_files_give_the_vectors_of_the_head_that_the_teacher_has(
    name: str, built: dict[str, tuple[Path, Path, Done]]
) -> None:
    teacher, bundle, _ = built[name]
    head, kept = read_sentence_head(teacher), read_sentence_head(bundle)
    assert head is not None and kept is not None
    assert (kept.pooling, kept.normalize, kept.prompts) == (head.pooling, head.normalize, head.prompts)
    student = load_encoder(bundle)
    right = embed(forward_of(student, head), student.tokenizer, TEXTS, longest=64)
    found = np.stack([np.asarray(one) for one in load_bundle(bundle, "fp32")(TEXTS)])
    assert found.shape == (3, head.dimensions(32))
    np.testing.assert_allclose(found, right, atol=1e-5)
    session = onnxruntime.InferenceSession(bundle / "onnx" / "model.onnx")
    assert [one.name for one in session.get_outputs()] == [
        "token_embeddings",
        "sentence_embedding",
        "last_hidden_state",
    ]


@pytest.mark.parametrize("name", ["labse", "minilm", "newest"])
def test_libraries_that_are_installed_are_a_gate(name: str, built: dict[str, tuple[Path, Path, Done]]) -> None:
    found = {
        gate["name"]: gate for gate in json.loads((built[name][1] / "report" / "report.json").read_text())["gates"]
    }
    names = {"sentence-transformers", *(f"{one} {lib}" for one in ("fp32", "int8") for lib in ("fastembed", ONNX))}
    assert names <= set(found)
    assert all(found[one]["passed"] and found[one]["figure"] > 0.999 for one in names)


def build_anew(teacher: Path, corpus: Path, folder: Path) -> Done:
    folder.mkdir()
    asked = ["build", "--lang", "ilo", "--corpus", str(corpus), "--recipe", str(recipe_for(teacher, folder))]
    return edgeenc(*asked, "--threads", "1", "--store", str(folder / "store"), "-o", str(folder / "out"))


def test_libraries_that_are_not_here_are_named_once(
    built: dict[str, tuple[Path, Path, Done]], corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not any("not run" in done.stdout + done.stderr for _, _, done in built.values())
    find, away = importlib.util.find_spec, ("sentence_transformers", "fastembed")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: None if name in away else find(name, *more))
    done = build_anew(built["minilm"][0], corpus, tmp_path / "new")
    assert done.returncode == 0, done.stderr
    said = " ".join((done.stdout + done.stderr).split())
    assert "; not run: sentence-transformers is not installed, fastembed is not installed" in said
    assert said.count("not installed") == 2


def test_a_library_that_does_not_fit_is_named_and_not_traced(
    built: dict[str, tuple[Path, Path, Done]], corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "odd_parts.py").write_text("raise ImportError('cannot import name x')")
    monkeypatch.syspath_prepend(tmp_path)
    fits_not = ReadingLibrary("odd", ("odd_parts",), lambda *_: np.zeros((1, 1)), exported=True)
    assert fits_not.hindrance == "odd-parts cannot be imported"

    def older(folder: Path, file: str, texts: Sequence[str]) -> np.ndarray:
        raise TypeError("unexpected keyword argument 'backend'\nmore")

    monkeypatch.setattr(readers, "READERS", (fits_not, ReadingLibrary("older", ("fastembed",), older, exported=True)))
    done = build_anew(built["minilm"][0], corpus, tmp_path / "new")
    said = " ".join(done.stderr.split())
    assert done.returncode == 3 and "more" not in said.partition("backend")[2]
    assert (
        "cannot read the folder (TypeError: unexpected keyword argument 'backend'); update it, or uninstall it" in said
    )


def by_numpy(bundle: Path, pooling: str, normalize: bool) -> list[np.ndarray]:
    """Return what the pipeline of transformers.js computes, by its source: `last_hidden_state` before other outputs."""
    tokenizer, session = load_tokenizer(bundle), onnxruntime.InferenceSession(bundle / "onnx" / "model_quantized.onnx")
    tokenizer.enable_padding(pad_id=tokenizer.token_to_id("[PAD]") or 0)
    found = tokenizer.encode_batch(list(TEXTS))
    feeds = {"input_ids": np.array([one.ids for one in found])}
    feeds |= {"attention_mask": np.array([one.attention_mask for one in found])}
    feeds |= {"token_type_ids": np.zeros_like(feeds["input_ids"])}
    known = {one.name for one in session.get_inputs()}
    asked = ["sentence_embedding", "last_hidden_state"]
    output, hidden = map(np.asarray, session.run(asked, {name: feed for name, feed in feeds.items() if name in known}))
    weight = feeds["attention_mask"][..., None]
    vectors = hidden[:, 0] if pooling == "cls" else (hidden * weight).sum(1) / weight.sum(1)
    return [vectors / np.linalg.norm(vectors, axis=-1, keepdims=True) if normalize else vectors, output]


def by_node(bundle: Path, pooling: str, normalize: bool) -> list[np.ndarray]:
    """Return what transformers.js gives: of its pipeline, and the output that its model has."""
    asked = {"folder": str(bundle.parent), "name": bundle.name, "dtype": "q8", "texts": TEXTS}
    asked |= {"options": {"pooling": pooling, "normalize": normalize}}
    script = Path(__file__).parent / "transformers_js.cjs"
    done = subprocess.run(["node", script], input=json.dumps(asked), capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    return [np.array(found["pipeline"]), np.array(found["output"])]


def has_transformers_js() -> bool:
    """Whether Node finds the package: beside the tests, or in a folder of NODE_PATH (`npm root -g` names one)."""
    asked = ["node", "-e", "require.resolve('@huggingface/transformers')"]
    return bool(shutil.which("node")) and not subprocess.run(asked, capture_output=True, check=False).returncode


PIPELINES = (by_numpy, *([by_node] if has_transformers_js() else []))


@pytest.mark.parametrize("read", PIPELINES)
@pytest.mark.parametrize("name", ["e5", "bge-m3", "minilm", "newest", "labse"])
def test_the_pipeline_of_transformers_js_gives_the_same_vectors_but_with_dense(
    name: str, read: Callable[[Path, str, bool], list[np.ndarray]], built: dict[str, tuple[Path, Path, Done]]
) -> None:
    bundle = built[name][1]
    head = read_sentence_head(bundle)
    assert head is not None
    pooled, output = read(bundle, head.pooling, head.normalize)
    right = np.stack([np.asarray(one) for one in load_bundle(bundle, "int8")(TEXTS)])
    cosines = (output * right).sum(-1) / np.linalg.norm(output, axis=-1) / np.linalg.norm(right, axis=-1)
    assert cosines.min() > 0.999
    assert (np.abs(pooled - output).max() < 1e-5) == (not head.dense)


def test_a_prompt_is_put_before_a_text_where_it_is_asked_for(built: dict[str, tuple[Path, Path, Done]]) -> None:
    bundle = load_bundle(built["newest"][1])
    plain, said, typed = bundle(TEXTS), bundle(TEXTS, prompt="query"), bundle([f"query: {text}" for text in TEXTS])
    np.testing.assert_array_equal(np.stack(said), np.stack(typed))
    assert np.abs(np.stack(said) - np.stack(plain)).max() > 1e-3
    with pytest.raises(UsageError, match="no prompt 'passage'; it has query, document"):
        bundle(TEXTS, prompt="passage")
    with pytest.raises(UsageError, match="it has none"):
        load_bundle(built["e5"][1])(TEXTS, prompt="query")


def test_plan_and_inspect_say_how_vectors_are_made(built: dict[str, tuple[Path, Path, Done]], corpus: Path) -> None:
    teacher, bundle, done = built["newest"]
    said = 'mean of tokens, 32 dimensions, length 1; prompts: query "query: ", document ""'
    assert f"made of the {said}" in " ".join(done.stderr.split()) + " ".join(done.stdout.split())
    for folder in (teacher, bundle):
        assert json.loads(edgeenc("inspect", str(folder), "--json").stdout)["sentence"] == said
    again = edgeenc("verify", str(bundle), "--json")
    assert again.returncode == 0, again.stderr
    assert "fp32 fastembed" in again.stdout


def test_the_bundle_has_the_files_of_sentence_transformers_with_their_hashes(
    built: dict[str, tuple[Path, Path, Done]],
) -> None:
    files = json.loads((built["distiluse"][1] / "manifest.json").read_text())["files"]
    assert {"modules.json", "1_Pooling/config.json", "2_Dense/model.safetensors"} <= set(files)
    assert {"config_sentence_transformers.json", "sentence_bert_config.json"} <= set(files)
