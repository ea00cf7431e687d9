"""Write the labelled examples, so that every later step reads the same ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeenc.record.steps import TaskFigures
from edgeenc.steps.line.step_kind import StepKind

if TYPE_CHECKING:
    from edgeenc.steps.line.work import Work


def make_task(work: Work) -> TaskFigures:
    """Write the examples."""
    from edgeenc.tasks.examples import save_task

    asked = work.plan.request.task_data
    assert asked is not None
    data = asked.data
    save_task(data, work.out)
    return TaskFigures(
        train=len(data.train),
        validation=len(data.validation),
        test=len(data.test),
        labels=tuple(data.labels),
        metric=asked.metric.name,
        tags=data.tally,
    )


STEP = StepKind(name="task", version=1, figures=TaskFigures, does=make_task)
