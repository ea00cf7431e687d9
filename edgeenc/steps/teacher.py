"""Take the teacher: copy it, so that the build does not depend on its folder, or draw its weights."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from edgeenc.record.steps import TeacherFigures
from edgeenc.steps.line.step_kind import StepKind, exported_bytes

if TYPE_CHECKING:
    from edgeenc.steps.line.work import Work


def take_teacher(work: Work) -> TeacherFigures:
    """Save the teacher in the folder of the step."""
    from edgeenc.model.checkpoint import HEADLESS, read_checkpoint
    from edgeenc.model.config import left_out
    from edgeenc.model.dense_shape import parameters_of
    from edgeenc.model.encoder import load_encoder, save_encoder
    from edgeenc.model.random import random_encoder
    from edgeenc.sources import SEED, is_random

    request = work.plan.request
    drawn = is_random(request.recipe.teacher)
    encoder = random_encoder(request.teacher, SEED) if drawn else load_encoder(request.teacher)
    encoder = replace(encoder, sentence=request.sentence)
    save_encoder(encoder, work.out)
    return TeacherFigures(
        parameters=encoder.shape.parameters + parameters_of(work.step.maps),
        head=None if encoder.has_head else "grown",
        notes=() if drawn else tuple(note for note in read_checkpoint(request.teacher).notes if note != HEADLESS),
        weights="random" if drawn else None,
        left_out=left_out(request.teacher),
    )


STEP = StepKind(
    name="teacher", version=1, figures=TeacherFigures, does=take_teacher, predicts=exported_bytes, shows_shape=True
)
