from __future__ import annotations

import io
import json
import os
import sys
from dataclasses import is_dataclass, replace
from importlib.metadata import version
from pathlib import Path

import onnxruntime
import pytest
from rich.console import Console

from edgeenc.machine import doctor
from edgeenc.machine.doctor import examine, notes, problems
from edgeenc.record.findings import Findings, RuntimeFound
from edgeenc.record.form import parse, plain
from edgeenc.screen.doctor_lines import render


@pytest.fixture(scope="module")
def found() -> Findings:
    return examine(Path("/no/such/store"))


def shown(found: Findings) -> str:
    screen = io.StringIO()
    Console(file=screen, width=200).print(render(found))
    return screen.getvalue()


def changed(found: Findings, **fields: object) -> Findings:
    """Return a copy in which `fields` replace what was found, or fields of it where it is a record."""
    for name, value in fields.items():
        own = getattr(found, name)
        fresh = replace(own, **value) if isinstance(value, dict) and is_dataclass(own) else value
        found = replace(found, **{name: fresh})
    return found


def test_what_is_found_is_json_and_true(found: Findings) -> None:
    assert parse(Findings, json.dumps(plain(found))) == found
    assert found.versions["torch"] == version("torch")
    providers = tuple(onnxruntime.get_available_providers())
    assert found.runtimes[1] == RuntimeFound(name="onnxruntime", providers=providers, problem="")
    assert found.runtimes[0].providers[0] == "cpu"
    assert 1 <= found.threads.available <= (os.cpu_count() or 1)
    stat = os.statvfs("/")
    assert found.disk.free_bytes == pytest.approx(stat.f_bavail * stat.f_frsize, rel=0.05)
    assert not Path("/no").exists(), "looking must not make anything"


def test_the_screen_shows_everything_that_was_found(found: Findings) -> None:
    text = shown(found)
    for word in (
        "processor",
        "instructions",
        "threads",
        "memory",
        "torch",
        "CPUExecutionProvider",
        "/no/such/store",
        "GB free",
    ):
        assert word in text
    calm = changed(found, notes=(), problems=())
    assert shown(calm).rstrip().endswith("ready to build")
    assert "ready to build" not in shown(changed(found, problems=("no disk",)))
    assert "problem: no disk" in shown(changed(found, problems=("no disk",)))


def test_threads_set_from_outside_are_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    found = examine(tmp_path)
    assert found.threads.environment["OMP_NUM_THREADS"] == "3"
    assert "OMP_NUM_THREADS=3" in shown(found)


def test_a_machine_that_lacks_nothing_has_no_notes_and_no_problems(found: Findings) -> None:
    good = changed(found, host={"flags": ("avx2", "avx_vnni"), "load": 0.1, "memory_bytes": 8 * 10**9}, bfloat16=True)
    good = changed(good, disk={"free_bytes": 10**11, "writable": True}, versions=dict.fromkeys(doctor.PACKAGES, "1"))
    assert notes(good) == []
    assert problems(good) == []
    worse = changed(good, host={"flags": ("avx2",), "load": 50.0}, bfloat16=False)
    assert [note.split()[0:2] for note in notes(worse)] == [
        ["this", "processor"],
        ["this", "processor"],
        ["the", "load"],
    ]
    assert "no int8 dot product" in notes(worse)[0]
    assert "no bfloat16" in notes(worse)[1]


def test_each_problem_says_what_to_do(found: Findings) -> None:
    bad = changed(found, disk={"free_bytes": 10**8, "writable": False}, host={"memory_bytes": 10**9})
    # where transformers 5 is tried the first two are away
    present = {**found.versions, **dict.fromkeys(("optimum", "optimum-onnx"), "1.0")}
    broken = replace(found.runtimes[1], problem="libonnx.so: wrong ELF class")
    bad = changed(
        bad,
        versions={name: number for name, number in present.items() if name != "onnx"},
        runtimes=(found.runtimes[0], broken),
    )
    said = problems(bad)
    assert said[0] == "onnxruntime cannot be loaded: libonnx.so: wrong ELF class"
    assert said[1] == "not installed: onnx; run `pip install edgeenc` again"
    assert "not writable; choose another with --store" in said[2]
    assert said[3].startswith("0.1 GB free at ")
    assert "edgeenc store clean" in said[3]
    assert said[4] == "1.0 GB of memory, a build may need 3.0 GB"
    assert len(said) == 5


def test_a_runtime_that_cannot_be_loaded_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    found = doctor._runtime("onnxruntime")
    assert found.providers == ()
    assert "onnxruntime" in found.problem


def test_a_store_that_is_a_file_is_not_writable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    assert doctor._disk(tmp_path / "file").writable is False
    assert doctor._disk(tmp_path / "new" / "store").writable is True
