"""Steps that tune models on a task, choose the one to ship, and score every form of every model on the test part."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import cast

from pydantic import JsonValue

from edgeenc.model.classifier import TaskModel, load_task_model, save_task_model
from edgeenc.model.encoder import WEIGHTS
from edgeenc.steps.work import ONNX, Figures, Work
from edgeenc.targets.sessions.ort_session import OrtSession
from edgeenc.targets.sessions.session import Session
from edgeenc.targets.sessions.torch_session import TorchSession
from edgeenc.tasks.bootstrap import estimate, paired
from edgeenc.tasks.encode import encode
from edgeenc.tasks.examples import load_task, save_task
from edgeenc.tasks.metrics import per_tag_f1
from edgeenc.tasks.predict import predict
from edgeenc.tasks.task import Task
from edgeenc.tasks.tune import chosen, guide_for, tune

PREDICTIONS = "predictions.json"
FORMS = {"torch": "PyTorch", "fp32": "ONNX fp32", "int8": "ONNX int8"}

Predicted = tuple[tuple[str, ...], ...]


def task_of(work: Work) -> Task:
    """Return the task of the build, with the examples as they were when its step was done."""
    asked = work.plan.request.task_data
    assert asked is not None
    return replace(asked, data=load_task(work.input("task")))


def make_task(work: Work) -> Figures:
    """Write the examples."""
    asked = work.plan.request.task_data
    assert asked is not None
    save_task(asked.data, work.out)
    sizes = {part: len(getattr(asked.data, part)) for part in ("train", "validation", "test")}
    return {**sizes, "labels": list(asked.data.labels), "metric": asked.metric.name}


def tune_model(work: Work) -> Figures:
    """Tune one encoder with one seed; a student may have the tuned teacher's logits to learn from."""
    task, options = task_of(work), work.plan.request.recipe.tuning
    guide = None
    if "guide" in work.step.inputs:
        teacher = load_task_model(work.input("guide"))
        guide = guide_for(teacher, chosen(task.data.train, options.examples), task.data.kind, options.longest)
    job = replace(work.job(), seed=int(cast("int", work.step.fields["seed"])))
    lr = float(cast("float", work.step.fields["lr"]))
    asked = options.model_copy(update={"lr": lr})
    model, history = tune(work.encoder(), task.data, asked, job, task.judge, guide)
    save_task_model(model, work.out)
    return {**history.figures(), "validation": 1 - history.best_loss}


def choose(work: Work) -> Figures:
    """Take the seed with the best figure on validation, the first of several; its files are what is shipped."""
    seeds = [role.removeprefix("tuned ") for role in work.step.inputs if role.startswith("tuned ")]
    found = {seed: float(cast("float", _validation(work, seed))) for seed in seeds}
    best = max(seeds, key=lambda seed: found[seed])
    tuned = work.input(f"tuned {best}")
    for path in sorted(tuned.iterdir()):
        if path.is_file() and path.suffix in (".json", ".txt", Path(WEIGHTS).suffix) and path.name != "manifest.json":
            shutil.copyfile(path, work.out / path.name)
    for precision, name in ONNX.items():
        if f"{precision} {best}" in work.step.inputs:
            shutil.copyfile(work.input(f"{precision} {best}") / name, work.out / name)
    return {"seed": int(best), "validation": cast("dict[str, JsonValue]", found)}


def _validation(work: Work, seed: str) -> JsonValue:
    step = work.plan.step(work.step.inputs[f"tuned {seed}"])
    manifest = work.store.manifest(step.key, step.name)
    assert manifest is not None
    return manifest.figures["validation"]


@dataclass(frozen=True)
class Scored:
    """A model in one form, and what it said of the test items for each seed."""

    model: str
    precision: str
    by_seed: tuple[Predicted, ...]


def score_models(work: Work) -> Figures:
    """Score every model in every form on the test part, with intervals and paired differences."""
    task = task_of(work)
    items, metric = task.data.test, task.metric
    scored = [Scored(model, form, tuple(said)) for model, form, said in _all_predictions(work, task)]
    values: list[JsonValue] = []
    for one in scored:
        found = asdict(estimate(metric, items, one.by_seed))
        seeds = [metric.score(items, said) for said in one.by_seed]
        head = {"task": task.name, "model": one.model, "precision": one.precision, "metric": metric.name}
        values.append({**head, **found, "by_seed": cast("list[JsonValue]", seeds)})
    _write_predictions(work.out / PREDICTIONS, task, scored)
    figures: dict[str, JsonValue] = {"tasks": values, "differences": list(_differences(task, scored))}
    figures["constant"] = _constant(task)
    if metric.by_label:
        shipped = scored[-1]
        figures["per_tag_f1"] = cast("dict[str, JsonValue]", per_tag_f1(items, shipped.by_seed[0]))
    return figures


def _constant(task: Task) -> JsonValue:
    """Return the score of always saying the most frequent label of the training part: what a model must pass."""
    least = task.data.kind.baseline(task.data.train, task.data.test)
    return {"task": task.name, "label": least.label, "value": task.metric.score(task.data.test, least.predicted)}


def _all_predictions(work: Work, task: Task) -> Iterator[tuple[str, str, list[Predicted]]]:
    """Yield model, form and what each seed said: all tuned models in PyTorch, then the student's exported files."""
    seeds = work.plan.request.recipe.tuning.seeds
    models = list(dict.fromkeys(role.split(" ")[1] for role in work.step.inputs if role.startswith("tuned ")))
    for model in models:
        tuned = [load_task_model(work.input(f"tuned {model} {seed}")) for seed in seeds]
        yield model, "torch", [_said(_torch(one), one, work, task) for one in tuned]
    for precision, name in ONNX.items():
        said = []
        for seed in seeds:
            if f"{precision} {seed}" in work.step.inputs:
                one = load_task_model(work.input(f"tuned student {seed}"))
                path = work.input(f"{precision} {seed}") / name
                said.append(_said(OrtSession(path, work.runtime.threads, one.purpose), one, work, task))
        if said:
            yield "student", precision, said


def _torch(model: TaskModel) -> TorchSession:
    return TorchSession(model.logits, model.purpose)


def _said(session: Session, model: TaskModel, work: Work, task: Task) -> Predicted:
    """Return the labels of the test items; every form of a model gets the same ids in the same batches."""
    longest = min(work.plan.request.recipe.tuning.longest, model.positions)
    return predict(session, encode(task.data.test, task.data.kind, model.tokenizer, longest), model.labels)


def _differences(task: Task, scored: Sequence[Scored]) -> Iterator[JsonValue]:
    """Yield each form against the teacher, and int8 against fp32."""
    teacher, fp32 = scored[0], next((s for s in scored if s.precision == "fp32"), None)
    pairs = [(one, teacher) for one in scored[1:]]
    pairs += [(one, fp32) for one in scored if fp32 is not None and one.precision == "int8"]
    for one, baseline in pairs:
        found = paired(task.metric, task.data.test, one.by_seed, baseline.by_seed)
        yield {
            "task": task.name,
            "metric": task.metric.name,
            "model": one.model,
            "precision": one.precision,
            "baseline": f"{baseline.model} {baseline.precision}",
            "difference": found.value,
            "low": found.low,
            "high": found.high,
            "seen": found.seen,
        }


def _write_predictions(path: Path, task: Task, scored: Sequence[Scored]) -> None:
    """Write gold labels and what every model said, so that another build can be compared item by item."""
    whole = {
        "task": task.name,
        "metric": task.metric.name,
        "items": [item.labels for item in task.data.test],
        "texts": hashlib.sha256(json.dumps([item.words for item in task.data.test]).encode()).hexdigest(),
        "models": {f"{one.model} {one.precision}": one.by_seed for one in scored},
    }
    path.write_text(json.dumps(whole, ensure_ascii=False) + "\n", encoding="utf-8")
