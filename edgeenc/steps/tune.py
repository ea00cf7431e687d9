"""Tune one encoder on the task with one seed; a student may have the tuned teacher's logits to learn from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from edgeenc.planned import CORPUS, GUIDE
from edgeenc.record.form import parse
from edgeenc.record.steps import TuneFigures
from edgeenc.steps.line.step_kind import StepKind

if TYPE_CHECKING:
    from edgeenc.steps.line.work import Work
    from edgeenc.tasks.examples import TaskData
    from edgeenc.tasks.tuning.fine_tuning import FineTuning
    from edgeenc.tasks.tuning.taught import Taught


@dataclass(frozen=True)
class _Own:
    """What is this step's own of the options: its seed, its rate, and how its head starts."""

    seed: int
    lr: float
    head_start: str


def tune_model(work: Work) -> TuneFigures:
    """Save the tuned model in the folder of the step."""
    from edgeenc.model.classifier import save_task_model
    from edgeenc.tasks.tuning.tune import tune

    task, options, own = work.task(), work.plan.request.recipe.fine_tuning, parse(_Own, dict(work.step.fields))
    job = replace(work.job(), seed=own.seed)
    asked = options.model_copy(update={"lr": own.lr, "head_start": own.head_start})
    model, history = tune(work.encoder(), task.data, asked, job, task.judge, _taught(work, task.data, options))
    save_task_model(model, work.out)
    shown = history.rounded()
    return TuneFigures(
        tokens=shown.tokens,
        best_step=shown.best_step,
        best_loss=shown.best_loss,
        evaluations=shown.evaluations,
        validation=1 - history.best_loss,
    )


def _taught(work: Work, data: TaskData, options: FineTuning) -> Taught | None:
    """Return what the tuned teacher says of the training examples, and of texts of the corpus if asked."""
    from edgeenc.model.classifier import load_task_model
    from edgeenc.tasks.chosen import chosen
    from edgeenc.tasks.tuning.taught import Taught, teacher_logits, unlabelled

    if GUIDE not in work.step.inputs:
        return None
    texts = unlabelled(work.corpus().train, data, options) if CORPUS in work.step.inputs else ()
    items = (*chosen(data.train, options.max_train_samples), *texts)
    teacher = load_task_model(work.input(GUIDE))
    return Taught(teacher_logits(teacher, items, data.kind, options.max_length, work.job()), texts)


STEP = StepKind(name="tune", version=3, figures=TuneFigures, does=tune_model)
