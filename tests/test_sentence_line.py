"""The line of sentence vectors: teachers as they are published become bundles that every library reads alike."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from line import Done, edgeenc, make_world
from sentences import PUBLISHED, publish, recipe_for

from edgeenc.bundle.load import load_bundle
from edgeenc.model.embed import embed, forward_of
from edgeenc.model.encoder import Encoder, load_encoder
from edgeenc.model.sentence_head import read_sentence_head

pytestmark = pytest.mark.export

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
    assert [one.name for one in session.get_outputs()] == ["token_embeddings", "sentence_embedding"]
