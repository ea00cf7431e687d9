"""A whole tiny build of every family beside BERT: from text to a checked bundle, through the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from families import tiny
from line import World, edgeenc, make_world
from tokenizers import Tokenizer

from edgeenc.bundle.assemble import load_golden_tokenizer, replay
from edgeenc.model.encoder import load_encoder
from edgeenc.targets.sessions.ort_session import OrtSession
from edgeenc.text.specials import Specials

pytestmark = pytest.mark.export


@pytest.fixture(scope="module", params=["xlm-roberta", "distilbert", "modernbert", "deberta-v2", "electra"])
def built(
    request: pytest.FixtureRequest, sentences: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory
) -> tuple[World, Path]:
    """A world and the bundle that was built in it."""
    folder = tmp_path_factory.mktemp("world")
    encoder = tiny(request.param, sentences)
    world = make_world(encoder, sentences, folder)
    recipe = world.recipe.read_text(encoding="utf-8").replace("size: 112", f"size: {encoder.shape.vocab - 8}")
    lines = recipe.splitlines(keepends=True)
    refused = [line for line in lines if any(kind in line for kind in encoder.shape.table.refused)]
    world.recipe.write_text("".join(line for line in lines if line not in refused), encoding="utf-8")
    done = edgeenc(*world.command(folder / "store", folder / "bundle"))
    assert done.returncode == 0, done.stderr
    return world, folder / "bundle"


def test_the_student_has_the_planned_shape_and_the_files_the_predicted_size(built: tuple[World, Path]) -> None:
    world, bundle = built
    asked = ("--lang", "ilo", "--corpus", str(world.corpus), "--recipe", str(world.recipe))
    plan = json.loads(edgeenc("plan", *asked, "--json").stdout)
    student = load_encoder(bundle)
    assert student.shape.parameters == plan["student"]["parameters"]
    assert student.shape.family == load_encoder(world.teacher).shape.family
    for name, file in (("fp32_bytes", "model.onnx"), ("int8_bytes", "model_quantized.onnx")):
        size = (bundle / "onnx" / file).stat().st_size
        assert 0.97 * size < plan["predicted"][name] < 1.04 * size  # the most: factors that it may lack


def test_the_bundle_holds_when_it_is_checked_again(built: tuple[World, Path]) -> None:
    _, bundle = built
    assert edgeenc("verify", str(bundle)).returncode == 0
    assert replay(bundle) == 0
    found = json.loads(edgeenc("inspect", str(bundle), "--json").stdout)
    assert found["problems"] == []
    assert found["kind"] == "bundle"


def test_numpy_and_two_libraries_are_enough_to_use_it(built: tuple[World, Path]) -> None:
    """Pad with the padding token; padded texts give what each gives alone, int8 within its own error."""
    _, bundle = built
    tokenizer = Tokenizer.from_file(str(bundle / "tokenizer.json"))
    pad = Specials.of(tokenizer).pad
    rows = [e.ids for e in tokenizer.encode_batch(["Ang bata ay kumain.", "Umuulan na naman."])]
    width = max(map(len, rows))
    ids_BT = np.array([row + [pad] * (width - len(row)) for row in rows], dtype=np.int64)
    session = OrtSession(bundle / "onnx" / "model.onnx")
    together = session(ids_BT, (np.arange(width) < np.array([[len(row)] for row in rows])).astype(np.int64))
    for row, out in zip(rows, together, strict=True):
        alone = session(np.array([row], dtype=np.int64), np.ones((1, len(row)), dtype=np.int64))[0]
        assert np.abs(alone - out[: len(row)]).max() < 1e-4
    assert load_golden_tokenizer(bundle).truncation["max_length"] == load_encoder(bundle).shape.longest == 64


def test_the_masked_lm_passes_its_gates_too(built: tuple[World, Path], tmp_path: Path) -> None:
    """The student is there already; only the graph with the head is made, and the word table is stored in it once."""
    world, bundle = built
    out = tmp_path / "bundle"
    done = edgeenc(*world.command(bundle.parent / "store", out, "--export-task", "fill-mask"))
    assert done.returncode == 0, done.stderr
    report = json.loads((out / "report" / "report.json").read_text(encoding="utf-8"))
    assert {gate["name"] for gate in report["gates"]} >= {"tokenizer", "kept tokens", "fp32 parity", "int8 agreement"}
    shape = load_encoder(out).shape
    more = (out / "onnx" / "model.onnx").stat().st_size - (bundle / "onnx" / "model.onnx").stat().st_size
    assert 4 * shape.head_parameters < more < 4 * shape.head_parameters + 4 * shape.vocab * shape.hidden
