"""A task kind that nobody knew is added by one value: read, planned, tuned, scored, reported and checked like others.

Its label is that of the last word of a text, read at the last token; its metric lets a neighbour count by half.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from line import World, edgeenc, make_world
from tokenizers import Encoding, Tokenizer

from edgeenc.kinds import added
from edgeenc.language import resolve
from edgeenc.model.encoder import Encoder
from edgeenc.model.purposes.token_classification import TOKEN_CLASSIFICATION
from edgeenc.tasks.datatable import DataTable
from edgeenc.tasks.encode import encode
from edgeenc.tasks.item import Item, Predicted
from edgeenc.tasks.kinds import classify
from edgeenc.tasks.read import read_task
from edgeenc.tasks.scores.metric import TaskMetric
from edgeenc.tasks.spec import TaskSpec
from edgeenc.tasks.task_kind import FOLDER, Baseline, TaskKind, solver_of, task_kind_named

SCALE = ("short", "middle", "long")


def items(table: DataTable, text: str, label: str) -> Iterator[Item]:
    for row in table.rows:
        yield Item((str(row[text]),), (str(row[label]),))


def encoded(tokenizer: Tokenizer, items: Sequence[Item]) -> tuple[list[Encoding], list[tuple[int, ...]]]:
    found = tokenizer.encode_batch([item.words[0] for item in items])
    return found, [(len(one.ids) - 2,) for one in found]


def counts(items: Sequence[Item], predicted: Predicted) -> np.ndarray:
    """Return right, predicted and gold (I, 3, 1); on the scale each step away costs a half."""
    pairs = [(item.labels[0], said[0]) for item, said in zip(items, predicted, strict=True)]
    apart = [abs(SCALE.index(gold) - SCALE.index(said)) if said else 2 for gold, said in pairs]
    return np.array([[1 - steps / 2, 1, 1] for steps in apart])[:, :, None]


def score(items: Sequence[Item], predicted: Predicted) -> float:
    return float(counts(items, predicted)[:, 0].mean())


def always_middle(train: Sequence[Item], test: Sequence[Item]) -> Baseline:
    return Baseline(SCALE[1], (SCALE[1:2],) * len(test))


NEARNESS = TaskMetric("nearness", score, counts)


def metric(parts: Mapping[str, Sequence[Item]]) -> TaskMetric:
    return NEARNESS


LAST_WORD = TaskKind(
    name="last-word",
    purpose=TOKEN_CLASSIFICATION,
    lists=False,
    texts="texts",
    solver="grader",
    items=items,
    encode=encoded,
    line_up=lambda item: item.labels[0],
    metrics=(NEARNESS,),
    default_metric=metric,
    baseline=always_middle,
)


@pytest.fixture(scope="module", autouse=True)
def registered() -> Iterator[None]:
    with added(FOLDER, LAST_WORD):
        yield


@pytest.fixture(scope="module")
def world(tiny_encoder: Encoder, sentences: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> World:
    """Return a world whose language has a task of this kind."""
    world = make_world(tiny_encoder, sentences, tmp_path_factory.mktemp("world"))
    lines = world.corpus.read_text(encoding="utf-8").splitlines()[:150]
    rows = [{"text": line, "label": SCALE[min(2, len(line.split()[-1]) // 4)]} for line in lines]
    (world.folder / "words.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    tag = resolve("ilo")
    language = {
        "tag": tag.bcp47,
        "name": tag.name,
        "corpus": str(world.corpus),
        "tasks": [{"name": "length", "data": str(world.folder / "words.jsonl"), "kind": "last-word"}],
    }
    (world.folder / "ilo.yaml").write_text(json.dumps(language), encoding="utf-8")
    return world


def test_only_who_asks_for_it_gets_it(world: World) -> None:
    spec = TaskSpec(name="length", data=str(world.folder / "words.jsonl"), kind="last-word")
    asked, lines = read_task(spec, 0)
    guessed, _ = read_task(spec.model_copy(update={"kind": ""}), 0)
    assert (asked.kind, guessed.kind.name) == (LAST_WORD, "classify")
    assert "3 labels: long, middle, short" in lines[0]
    assert task_kind_named("last-word") is LAST_WORD
    with pytest.raises(ValueError, match="Input should be '', 'classify', 'tag' or 'last-word'"):
        TaskSpec(name="length", data="x", kind="first-word")


def test_its_label_is_read_at_the_last_token(tiny_encoder: Encoder) -> None:
    one = encode([Item(("Ang aso",), ("short",))], LAST_WORD, tiny_encoder.tokenizer, 16)
    assert one.places == ((len(one.ids[0]) - 2,),)


def test_a_report_says_the_kind_and_an_old_one_lets_the_metric_say_it() -> None:
    """Kinds may share a metric, so that its name tells a kind only where nothing else does."""
    shared = replace(LAST_WORD, name="shared", solver="judge", metrics=classify.CLASSIFY.metrics)
    with added(FOLDER, shared):
        assert solver_of("shared", "macro_f1") == "judge"
        assert solver_of("classify", "macro_f1") == "classifier"
    assert solver_of("classify", "nearness") == "classifier"
    assert [solver_of(kind, "nearness") for kind in (None, "of tomorrow")] == ["grader", "grader"]
    assert solver_of(None, "of tomorrow") == "classifier"


def test_it_goes_through_plan_build_report_and_verify(world: World, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = world.command(tmp_path / "store", out, "--task", "length")
    command[2] = str(world.folder / "ilo.yaml")
    asked = [word for word in command[1:] if word not in ("-o", str(out))]
    plan = json.loads(edgeenc("plan", *asked, "--json").stdout)
    assert {"task", "score", "choose", "tune:student:1"} <= {step["name"] for step in plan["steps"]}
    done = edgeenc(*command)
    assert done.returncode == 0, done.stderr
    facts = json.loads((out / "report" / "report.json").read_text())
    assert {(row["metric"], row["kind"]) for row in facts["tasks"]} == {("nearness", "last-word")}
    assert facts["constant"]["label"] == "middle"
    assert facts["bytes"]["fp32"] == pytest.approx(plan["predicted"]["fp32_bytes"], rel=0.03)
    assert "length grader" in (out / "README.md").read_text()
    said = json.loads((out / "report" / "predictions.json").read_text())
    gold = [Item(("",), tuple(labels)) for labels in said["items"]]
    for row in facts["tasks"]:
        seeds = said["models"][f"{row['model']} {row['precision']}"]
        assert row["value"] == pytest.approx(np.mean([score(gold, [tuple(one) for one in seed]) for seed in seeds]))
    again = edgeenc("verify", str(out))
    assert again.returncode == 0, again.stderr
