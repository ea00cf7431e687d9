"""Do a stage of the recipe, and hold what it made against the plan."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from edgeenc.errors import EdgeencError, InputError
from edgeenc.planned import ENCODER, Role
from edgeenc.record.steps import StageFigures
from edgeenc.steps.line.step_kind import STAGE, StepKind

if TYPE_CHECKING:
    from edgeenc.model.encoder import Encoder
    from edgeenc.steps.line.work import Work
    from edgeenc.text.corpus import Corpus

MOST_UNKNOWN = 0.02
"""A corpus with more unknown tokens than this cannot be learnt with the teacher's characters."""


def apply_stage(work: Work) -> StageFigures:
    """Turn one encoder into another.

    Raises:
        InputError: the teacher's tokenizer cannot read the corpus.
    """
    import torch

    from edgeenc.compress.apply import Desk, apply
    from edgeenc.model.dense_shape import parameters_of
    from edgeenc.model.encoder import save_encoder

    stage, encoder, corpus = work.step.stage, work.encoder(), work.corpus()
    assert stage is not None
    if work.step.inputs[ENCODER] == "teacher":
        for text, part in zip(work.plan.request.texts, corpus.each, strict=True):
            _require_known(encoder, part.corpus, text.train)
    desk = Desk(corpus, lambda name: work.encoder(Role("earlier", step=name)), work.job(), work.vectors)
    torch.manual_seed(work.step.seed)
    made = apply(stage, encoder, desk)
    shape = made.encoder.shape
    if work.step.exact and shape != work.step.shape:
        raise EdgeencError(f"step {work.step.name}: planned {work.step.shape}, made {shape}; please report this")
    save_encoder(made.encoder, work.out)
    head = None if made.encoder.head == "published" else made.encoder.head
    maps = made.encoder.sentence.maps if made.encoder.sentence and work.plan.request.purpose.pooled_from else ()
    if maps != work.step.maps:
        raise EdgeencError(f"step {work.step.name}: planned {work.step.maps}, made {maps}; please report this")
    parameters = shape.parameters + parameters_of(maps)
    return replace(made.figures, shape=shape.recorded, parameters=parameters, head=head)


def _require_known(encoder: Encoder, corpus: Corpus, path: Path) -> None:
    """Refuse a corpus that the teacher's tokenizer cannot read."""
    from edgeenc.text.lines import some
    from edgeenc.text.vocabulary import quality

    rate = quality(some(corpus.train), encoder.tokenizer).unknown_rate
    if rate > MOST_UNKNOWN:
        raise InputError(
            f"corpus {path}: {100 * rate:.1f} % of its tokens are unknown to the teacher's tokenizer (at most"
            f" {100 * MOST_UNKNOWN:.0f} % can be); choose a teacher that knows this script"
        )


STEP = StepKind(name=STAGE, version=1, figures=StageFigures, does=apply_stage, shows_shape=True)
