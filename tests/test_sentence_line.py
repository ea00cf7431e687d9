"""The line of sentence vectors: teachers as they are published become bundles that every library reads alike."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from line import Done, edgeenc, make_world
from sentences import PUBLISHED, publish, recipe_for

from edgeenc.bundle.load import load_bundle
from edgeenc.errors import UsageError
from edgeenc.model.embed import embed, forward_of
from edgeenc.model.encoder import Encoder, load_encoder
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
    assert all(found[one]["passed"] and found[one]["figure"] > 0.9995 for one in names)


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
