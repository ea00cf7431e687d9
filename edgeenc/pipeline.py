"""The story of a build: the one loop over the steps.

A finished step is never done twice; a step that was killed goes on from its own checkpoint.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import torch

from edgeenc.machine.describe import describe, versions
from edgeenc.machine.runtime import Runtime
from edgeenc.plan import Plan, Step
from edgeenc.record.form import spelled
from edgeenc.steps.encoder import apply_stage, make_corpus, measure, take_teacher, train_control
from edgeenc.steps.files import make_bundle, make_int8, make_onnx, pass_gates, time_models
from edgeenc.steps.task import choose, make_task, score_models, tune_model
from edgeenc.steps.work import Event, Figures, Tell, Work, quiet
from edgeenc.store import Facts, Store

DO: dict[str, Callable[[Work], Figures]] = {
    "corpus": make_corpus,
    "teacher": take_teacher,
    "control": train_control,
    "measure": measure,
    "task": make_task,
    "tune": tune_model,
    "export": make_onnx,
    "quantize": make_int8,
    "choose": choose,
    "score": score_models,
    "verify": pass_gates,
    "bench": time_models,
    "bundle": make_bundle,
}
"""What is done for each kind of step; a kind that is not here is a stage of the recipe."""


def run(plan: Plan, store: Store, runtime: Runtime, tell: Tell = quiet) -> Path:
    """Do every step of `plan` that is not done, and return the folder of the finished bundle.

    Raises:
        EdgeencError: whatever a step cannot do; what was finished before stays finished.
    """
    torch.set_num_threads(runtime.threads)
    if store.manifest(plan.bundle.key, plan.bundle.name) is None:
        for step in plan.steps:
            _once(step, plan, store, runtime, tell)
    else:
        for step in plan.steps:
            tell(Event("skipped", step, store.manifest(step.key, step.name)))
    return store.folder(plan.bundle.key, plan.bundle.name) / "bundle"


def _once(step: Step, plan: Plan, store: Store, runtime: Runtime, tell: Tell) -> None:
    """Do one step unless it is done, and let its folder appear."""
    manifest = store.manifest(step.key, step.name)
    if manifest is None:
        with store.building(step.key, step.name, lambda text: tell(Event("said", step, text=text))) as draft:
            manifest = draft.done
            if manifest is None:
                tell(Event("begun", step))
                began = time.monotonic()
                figures = DO.get(step.kind, apply_stage)(Work(step, plan, store, runtime, draft, tell))
                inputs = {role: plan.step(name).key for role, name in step.inputs.items()}
                facts = Facts(
                    kind=step.kind,
                    inputs=inputs,
                    seconds=round(time.monotonic() - began, 2),
                    versions=versions(),
                    host=spelled(describe()),
                    figures=dict(figures),
                )
                tell(Event("done", step, store.commit(draft, facts)))
                return
    tell(Event("skipped", step, manifest))
