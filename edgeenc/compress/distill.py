"""Train a student towards a teacher of the same vocabulary: soft targets and masked words, at the masked positions."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from edgeenc.compress.fit import fit
from edgeenc.compress.losses import chosen_logits, divergence, masked_lm
from edgeenc.compress.stage import Desk, Made, Stage
from edgeenc.errors import ShapeError
from edgeenc.model.encoder import Encoder
from edgeenc.text.batches import Masked
from edgeenc.text.corpus import Corpus
from edgeenc.training import History, Job, TrainingOptions


class DistillOptions(TrainingOptions):
    """Training options, and how the two losses are weighed."""

    temperature: float = Field(default=2.0, gt=0)
    """Both distributions are flattened by this before they are compared."""
    alpha: float = Field(default=0.5, ge=0, le=1)
    """Weight of the masked-LM loss; the rest is the divergence from the teacher."""


class Distill(Stage, DistillOptions):
    """Knowledge distillation from an earlier step of the recipe."""

    trains: ClassVar[bool] = True
    kind: Literal["distill"] = "distill"
    teacher: str
    """The step whose encoder is imitated."""

    @property
    def reads(self) -> tuple[str, ...]:
        """The teacher's step."""
        return (self.teacher,)

    def apply(self, encoder: Encoder, desk: Desk) -> Made:
        """Call `distill`."""
        student, history = distill(encoder, desk.earlier(self.teacher), desk.corpus, self, desk.job)
        return Made(student, history.figures())


def distill(
    student: Encoder, teacher: Encoder, corpus: Corpus, options: DistillOptions | None = None, job: Job | None = None
) -> tuple[Encoder, History]:
    """Return `student` trained towards `teacher`, and what happened.

    The loss is ``alpha * CE(right piece) + (1 - alpha) * T^2 KL(teacher || student)``: nats, mean over the chosen
    positions. Both see the same corrupted rows; their logits are computed at the chosen positions only.

    Source: arXiv:2505.16956, step 1 (masked LM beside soft targets); arXiv:1503.02531 for T^2 KL.

    Raises:
        ShapeError: the two have different vocabularies, so their logits cannot be compared.
    """
    options, job = options or DistillOptions(), job or Job()
    if student.tokenizer.get_vocab() != teacher.tokenizer.get_vocab():
        raise ShapeError(
            f"distill: the student has {student.shape.vocab:,} pieces and the teacher {teacher.shape.vocab:,}, not the"
            " same ones; trim the vocabulary before the teacher's step, or after the distillation"
        )
    frozen = replace(teacher, model=nn.Module.to(copy.deepcopy(teacher.model), job.runtime.device))
    frozen.model.requires_grad_(False)

    def loss_of(pupil: Encoder, batch: Masked) -> Tensor:
        with torch.no_grad():
            soft_PV = chosen_logits(frozen, batch)
        own_PV = chosen_logits(pupil, batch)
        hard = masked_lm(own_PV, batch.labels_P)
        return options.alpha * hard + (1 - options.alpha) * divergence(own_PV, soft_PV, options.temperature)

    return fit(student, corpus, options, job, loss_of)
