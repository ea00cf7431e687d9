"""The story of a build: the one loop over the steps.

A finished step is never done twice; a step that was killed goes on from its own checkpoint.
"""

from __future__ import annotations

import time
from pathlib import Path

import torch

from edgeenc.machine.describe import describe, versions
from edgeenc.machine.runtime import Runtime
from edgeenc.planned import Plan, Step
from edgeenc.record.form import as_object
from edgeenc.steps.line.step_kind import kind_of
from edgeenc.steps.line.work import Event, Tell, Work, quiet
from edgeenc.store import Outcome, Store


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
                figures = kind_of(step).does(Work(step, plan, store, runtime, draft, tell))
                inputs = {str(role): plan.step(name).key for role, name in step.inputs.items()}
                outcome = Outcome(
                    kind=step.kind,
                    inputs=inputs,
                    seconds=round(time.monotonic() - began, 2),
                    versions=versions(),
                    host=as_object(describe()),
                    figures=as_object(figures),
                )
                tell(Event("done", step, store.commit(draft, outcome)))
                return
    tell(Event("skipped", step, manifest))
