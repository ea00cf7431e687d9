"""Records: written field by field in their order, read with every field checked, old files as they were."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from shown import DATA, changed, plain_facts, task_facts

from edgeenc.record.bundle import BundleManifest, Golden, Predictions
from edgeenc.record.facts import Facts
from edgeenc.record.form import SORTED, SPARE, as_object, parse, plain
from edgeenc.record.gates import Gate
from edgeenc.record.rows import Bench
from edgeenc.record.scores import MajorityBaseline, Score
from edgeenc.record.stamp import Stamp
from edgeenc.report import json_report

RESULTS = Path(__file__).parents[1] / "benchmarks" / "results"
REPORTS = sorted(RESULTS.glob("full-size-*.json"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Inner:
    """Two fields that do not stand in alphabetical order."""

    z: int
    a: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Outer:
    """A field of each sort."""

    name: str
    inner: tuple[Inner, ...] = ()
    held: Mapping[str, Inner] | None = field(default=None, metadata=SPARE | SORTED)
    none: int | None = None


def test_fields_are_written_in_their_order_and_read_back() -> None:
    whole = Outer(name="é", inner=(Inner(z=1, a=0.5),), held={"y": Inner(z=2, a=1.0), "b": Inner(z=3, a=2.0)})
    written = json.dumps(plain(whole), ensure_ascii=False)
    # the names below `held` are sorted, those of `inner` are not
    held = '"held": {"b": {"a": 2.0, "z": 3}, "y": {"a": 1.0, "z": 2}}'
    assert written == f'{{"name": "é", "inner": [{{"z": 1, "a": 0.5}}], {held}, "none": null}}'
    assert parse(Outer, written) == parse(Outer, plain(whole)) == whole


def test_a_spare_field_without_a_value_is_not_written() -> None:
    assert as_object(Outer(name="x")) == {"name": "x", "inner": [], "none": None}
    assert parse(Outer, {"name": "x"}) == Outer(name="x")
    assert as_object(replace(task_facts(), tasks=())).keys() & {"tasks", "constant"} == set()


def test_what_is_not_known_is_passed_over() -> None:
    assert parse(Inner, {"z": 1, "a": 2, "later": [3]}) == Inner(z=1, a=2.0)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"name": 3}', "name: Input should be a valid string"),
        (
            '{"name": "x", "inner": [{"z": 1, "a": 1}, {"z": 1.5, "a": 1}]}',
            "inner.1.z: Input should be a valid integer",
        ),
        ('{"name": "x", "inner": [{"z": "1", "a": 1}]}', "inner.0.z: Input should be a valid integer"),
        ("{}", "name: Field required"),
        ("[1", "the file: Invalid JSON"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=rf"^{words}"):
        parse(Outer, text)


def test_what_json_has_no_word_for_is_refused() -> None:
    with pytest.raises(TypeError, match="a set cannot be written as JSON"):
        plain({"at": {1}})
    for other in ({"z": 1}, Inner):
        with pytest.raises(TypeError, match="has no fields to write"):
            as_object(other)


def test_no_number_and_no_end_pass_through_records_and_not_into_a_report() -> None:
    gate = Gate("g", math.nan, math.inf, False, "share", None)
    found = parse(Gate, json.dumps(plain(gate)))
    assert math.isnan(found.figure) and found.bound == math.inf
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_report(replace(plain_facts(), gates=(gate,)))


def round_trips() -> list[object]:
    facts = task_facts()
    manifest = BundleManifest(edgeenc_bundle=1, language=("tl", "en"), files={"a": Stamp(sha256="0", bytes=1)})
    return [
        changed(facts, "constant", MajorityBaseline(task="topic", label="po", value=0.1)),
        parse(Bench, (DATA / "bench.json").read_bytes()),
        replace(manifest, host=facts.host),
        Golden(text="é", ids=(1, 2), output=(0.5,)),
        Predictions(task="t", metric="accuracy", items=(("a",),), models={"student int8": ((("a",),),)}),
    ]


@pytest.mark.parametrize("record", round_trips(), ids=lambda record: type(record).__name__)
def test_a_record_is_read_as_it_was_written(record: object) -> None:
    assert parse(type(record), json.dumps(plain(record))) == record


@pytest.mark.parametrize("path", REPORTS, ids=lambda path: path.stem)
def test_an_old_report_is_written_back_as_it_was(path: Path) -> None:
    old = json.loads(path.read_text("utf-8"))["report"]
    assert "family" not in old["student"]  # a newer field
    assert json.dumps(plain(parse(Facts, old))) == json.dumps(old)


def test_scores_stand_in_a_report_as_in_manifests_and_in_a_benchmark_by_their_fields() -> None:
    report = json.loads(json_report(task_facts()))
    assert [list(row) for row in report["tasks"]] == [sorted(row) for row in report["tasks"]]
    score = Score(task="t", model="m", precision="int8", metric="accuracy", value=0.5, low=0.4, high=0.6, n=9, seeds=1)
    assert list(as_object(score))[:4] == ["task", "model", "precision", "metric"]
    assert score.name == "m int8"
