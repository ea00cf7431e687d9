"""The other rows of the second paper: without a conditioned teacher, and with parts of the data."""

from __future__ import annotations

from dataclasses import replace

import pytest
import yaml
from line import edgeenc

from edgeenc.asked import request_for
from edgeenc.machine.runtime import Runtime
from edgeenc.model.published import published_shape
from edgeenc.recipe import load_recipe, parse_recipe
from edgeenc.record.ask import Ask
from edgeenc.steps.line.make import make_plan

SIZES = ("tagalog-base", "tagalog-tiny")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("tagalog-base-unconditioned", [177_974_523, 135_447_291, 135_447_291]),
        ("tagalog-tiny-unconditioned", [177_974_523, 121_271_547, 109_762_491, 42_246_219, 42_246_219]),
    ],
)
def test_parameters_after_every_stage(name: str, expected: list[int]) -> None:
    recipe = load_recipe(name)
    shape = published_shape(recipe.teacher)
    assert shape is not None
    found = [shape.parameters]
    for stage in recipe.stages:
        shape = stage.reshape(shape)
        found.append(shape.parameters)
    assert found == expected


@pytest.mark.parametrize("name", SIZES)
def test_without_conditioning_the_teacher_is_the_untouched_one_and_all_else_the_same(name: str) -> None:
    tuned, plain = load_recipe(name), load_recipe(f"{name}-unconditioned")
    assert tuned.stages[0].kind == "adapt"
    assert plain.stages[:-1] == tuned.stages[1:-1]
    assert plain.stages[-1] == tuned.stages[-1].model_copy(update={"teacher": "teacher"})
    skipped = {"name", "stages"}
    assert plain.model_dump(exclude=skipped) == tuned.model_dump(exclude=skipped)
    tuning = plain.fine_tuning
    assert (tuning.method, tuning.pooling, tuning.lr, tuning.epochs, tuning.batch_size) == ("full", "cls", 2e-5, 3, 32)


@pytest.mark.parametrize("fraction", [0.1, 0.3, 0.5, 1.0])
def test_parts_of_the_data_are_a_flag(fraction: float) -> None:
    """Every shape is that of the whole; only the text that is read is another."""
    asked = Ask("tl", "tagalog-tiny", random_teacher=True, data_fraction=fraction)
    request = request_for(asked, offline=True, plan_only=True)
    written = request.recipe.to_yaml()
    assert yaml.safe_load(written)["data_fraction"] == fraction
    assert parse_recipe(yaml.safe_load(written), "again").to_yaml() == written
    whole_text = replace(asked, data_fraction=None)
    whole = make_plan(request_for(whole_text, offline=True, plan_only=True), Runtime())
    for step in make_plan(request, Runtime()).steps:
        assert step.shape == whole.step(step.name).shape
        if step.name in ("corpus", "student"):
            assert (step.key == whole.step(step.name).key) is (fraction == 1)


def test_a_user_finds_them() -> None:
    listed, shown = edgeenc("recipes", "list").stdout, edgeenc("recipes", "show", "tagalog-tiny").stdout
    assert all(f"{name}-unconditioned" in listed for name in SIZES)
    assert yaml.safe_load(shown)["data_fraction"] == 1.0
    assert "--data-fraction" in edgeenc("build", "--help").stdout
