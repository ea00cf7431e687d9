"""A target that nobody knew is added by one value: planned, made, checked, timed, reported and shipped like others.

It ships the weights as numpy arrays, and once more rounded to float16; PyTorch runs them.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
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
from edgeenc.targets.sessions.session import Ids, Session
from edgeenc.targets.sessions.torch_session import checkpoint_session
from edgeenc.targets.target import FOLDER, Precision, Target, target_named, target_of, targets

BESIDE = ("config.json", "tokenizer.json")


def make_whole(checkpoint: Path, out: Path, purpose: Purpose, texts: Sequence[Ids]) -> Path:
    texts = {name: np.array((checkpoint / name).read_text("utf-8")) for name in BESIDE}
    np.savez(out, **load_file(checkpoint / WEIGHTS), **texts)  # pyright: ignore[reportArgumentType]
    return out


def make_half(whole: Path, out: Path, purpose: Purpose, texts: Sequence[Ids]) -> Path:
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
HALF = Precision(
    "half", "arrays/half.npz", "halve", 1, make_half, half_bytes, open_arrays, source="whole", rounded=True
)
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
    assert set(only["predicted"]) == {"whole_bytes", "exact"}, "of a file that is not made nothing is predicted"
    shown = edgeenc("plan", *[word for word in command if word != "--json"], "--precision", "whole").stdout
    assert "exported whole file" in " ".join(shown.split()) and "half" not in shown
    wrong = edgeenc("plan", *command, "--precision", "fp32")
    assert wrong.returncode == 2 and "expected one or more of whole, half" in wrong.stderr


def test_it_is_built_and_reported(bundle: Path) -> None:
    assert target_of(bundle) is target_named("arrays") is ARRAYS
    assert [one.name for one in targets()] == ["onnx", "arrays"], "the default does not follow from the alphabet"
    assert sorted(path.name for path in (bundle / "arrays").iterdir()) == ["half.npz", "whole.npz"]
    assert not (bundle / "onnx").exists()
    facts = json.loads((bundle / "report" / "report.json").read_text())
    sizes = {name: (bundle / "arrays" / f"{name}.npz").stat().st_size for name in ("whole", "half")}
    assert list(facts["bytes"]) == ["teacher_whole", "whole", "half"]
    assert {name: facts["bytes"][name] for name in sizes} == sizes
    gates = [gate["name"] for gate in facts["gates"]]
    assert gates == ["half mean cosine", "half worst cosine", "kept tokens", "known text", "whole parity", "tokenizer"]
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


def test_what_is_made_from_a_file_and_not_rounded_is_held_against_it(bundle: Path) -> None:
    """That a file is made from another does not make it coarser: its target says what it is."""
    from edgeenc.bundle.gate import GateCase, run_gates
    from edgeenc.bundle.gate_text import gate_batches
    from edgeenc.bundle.opened import opened
    from edgeenc.model.encoder import load_tokenizer
    from edgeenc.recipe import Bounds

    packed = replace(HALF, name="packed", rounded=False)
    files = {"whole": bundle / "arrays" / "whole.npz", "packed": bundle / "arrays" / "whole.npz"}
    tokenizer, lines = load_tokenizer(bundle), ["Ang aso ay natutulog."]
    target, batches = replace(ARRAYS, precisions=(WHOLE, packed)), gate_batches(lines, tokenizer, 64, default_purpose())

    def names(**paths: Path) -> list[str]:
        held = opened(target, bundle, files | paths, default_purpose())
        gates = run_gates(GateCase(bundle, tokenizer, lines, batches, held, Bounds()))
        return [gate.name for gate in gates if "tokenizer" not in gate.name]

    assert names() == ["whole parity", "packed parity"]
    with pytest.raises(GateError, match="gate packed parity"):
        names(packed=bundle / "arrays" / "half.npz")


def test_it_is_looked_into(bundle: Path) -> None:
    found = json.loads(edgeenc("inspect", str(bundle), "--json").stdout)
    sizes = {f"arrays/{name}.npz": (bundle / "arrays" / f"{name}.npz").stat().st_size for name in ("half", "whole")}
    assert found["files"] == sizes and found["problems"] == []
    shown = edgeenc("inspect", str(bundle)).stdout
    assert all(name in shown for name in sizes) and "onnx" not in shown


def test_it_is_compared_and_reported_again(bundle: Path, tmp_path: Path) -> None:
    done = edgeenc("compare", str(bundle), str(bundle), "--rounds", "1", "--json")
    assert done.returncode == 0, done.stderr
    lines = {line["metric"]: line for line in json.loads(done.stdout)["lines"]}
    assert lines["bytes"]["what"] == "file (half)" and lines["bytes"]["words"] == "equal"
    assert edgeenc("report", str(bundle), "-o", str(tmp_path)).returncode == 0
    text = (tmp_path / "report.md").read_text()
    assert "| Teacher, whole |" in text and "| Student, half |" in text
    assert "int8" not in text and "ONNX" not in text
    assert "times as fast as the teacher" in text


def test_it_is_timed_as_its_own_files(bundle: Path, tmp_path: Path) -> None:
    """The runtime, the files and their names are what the target says; a checkpoint it is too, for PyTorch."""
    asked = ("--rounds", "1", "--runs", "2", "--seconds", "0", "--seq-len", "8", "-o", str(tmp_path / "timed"))
    done = edgeenc("bench", f"toy={bundle}", *asked, "--json")
    assert done.returncode == 0, done.stderr
    rows = {(row["runtime"], row["precision"]): row for row in json.loads(done.stdout)["rows"]}
    measured = [key for key, row in rows.items() if row["status"] == "measured"]
    assert measured == [("session", "whole"), ("session", "half"), ("torch", "fp32")]
    assert rows["session", "half"]["file_bytes"] == (bundle / "arrays" / "half.npz").stat().st_size
    assert rows["session", "half"]["share_of_peak"] > 0
    assert rows["torch", "half"]["reason"] == "half is the name of an exported file; PyTorch has none"
    assert {row["status"] for row in rows.values()} == {"measured", "not run"}
    text = (tmp_path / "timed" / "report.md").read_text()
    assert "half toy:" in text and "int8" not in text and "ONNX" not in text
    one = edgeenc("bench", str(bundle), *asked[:-2], "--precision", "half", "--runtime", "ort,session", "--json")
    reasons = {row["runtime"]: row["reason"] for row in json.loads(one.stdout)["rows"]}
    assert reasons == {"ort": "no file of precision half", "session": ""}
    wrong = edgeenc("bench", str(bundle), "--precision", "quarter")
    assert wrong.returncode == 2 and "whole, half" in wrong.stderr
