"""The command line: exit codes, words instead of tracebacks, one JSON object where it is asked for."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from line import World, edgeenc, edgeenc_process, make_world

from edgeenc.model.encoder import Encoder
from edgeenc.recipe import find_recipe, load_recipe, recipe_names, recipe_text


@pytest.fixture(scope="module")
def world(tiny_encoder: Encoder, sentences: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_world(tiny_encoder, sentences, tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Text files that cannot be built from."""
    folder = tmp_path_factory.mktemp("texts")
    (folder / "empty.txt").write_bytes(b"")
    (folder / "small.txt").write_text("isa dalawa tatlo\n" * 9)
    (folder / "latin.txt").write_bytes("año\n".encode("latin-1") * 20_000)
    (folder / "greek.txt").write_text("\n".join(f"καλημέρα κόσμε {number}" for number in range(4000)), encoding="utf-8")
    return folder


@pytest.mark.parametrize(("arguments", "code", "words"), [
    (["build"], 2, "Missing option '--lang'"),
    (["build", "--lang", "qqq"], 2, "no language has this code"),
    (["build", "--lang", "tl", "--target", "coreml"], 2, "'coreml' is not 'onnx'"),
    (["build", "--lang", "tl", "--precision", "int4"], 2, "expected one or more of fp32, int8"),
    (["build", "--lang", "tl", "--recipe", "startr"], 2, "did you mean 'starter'"),
    (["build", "--lang", "tl", "--teacher", "/nowhere/at/all"], 5, "no such folder"),
    (["build", "--lang", "tl", "--teacher", "org/name", "--offline"], 5, "no such folder"),
    (["build", "--lang", "ilo"], 5, "no text comes with edgeenc"),
    (["build", "--lang", "ilo", "--corpus", "{texts}/none.txt"], 5, "no such file"),
    (["build", "--lang", "ilo", "--corpus", "{texts}/empty.txt"], 5, "0 bytes of distinct text, expected at least"),
    (["build", "--lang", "ilo", "--corpus", "{texts}/small.txt"], 5, "expected at least 50,000"),
    (["build", "--lang", "ilo", "--corpus", "{texts}/latin.txt"], 5, "line 1 is not UTF-8"),
    (["build", "--lang", "el", "--corpus", "{texts}/greek.txt", "--recipe", "{recipe}"], 5, "tokens are unknown"),
    (["build", "--lang", "tl", "-o", "{texts}"], 2, "not replaced"),
    (["build", "--lang", "ilo", "--corpus", "/proc/self/mem"], 5, "cannot be read"),
    (["build", "--lang", "ilo", "--corpus", "x" * 5000], 5, "no such file"),
    (["build", "--lang", "tl", "--teacher", "x" * 5000], 5, "no such folder"),
    (["build", "--lang", "tl", "--teacher", "a--b/c@" + "0" * 40], 2, "no name of a model of the hub"),
    (["recipes", "copy", "starter", "/nowhere/at/all.yaml"], 6, "No such file"),
    (["recipes", "copy", "./none.yaml", "out.yaml"], 2, "no such file"),
    (["recipes", "check", "{texts}/none.yaml"], 2, "no such file"),
    (["inspect", "{texts}"], 5, "Error:"),
    (["verify", "{texts}"], 5, "a folder made by edgeenc is expected"),
])  # fmt: skip
def test_mistakes_have_words_and_a_code(
    world: World, small: Path, tmp_path: Path, arguments: list[str], code: int, words: str
) -> None:
    filled = [argument.format(texts=small, recipe=world.recipe) for argument in arguments]
    more = ["--store", str(tmp_path / "store")] if filled[0] == "build" else []
    done = edgeenc(*filled, *more, cwd=tmp_path)
    assert words in " ".join(done.stderr.split())
    assert done.returncode == code
    assert "Traceback" not in done.stderr
    assert not [path for path in tmp_path.iterdir() if path.name != "store"]


def test_a_damaged_teacher_is_an_input_error(world: World, tmp_path: Path) -> None:
    shutil.copytree(world.teacher, tmp_path / "teacher")
    weights = tmp_path / "teacher" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:5000])
    done = edgeenc(*world.command(tmp_path / "store", tmp_path / "out", "--teacher", str(tmp_path / "teacher")))
    assert done.returncode == 5
    assert "model.safetensors is damaged" in done.stderr


def test_a_place_that_cannot_be_written_is_an_environment_error(world: World, tmp_path: Path) -> None:
    """The store's folder cannot be made, since a file stands in its way."""
    (tmp_path / "file").write_text("")
    done = edgeenc(*world.command(tmp_path / "file" / "store", tmp_path / "out"))
    assert done.returncode == 6, done.stderr
    assert "Traceback" not in done.stderr


def test_all_spellings_of_a_language_give_one_plan(tmp_path: Path) -> None:
    plans = [
        json.loads(edgeenc("plan", "--lang", tag, "--json", "--store", str(tmp_path)).stdout)
        for tag in ("tl", "fil", "tgl_Latn")
    ]
    assert plans[0] == plans[1] == plans[2]
    assert plans[0]["language"] == "tl"
    assert plans[0]["predicted"]["exact"] is True
    assert plans[0]["student"]["vocab"] == 8000
    assert set(plans[0]["steps"][0]) == {"name", "kind", "key", "status", "parameters", "predicted_bytes"}


def test_a_dry_run_is_a_plan_and_makes_nothing(tmp_path: Path) -> None:
    asked = ["--lang", "tl", "--store", str(tmp_path / "store"), "--json"]
    dry, plan = edgeenc("build", *asked, "--dry-run", cwd=tmp_path), edgeenc("plan", *asked, cwd=tmp_path)
    assert dry.stdout == plan.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["store"]
    assert not (tmp_path / "store" / "steps").exists()


def test_plan_fits_a_terminal_of_80_columns(tmp_path: Path) -> None:
    done = edgeenc("plan", "--lang", "mt", "--store", str(tmp_path))
    assert done.returncode == 0
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "drop-layers" in done.stdout and "…" not in done.stdout


def test_recipes_can_be_listed_shown_copied_and_checked(tmp_path: Path) -> None:
    assert any(line.startswith("starter ") for line in edgeenc("recipes", "list").stdout.splitlines())
    copied = tmp_path / "mine.yaml"
    assert edgeenc("recipes", "copy", "starter", str(copied)).returncode == 0
    shown = edgeenc("recipes", "show", "starter").stdout.replace("name: starter", "name: mine", 1)
    assert edgeenc("recipes", "show", str(copied)).stdout == shown
    stages = len(load_recipe("starter").stages)
    assert f"ok, {stages} stages" in edgeenc("recipes", "check", str(copied)).stdout
    assert edgeenc("recipes", "copy", "starter", str(copied)).returncode == 2


@pytest.mark.parametrize(("file", "name"), [("Mine two.yaml", "mine-two"), ("12.yaml", "12"), ("no.yml", "no")])
def test_a_copied_recipe_is_named_after_its_file_and_keeps_the_rest(tmp_path: Path, file: str, name: str) -> None:
    assert edgeenc("recipes", "copy", "starter", str(tmp_path / file)).returncode == 0
    own, copy = load_recipe("starter"), load_recipe(str(tmp_path / file))
    assert copy == own.model_copy(update={"name": name})
    lines = (tmp_path / file).read_text(encoding="utf-8").splitlines()
    assert len(set(lines) - set(find_recipe("starter").read_text(encoding="utf-8").splitlines())) == 1


def test_every_recipe_of_the_package_can_be_copied_under_another_name() -> None:
    for known in recipe_names():
        assert yaml.safe_load(recipe_text(known, "on"))["name"] == "on"


def test_a_copied_recipe_needs_a_file_with_a_name(tmp_path: Path) -> None:
    done = edgeenc("recipes", "copy", "starter", str(tmp_path / "___.yaml"))
    assert (done.returncode, "is named after its file" in done.stderr) == (2, True)
    assert not (tmp_path / "___.yaml").exists()


def test_an_interrupt_leaves_with_130(world: World, tmp_path: Path) -> None:
    """Ctrl-C while a step runs: exit 130, words, and the same command goes on."""
    process = edgeenc_process(*world.command(tmp_path / "store", tmp_path / "out"))
    while process.poll() is None and not list(tmp_path.glob("store/steps/*-corpus")):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    errors = process.communicate()[1]
    assert process.returncode == 130, errors
    assert "the same command goes on from here" in errors
    assert "Traceback" not in errors
    assert not (tmp_path / "out").exists()


def test_an_interrupt_that_python_drops_ends_the_build_at_its_next_word(world: World, tmp_path: Path) -> None:
    """In the callback of a weak reference every exception is ignored: the build goes on until it says something."""
    code = """
import os, signal, weakref
from edgeenc import cli
from edgeenc.text import mixture

class Thing: pass

def take(*asked, made=mixture.take_text):
    thing = Thing()
    gone = weakref.ref(thing, lambda _: os.kill(os.getpid(), signal.SIGINT))
    del thing
    return made(*asked)

mixture.take_text = take
cli.main()
"""
    command = world.command(tmp_path / "store", tmp_path / "out")
    done = subprocess.run([sys.executable, "-c", code, *command], capture_output=True, text=True, check=False)
    assert "Exception ignored" in done.stderr
    assert done.returncode == 130, done.stderr
    assert "the same command goes on from here" in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("module", "name", "command"), [
    ("edgeenc.bundle.recheck", "recheck", ("verify", "none")),
    ("edgeenc.asked", "request_for", ("fetch", "--lang", "tl")),
    ("edgeenc.machine.doctor", "examine", ("doctor",)),
    ("edgeenc.bundle.inspect", "look", ("inspect", "none")),
    ("edgeenc.store", "Store.list", ("store", "list")),
], ids=lambda given: given[0] if isinstance(given, tuple) else "")  # fmt: skip
def test_a_dropped_interrupt_ends_every_command_with_130(module: str, name: str, command: tuple[str, ...]) -> None:
    """The work itself is replaced by an interrupt that Python drops, and a result: it must not be said."""
    code = f"""
import os, signal, weakref
from edgeenc import cli
import {module} as place

class Thing: pass

def lost(*asked, **more):
    thing = Thing()
    gone = weakref.ref(thing, lambda _: os.kill(os.getpid(), signal.SIGINT))
    del thing
    return ()

place.{name} = lost
cli.main()
"""
    done = subprocess.run([sys.executable, "-c", code, *command], capture_output=True, text=True, check=False)
    assert "Exception ignored" in done.stderr
    assert (done.returncode, "the same command goes on from here" in done.stderr) == (130, True), done.stderr
    assert "gates passed" not in done.stdout and "all is here" not in done.stdout


def test_an_interrupt_inside_an_exec_of_text_leaves_with_130(tmp_path: Path) -> None:
    """Libraries make dataclasses so; `python -m` remembers a plain KeyboardInterrupt there, though it was caught."""
    (tmp_path / "wait.py").write_text("""
import sys
from edgeenc import cli

@cli.cli.command()
def wait():
    exec("import os, signal; os.kill(os.getpid(), signal.SIGINT)")

sys.argv = ["edgeenc", "wait"]
cli.main()
""")
    done = subprocess.run([sys.executable, "-m", "wait"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 130, done.stderr
    assert "the same command goes on from here" in done.stderr


def test_doctor_and_store_speak(tmp_path: Path) -> None:
    assert "onnxruntime" in edgeenc("doctor").stdout
    listed = edgeenc("store", "list", "--store", str(tmp_path))
    assert "0 steps" in listed.stdout
