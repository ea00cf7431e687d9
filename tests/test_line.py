"""The whole line on a tiny teacher: what comes out, what a second run does, and what kills leave behind."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import signal
import time
from pathlib import Path

import pytest
import yaml
from line import World, edgeenc, edgeenc_process, make_world

from edgeenc.model.encoder import Encoder
from edgeenc.recipe import Bounds, stage_kinds
from edgeenc.record.former import former_spelling
from edgeenc.tasks.tuning.fine_tuning import FineTuning

pytestmark = pytest.mark.export

SAME = (
    "model.safetensors",
    "tokenizer.json",
    "onnx/model.onnx",
    "onnx/model_quantized.onnx",
    "golden.jsonl",
    "recipe.yaml",
)


@pytest.fixture(scope="module")
def world(tiny_encoder: Encoder, sentences: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_world(tiny_encoder, sentences, tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def built(world: World, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """An undisturbed build: its store and its bundle."""
    folder = tmp_path_factory.mktemp("built")
    done = edgeenc(*world.command(folder / "store", folder / "out"))
    assert done.returncode == 0, done.stderr
    return folder / "store", folder / "out"


def hashes(bundle: Path) -> dict[str, str]:
    return {name: hashlib.sha256((bundle / name).read_bytes()).hexdigest() for name in SAME}


def test_the_bundle_has_every_promised_file(built: tuple[Path, Path]) -> None:
    bundle = built[1]
    files = {str(path.relative_to(bundle)) for path in bundle.rglob("*") if path.is_file()}
    report = {"report/report.html", "report/report.md", "report/report.json"}
    rest = {
        "config.json",
        "tokenizer_config.json",
        "special_tokens_map.json",
        "vocab.txt",
        "README.md",
        "manifest.json",
    }
    assert files == {*SAME, *report, *rest}
    manifest = json.loads((bundle / "manifest.json").read_text())
    assert manifest["files"]["model.safetensors"]["sha256"] == hashes(bundle)["model.safetensors"]
    assert len((bundle / "golden.jsonl").read_text().splitlines()) >= 20


def test_plan_and_bundle_agree(world: World, built: tuple[Path, Path]) -> None:
    """Parameters to the unit, file sizes within 3 % where a fixed graph text does not weigh more than the weights."""
    store, bundle = built
    asked = ["--lang", "ilo", "--corpus", str(world.corpus), "--recipe", str(world.recipe), "--store", str(store)]
    plan = json.loads(edgeenc("plan", *asked, "--threads", "1", "--json").stdout)
    assert plan["student"] == {
        "parameters": plan["student"]["parameters"], "layers": 2, "hidden": 24, "heads": 4, "head_width": 6, "ffn": 32,
        "vocab": 112,
    }  # fmt: skip
    report = json.loads((bundle / "report" / "report.json").read_text())
    assert report["student"]["parameters"] == plan["student"]["parameters"]
    assert {step["status"] for step in plan["steps"]} == {"done"}
    assert plan["predicted"]["exact"] is True
    assert [step["name"] for step in plan["steps"]][:3] == ["corpus", "teacher", "trim-vocab"]


def test_a_finished_build_does_nothing_again(world: World, built: tuple[Path, Path]) -> None:
    store, bundle = built
    before = hashes(bundle)
    stamps = {path: path.stat().st_mtime_ns for path in (store / "steps").rglob("*")}
    again = edgeenc(*world.command(store, bundle))
    assert again.returncode == 0
    assert again.stderr.count("cached") == len(list((store / "steps").iterdir()))
    assert hashes(bundle) == before
    assert {path: path.stat().st_mtime_ns for path in (store / "steps").rglob("*")} == stamps


def test_the_stored_recipe_gives_the_same_plan(world: World, built: tuple[Path, Path]) -> None:
    store, bundle = built
    asked = ["--lang", "ilo", "--corpus", str(world.corpus), "--store", str(store), "--threads", "1", "--json"]
    plans = [
        json.loads(edgeenc("plan", *asked, "--recipe", str(path)).stdout)
        for path in (world.recipe, bundle / "recipe.yaml")
    ]
    assert plans[0] == plans[1]


def test_killed_at_random_moments_the_same_files_come_out(
    world: World, built: tuple[Path, Path], tmp_path: Path
) -> None:
    """SIGKILL in a fresh store, each time a random while after new work was seen; then one run to the end."""
    store, out = tmp_path / "store", tmp_path / "out"
    chance = random.Random(time.time_ns())
    for wanted in ("adapt", "student", "quantize"):
        process = edgeenc_process(*world.command(store, out))
        while process.poll() is None and not list(store.glob(f"*/*-{wanted}")):
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 0.4))
        process.kill()
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        assert not out.exists()
    done = edgeenc(*world.command(store, out))
    assert done.returncode == 0, done.stderr
    assert hashes(out) == hashes(built[1])


def test_two_builds_at_once_do_no_harm(world: World, built: tuple[Path, Path], tmp_path: Path) -> None:
    both = [edgeenc_process(*world.command(tmp_path / "store", tmp_path / "out")) for _ in range(2)]
    errors = [process.communicate()[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], errors
    assert hashes(tmp_path / "out") == hashes(built[1])


def test_a_failed_gate_publishes_nothing(world: World, built: tuple[Path, Path], tmp_path: Path) -> None:
    """A bound that no float32 arithmetic keeps: exit 3, the gate, the figure, the bound and a sentence; no folder."""
    strict = tmp_path / "strict.yaml"
    strict.write_text(world.recipe.read_text().replace("{mean_cosine", "{parity: 1.0e-12, mean_cosine"))
    asked = ["--lang", "ilo", "--corpus", str(world.corpus), "--recipe", str(strict), "--threads", "1"]
    done = edgeenc("build", *asked, "--store", str(built[0]), "-o", str(tmp_path / "out"))
    assert done.returncode == 3
    assert "fp32 parity" in done.stderr and "1e-12" in done.stderr
    assert not (tmp_path / "out").exists()
    assert "Traceback" not in done.stderr


def test_verify_accepts_the_bundle_and_refuses_a_changed_one(built: tuple[Path, Path], tmp_path: Path) -> None:
    good = edgeenc("verify", str(built[1]))
    assert good.returncode == 0, good.stderr
    shutil.copytree(built[1], tmp_path / "copy")
    with (tmp_path / "copy" / "onnx" / "model.onnx").open("r+b") as file:
        file.seek(1000)
        file.write(b"\xff\xff")
    bad = edgeenc("verify", str(tmp_path / "copy"))
    assert bad.returncode == 5
    assert "onnx/model.onnx" in bad.stderr


def test_verify_reads_a_recipe_with_former_names(built: tuple[Path, Path], tmp_path: Path) -> None:
    """A bundle from before fields were renamed is checked like any other, and nothing is said of it."""
    shutil.copytree(built[1], tmp_path / "old")
    place, manifest = tmp_path / "old" / "recipe.yaml", tmp_path / "old" / "manifest.json"
    fields = yaml.safe_load(place.read_text())
    kinds = stage_kinds()
    stages = [former_spelling(kinds[stage["kind"]], stage) for stage in fields.pop("stages")]
    tuning, bounds = former_spelling(FineTuning, fields.pop("fine_tuning")), former_spelling(Bounds, fields["bounds"])
    assert "looks" in stages[1] and "imitate" in tuning and "agreement" in bounds
    before = hashlib.sha256(place.read_bytes()).hexdigest()
    place.write_text(yaml.safe_dump({**fields, "stages": stages, "tuning": tuning, "bounds": bounds}))
    after = hashlib.sha256(place.read_bytes()).hexdigest()
    stamps = json.loads(manifest.read_text())
    assert stamps["files"]["recipe.yaml"]["sha256"] == before
    stamps["files"]["recipe.yaml"] = {"sha256": after, "bytes": place.stat().st_size}
    manifest.write_text(json.dumps(stamps))
    good = edgeenc("verify", str(tmp_path / "old"))
    assert (good.returncode, good.stderr) == (0, ""), good.stderr
    assert good.stdout.endswith(": every file has its hash, 5 gates passed\n")
    refused = edgeenc("recipes", "check", str(place))
    assert refused.returncode == 2 and "stages.1.looks: no such field; did you mean 'evaluations'?" in refused.stderr


def test_fill_mask_and_one_precision(world: World, built: tuple[Path, Path], tmp_path: Path) -> None:
    """The masked-LM export, fp32 only; the student's steps are reused."""
    more = ("--export-task", "fill-mask", "--precision", "fp32", "--json")
    done = edgeenc(*world.command(built[0], tmp_path / "out", *more))
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (tmp_path / "out" / "onnx").iterdir()) == ["model.onnx"]
    assert json.loads(done.stdout)["bytes"]["int8"] is None
    assert "student" in done.stderr and "cached" in done.stderr
