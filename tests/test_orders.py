"""The recipes of `benchmarks/orders.py`: one final shape, one budget; and what a rehearsal shortens."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from edgeenc.model.config import load_config
from edgeenc.model.shape import shape_of
from edgeenc.recipe import find_recipe, load_recipe
from edgeenc.sources import data_folder

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"
PUBLISHED = BENCHMARKS / "orders-published.yaml"
ALL = (str(PUBLISHED), *(str(BENCHMARKS / f"orders-{name}.yaml") for name in ("last", "rates")))


def script(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    spec = importlib.util.spec_from_file_location(name, BENCHMARKS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, name, module)
    spec.loader.exec_module(module)
    return module


def test_all_orders_end_at_one_shape_but_for_the_heads() -> None:
    """The leading block keeps the number of heads, and whole heads keep their width; both read as many channels."""
    config = load_config(data_folder("starter") / "model")
    ends = []
    for name in ALL:
        shape = shape_of(config)
        for stage in load_recipe(name).stages:
            shape = stage.reshape(shape)
        ends.append((shape.parameters, shape.layers, shape.hidden, shape.ffn, shape.vocab, shape.attention))
    assert ends[0][1:] == (3, 192, 768, 8000, 192)
    assert set(ends) == {ends[0]}


def test_the_published_order_trims_last_and_learns_from_the_pruned_model() -> None:
    stages = load_recipe(str(PUBLISHED)).stages
    kinds = [stage.kind for stage in stages]
    assert kinds == ["adapt", "drop-layers", "distill", "prune-ffn", "truncate-hidden", "distill", "trim-vocab"]
    assert [stage.reads for stage in stages if stage.kind == "distill"] == [("adapt",), ("prune-ffn",)]


@pytest.mark.parametrize("name", ALL, ids=lambda name: Path(name).stem)
def test_a_budget_is_shared_as_the_recipe_shares_its_own(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """700,000, 750,000 and 1,600,000 tokens under a budget of 305,000 are 70,000, 75,000 and 160,000."""
    text = script("orders", monkeypatch).budgeted(Path(name).read_text(encoding="utf-8"), 305_000, 2)
    trained = [stage for stage in yaml.safe_load(text)["stages"] if "tokens" in stage]
    assert [stage["tokens"] for stage in trained] == [70_000, 75_000, 160_000]
    assert {stage["evaluations"] for stage in trained} == {2}


def test_a_rehearsal_shortens_the_trainings_and_leaves_order_and_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = find_recipe("paper-mbert-312").read_text(encoding="utf-8")
    short = yaml.safe_load(script("full_size", monkeypatch).shortened(whole, 2, 512))["stages"]
    before = yaml.safe_load(whole)["stages"]
    assert [stage["tokens"] for stage in short if "tokens" in stage] == [1024, 1024, 1024]
    changed = {"tokens", "batch_tokens", "sequence_lengths", "evaluations", "calibration_batches"}
    same = [{name: value for name, value in stage.items() if name not in changed} for stage in short]
    assert same == [{name: value for name, value in stage.items() if name not in changed} for stage in before]
