"""What random weights reach is measured by another recipe; a build shows it only where it is of the same kind."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from edgeenc.recipe import load_recipe
from edgeenc.sources import data_folder, recorded_control
from edgeenc.stages.training import TrainingOptions

ROOT = Path(__file__).parents[1]
RESULTS = sorted((ROOT / "benchmarks" / "results").glob("starter-control_*.json"))[-1]


def test_the_record_is_made_from_the_raw_results(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks" / "starter"))
    sys.modules.pop("make_controls", None)
    from make_controls import records

    assert json.loads((data_folder("starter") / "controls.json").read_text("utf-8")) == records(RESULTS)


def test_only_a_build_of_the_same_kind_has_it() -> None:
    record = json.loads((data_folder("starter") / "controls.json").read_text("utf-8"))["languages"]["tl"]
    same = {name: record[name] for name in ("parameters", "tokens", "unigram")}
    found = recorded_control("tl", **same)
    assert found is not None and found.bits == record["random"] and "starter-control" in found.measured
    assert recorded_control("mt", **same) is None
    for name, value in same.items():
        assert recorded_control("tl", **(same | {name: type(value)(value * 1.01)})) is None


def test_the_starter_recipe_reads_as_many_tokens_as_the_control_did() -> None:
    """But for the batch that each of its trainings fills up."""
    trained = [stage for stage in load_recipe("starter").stages if isinstance(stage, TrainingOptions)]
    read, most = (sum(stage.steps * stage.batch_tokens for stage in trained), sum(s.batch_tokens for s in trained))
    record = json.loads((data_folder("starter") / "controls.json").read_text("utf-8"))["languages"]
    assert all(0 <= read - found["tokens"] <= most for found in record.values())
