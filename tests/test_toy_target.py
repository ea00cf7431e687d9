"""A target that nobody knew is added by one value: planned, made, checked, timed, reported and shipped like others.

It ships the weights as numpy arrays, and once more rounded to float16; PyTorch runs them.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from line import World, edgeenc, make_world
from safetensors.numpy import load_file, save_file

from edgeenc.errors import GateError
from edgeenc.kinds import added
from edgeenc.model.encoder import WEIGHTS, Encoder
from edgeenc.model.purpose import Purpose, default_purpose
from edgeenc.model.shape import Shape
from edgeenc.targets.sessions.session import Session
from edgeenc.targets.sessions.torch_session import checkpoint_session
from edgeenc.targets.target import FOLDER, Precision, Target, target_named, target_of, targets

BESIDE = ("config.json", "tokenizer.json")


def make_whole(checkpoint: Path, out: Path, purpose: Purpose) -> Path:
    texts = {name: np.array((checkpoint / name).read_text("utf-8")) for name in BESIDE}
    np.savez(out, **load_file(checkpoint / WEIGHTS), **texts)  # pyright: ignore[reportArgumentType]
    return out


def make_half(whole: Path, out: Path, purpose: Purpose) -> Path:
    with np.load(whole) as held:
        np.savez(out, **{n: held[n].astype(np.float16) if held[n].dtype == np.float32 else held[n] for n in held})
    return out


def open_arrays(path: Path, threads: int, purpose: Purpose | None) -> Session:
    with np.load(path) as held, tempfile.TemporaryDirectory() as folder:
        for name in BESIDE:
            (Path(folder) / name).write_text(str(held[name]), encoding="utf-8")
        save_file({n: held[n].astype(np.float32) for n in held if n not in BESIDE}, Path(folder) / WEIGHTS)
        return checkpoint_session(Path(folder), purpose or default_purpose())


def whole_bytes(shape: Shape, purpose: Purpose, labels: int) -> int:
    return 4 * shape.parameters


def half_bytes(shape: Shape, purpose: Purpose, labels: int) -> int:
    return 2 * shape.parameters


WHOLE = Precision("whole", "arrays/whole.npz", "gather", 1, make_whole, whole_bytes, open_arrays)
HALF = Precision("half", "arrays/half.npz", "halve", 1, make_half, half_bytes, open_arrays, source="whole")
ARRAYS = Target("arrays", "PyTorch, CPU", (WHOLE, HALF), tags=("numpy",))


@pytest.fixture(scope="module", autouse=True)
def registered() -> Iterator[None]:
    """The registry has it, and a measuring process finds this file."""
    with pytest.MonkeyPatch.context() as patch, added(FOLDER, ARRAYS):
        here = Path(__file__).parent  # a measuring process knows it as `tests.…`, and its own imports from here
        patch.setenv("PYTHONPATH", os.pathsep.join((str(here), str(here.parent))))
        yield


@pytest.fixture(scope="module")
def world(tiny_encoder: Encoder, sentences: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_world(tiny_encoder, sentences, tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def bundle(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out") / "bundle"
    done = edgeenc(*world.command(out.parent / "store", out, "--target", "arrays"))
    assert done.returncode == 0, done.stderr
    return out


def test_it_is_planned(world: World, tmp_path: Path) -> None:
    out = tmp_path / "out"
    asked = world.command(tmp_path / "store", out, "--target", "arrays", "--json")
    command = [word for word in asked[1:] if word not in ("-o", str(out))]
    plan = json.loads(edgeenc("plan", *command).stdout)
    kinds = [step["kind"] for step in plan["steps"]]
    assert kinds.count("gather") == 2 and kinds.count("halve") == 1
    assert "export" not in kinds and "quantize" not in kinds
    assert plan["predicted"]["whole_bytes"] == 2 * plan["predicted"]["half_bytes"]
    only = json.loads(edgeenc("plan", *command, "--precision", "whole").stdout)
    assert "halve" not in [step["kind"] for step in only["steps"]]
    wrong = edgeenc("plan", *command, "--precision", "fp32")
    assert wrong.returncode == 2 and "expected one or more of whole, half" in wrong.stderr


def test_it_is_built_and_reported(bundle: Path) -> None:
    assert target_of(bundle) is target_named("arrays") is ARRAYS
    assert [one.name for one in targets()] == ["onnx", "arrays"], "the default does not follow from the alphabet"
    assert sorted(path.name for path in (bundle / "arrays").iterdir()) == ["half.npz", "whole.npz"]
    assert not (bundle / "onnx").exists()
    facts = json.loads((bundle / "report" / "report.json").read_text())
    assert facts["bytes"]["names"] == ["whole", "half"]
    assert facts["bytes"]["int8"] == (bundle / "arrays" / "half.npz").stat().st_size
    gates = [gate["name"] for gate in facts["gates"]]
    assert gates == ["tokenizer", "kept tokens", "known text", "whole parity", "half mean cosine", "half worst cosine"]
    assert set(facts["latency"]["models"]) == {"teacher whole", "student whole", "student half"}
    assert facts["latency"]["runtime"] == "PyTorch, CPU"
    card = (bundle / "README.md").read_text()
    assert "`arrays/half.npz`" in card and "--target arrays" in card and "onnxruntime" not in card
    report = (bundle / "report" / "report.md").read_text()
    assert "Student, half" in report and "int8" not in report


def test_it_verifies_and_a_changed_file_does_not(bundle: Path, tmp_path: Path) -> None:
    from edgeenc.bundle.gate import GateCase, run_gates
    from edgeenc.bundle.gate_text import gate_batches
    from edgeenc.bundle.opened import opened
    from edgeenc.model.encoder import load_tokenizer
    from edgeenc.recipe import Bounds

    done = edgeenc("verify", str(bundle))
    assert done.returncode == 0, done.stderr
    held = dict(np.load(bundle / "arrays" / "whole.npz"))
    name = next(name for name in held if name.endswith("word_embeddings.weight"))
    np.savez(tmp_path / "whole.npz", **held | {name: held[name][::-1]})
    tokenizer, lines = load_tokenizer(bundle), ["Ang aso ay natutulog."]
    files = opened(ARRAYS, bundle, {"whole": tmp_path / "whole.npz"}, default_purpose())
    batches = gate_batches(lines, tokenizer, 64, default_purpose())
    with pytest.raises(GateError, match="gate whole parity"):
        run_gates(GateCase(bundle, tokenizer, lines, batches, files, Bounds()))
