"""Train the student's shape from random weights on as many tokens, to show what copying is worth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeenc.record.former import spelling_of_today
from edgeenc.record.steps import StageFigures
from edgeenc.stages.training import TrainingOptions
from edgeenc.steps.line.step_kind import StepKind

if TYPE_CHECKING:
    from edgeenc.steps.line.work import Work


def train_control(work: Work) -> StageFigures:
    """Train random weights as the fields of the step say."""
    from edgeenc.compress.adapt import adapt
    from edgeenc.model.encoder import save_encoder
    from edgeenc.model.random import random_like

    fields, _ = spelling_of_today(TrainingOptions, work.step.fields)
    options = TrainingOptions.model_validate({name: fields[name] for name in TrainingOptions.model_fields})
    trained, history = adapt(random_like(work.encoder(), work.step.seed), work.corpus(), options, work.job())
    save_encoder(trained, work.out)
    return history.figures()


STEP = StepKind(name="control", version=1, figures=StageFigures, does=train_control)
