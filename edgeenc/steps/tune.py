"""Tune one encoder on the task with one seed; a student may have the tuned teacher's logits to learn from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from edgeenc.planned import GUIDE
from edgeenc.record.form import parse
from edgeenc.record.steps import TuneFigures
from edgeenc.steps.line.step_kind import StepKind

if TYPE_CHECKING:
    from edgeenc.steps.line.work import Work


@dataclass(frozen=True)
class _Own:
    """What is this step's own of the options: its seed and its rate."""

    seed: int
    lr: float


def tune_model(work: Work) -> TuneFigures:
    """Save the tuned model in the folder of the step."""
    from edgeenc.model.classifier import load_task_model, save_task_model
    from edgeenc.tasks.tuning.tune import chosen, teacher_logits, tune

    task, options, own = work.task(), work.plan.request.recipe.fine_tuning, parse(_Own, dict(work.step.fields))
    taught = None
    if GUIDE in work.step.inputs:
        teacher = load_task_model(work.input(GUIDE))
        taught = teacher_logits(
            teacher, chosen(task.data.train, options.max_train_samples), task.data.kind, options.max_length
        )
    job = replace(work.job(), seed=own.seed)
    asked = options.model_copy(update={"lr": own.lr})
    model, history = tune(work.encoder(), task.data, asked, job, task.judge, taught)
    save_task_model(model, work.out)
    shown = history.rounded()
    return TuneFigures(
        tokens=shown.tokens,
        best_step=shown.best_step,
        best_loss=shown.best_loss,
        evaluations=shown.evaluations,
        validation=1 - history.best_loss,
    )


STEP = StepKind(name="tune", version=1, figures=TuneFigures, does=tune_model)
