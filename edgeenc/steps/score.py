"""Score every model in every form on the test part, with intervals and paired differences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from edgeenc.planned import Role
from edgeenc.record.steps import ScoreFigures
from edgeenc.steps.line.step_kind import StepKind

if TYPE_CHECKING:
    from edgeenc.model.classifier import TaskModel
    from edgeenc.steps.line.scored import Predicted, Scored
    from edgeenc.steps.line.work import Work
    from edgeenc.targets.sessions.session import Session
    from edgeenc.tasks.task import Task

PREDICTIONS = "predictions.json"


def score_models(work: Work) -> ScoreFigures:
    """Score all tuned models in PyTorch and the student's exported files, and write what each of them said."""
    from edgeenc.steps.line.scored import always_the_same, differences, score_of, write_predictions
    from edgeenc.tasks.scores.metrics import per_tag_f1

    task = work.task()
    scored = [*_models(work, task), *_files(work, task)]
    write_predictions(work.out / PREDICTIONS, task, scored)
    by_tag = per_tag_f1(task.data.test, scored[-1].by_seed[0]) if task.metric.by_label else {}
    return ScoreFigures(
        tasks=tuple(score_of(task, one) for one in scored),
        differences=tuple(differences(task, scored, work.plan.request.target)),
        constant=always_the_same(task),
        per_tag_f1=by_tag,
    )


def _models(work: Work, task: Task) -> Iterator[Scored]:
    """Yield what every tuned model says in PyTorch, with each seed."""
    from edgeenc.steps.line.scored import Scored

    tuned = [role for role in work.step.inputs if role.part == "tuned"]
    for model in dict.fromkeys(role.model for role in tuned):
        loaded = [_load(work, role) for role in tuned if role.model == model]
        yield Scored(model, "torch", tuple(_said(_torch(one), one, task) for one in loaded))


def _files(work: Work, task: Task) -> Iterator[Scored]:
    """Yield what the student's exported files say, by precision, with each seed."""
    from edgeenc.steps.line.scored import Scored

    said: dict[str, list[Predicted]] = {}
    for seed in work.plan.request.recipe.fine_tuning.seeds:
        for precision, path in work.files(seed):
            one = _load(work, Role("tuned", "student", seed))
            session = precision.open(path, work.runtime.threads, one.purpose)
            said.setdefault(precision.name, []).append(_said(session, one, task))
    for precision, by_seed in said.items():
        yield Scored("student", precision, tuple(by_seed))


def _load(work: Work, role: Role) -> TaskModel:
    from edgeenc.model.classifier import load_task_model

    return load_task_model(work.input(role))


def _torch(model: TaskModel) -> Session:
    from edgeenc.targets.sessions.torch_session import TorchSession

    return TorchSession(model.logits, model.purpose)


def _said(session: Session, model: TaskModel, task: Task) -> Predicted:
    """Return the labels of the test items; every form of a model gets the same ids in the same batches.

    Texts are as long as the model reads them in an app, however short they were in tuning.
    """
    from edgeenc.tasks.encode import encode
    from edgeenc.tasks.scores.predict import predict

    return predict(session, encode(task.data.test, task.data.kind, model.tokenizer, model.positions), model.labels)


STEP = StepKind(name="score", version=2, figures=ScoreFigures, does=score_models)
