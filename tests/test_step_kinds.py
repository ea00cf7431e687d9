"""Every kind of step is one value in the file of its name, and a plan that lists them loads nothing heavy."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import is_dataclass

import pytest

import edgeenc.steps
from edgeenc.kinds import modules_of
from edgeenc.planned import Role, StepName
from edgeenc.recipe import build_steps
from edgeenc.steps.line.step_kind import file_kind, step_kinds
from edgeenc.targets.target import targets


def test_a_file_is_called_as_its_kind() -> None:
    files = [precision.step for target in targets() for precision in target.precisions]
    assert tuple(step_kinds()) == (*modules_of(edgeenc.steps.__name__), *files)
    assert len(step_kinds()) == 15
    for name, kind in step_kinds().items():
        assert kind.does.__module__ == (file_kind.__module__ if name in files else f"edgeenc.steps.{name}")
        assert is_dataclass(kind.figures)


def test_only_the_stages_have_names_of_their_own() -> None:
    assert build_steps() == set(step_kinds()) - {"stage"}


def test_the_kinds_load_no_library_of_tensors() -> None:
    script = (
        "import sys\nfrom edgeenc.steps.line.step_kind import step_kinds\nassert step_kinds()\n"
        "print({'torch', 'transformers', 'onnx', 'onnxruntime', 'tokenizers'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "set()", done.stderr


@pytest.mark.parametrize(("role", "text"), [
    (Role("encoder"), "encoder"),
    (Role("teacher-onnx"), "teacher-onnx"),
    (Role("earlier", step="trim-vocab"), "earlier trim-vocab"),
    (Role("tuned", "student", 0), "tuned student 0"),
    (Role("tuned", seed=0), "tuned 0"),
    (Role("file", precision="fp32"), "fp32"),
    (Role("file", precision="int8", seed=2), "int8 2"),
    (Role("step", step="tune:student:0"), "tune:student:0"),
])  # fmt: skip
def test_a_role_reads_as_in_keys_and_manifests(role: Role, text: str) -> None:
    assert str(role) == text


def test_a_step_is_called_by_its_kind_and_by_which_of_several_it_is() -> None:
    assert str(StepName("tune", "student", 0)) == "tune:student:0"
    assert str(StepName("quantize", seed=0)) == "quantize:0"
    assert str(StepName("export", "teacher")) == "export:teacher"
    assert str(StepName("export")) == "export"
