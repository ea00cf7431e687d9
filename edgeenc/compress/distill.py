"""Train a student: towards a teacher's logits and intermediate layers, on masked words, or on both.

Axis letters: B rows, T tokens of a row, P compared positions, H hidden, V vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from edgeenc.compress.fit import fit
from edgeenc.compress.frozen import frozen
from edgeenc.compress.importance import calibration
from edgeenc.compress.inner import look_inside
from edgeenc.compress.losses import in_parts, logit_sum
from edgeenc.compress.match import Matcher
from edgeenc.compress.positions import Compared
from edgeenc.errors import ShapeError
from edgeenc.model.encoder import Encoder
from edgeenc.stages.distill import DistillOptions
from edgeenc.text.batches import Masked, SpecialIds
from edgeenc.text.corpus import Corpus
from edgeenc.training_loop import History, Job

MOST_LOGITS = 2**25
"""Logits of one model that are held at a time: 134 MB in float32."""


def distill(
    student: Encoder,
    teacher: Encoder | None,
    corpus: Corpus,
    options: DistillOptions | None = None,
    job: Job | None = None,
) -> tuple[Encoder, History]:
    """Return `student` trained towards `teacher`, and what happened.

    The loss is ``alpha * CE(target token) + (1 - alpha) * logit loss + match``: the first nats, mean over the masked
    positions, the second (see `losses`) mean over `options.positions`, the third as `Match` weighs it. Both models see
    the same corrupted rows. Their logits are computed at the compared positions only, a part at a time where they are
    many; without a weight they are not computed at all.

    Source: arXiv:2505.16956, steps 1 and 3 (masked LM beside soft targets, from an adapted or from the previous
    model; its `mse` over all positions, padding included, is here over all positions of packed rows);
    arXiv:1503.02531 for T^2 KL; arXiv:2501.12660 for `kl` beside masked LM; `Match` names the rest.

    Raises:
        ShapeError: the two have different vocabularies, or shapes that `options.match` cannot compare.
        InputError: queries and keys are to be compared, and the family packs them into one matrix.
    """
    options, job = options or DistillOptions(), job or Job()
    special = SpecialIds.of(student.tokenizer)
    if teacher is None:
        return fit(student, corpus, options, job, Lesson(options, special).loss)
    still, matcher = _still(teacher, student, job), None
    if options.match.wanted:
        matcher = Matcher.of(options.match, student, teacher, calibration(student, corpus, 1, job.seed)[0].ids_BT)
        matcher.bridges.to(job.runtime.device)
    beside = matcher.bridges if matcher and len(matcher.bridges) else None
    return fit(student, corpus, options, job, Lesson(options, special, still, matcher).loss, beside)


@dataclass(frozen=True)
class Lesson:
    """What a student's answer is measured by.

    Attributes:
        options: which losses, and how they are weighed.
        special: the tokenizer's special ids.
        teacher: stands still; None for masked words alone.
        matcher: compares intermediate layers; None where they have no weight.
    """

    options: DistillOptions
    special: SpecialIds
    teacher: Encoder | None = None
    matcher: Matcher | None = None

    def loss(self, pupil: Encoder, batch: Masked) -> Tensor:
        """Return the loss of `distill` on a batch."""
        compared = Compared.of(batch, self.options.positions, self.special)
        if self.teacher is None or self.matcher is None:
            taught = None if self.teacher is None else self._without_gradient(self.teacher, batch)
            return self._of_logits(pupil, batch, pupil.hidden(batch.ids_BT), taught)
        heads = self.options.match.reads_attention
        own = look_inside(pupil, batch.ids_BT, heads=heads)
        with torch.no_grad():
            taught = look_inside(self.teacher, batch.ids_BT, heads=heads)
        inner = self.matcher.loss(own, taught, compared.where_P, compared.weight_P)
        return self._of_logits(pupil, batch, own.hidden[-1], taught.hidden[-1]) + inner

    @staticmethod
    def _without_gradient(teacher: Encoder, batch: Masked) -> Tensor:
        with torch.no_grad():
            return teacher.hidden(batch.ids_BT)

    def _of_logits(self, pupil: Encoder, batch: Masked, own_BTH: Tensor, taught_BTH: Tensor | None) -> Tensor:
        """Return the losses of the logits; what has no weight is not computed."""
        options, kind = self.options, self.options.loss
        taught = None if kind == "none" else taught_BTH
        if taught is None and not options.alpha:
            return torch.zeros((), device=own_BTH.device)
        read = Compared.of(batch, "masked" if taught is None else options.positions, self.special)

        def part(where_P: Tensor) -> Tensor:
            """Return the sums of both losses over some positions."""
            own_PV = pupil.logits(own_BTH.flatten(0, 1)[where_P])
            hard = F.cross_entropy(own_PV.float(), read.labels_N[where_P], reduction="sum")
            if taught is None or self.teacher is None or kind == "none":
                return torch.stack([hard, torch.zeros_like(hard)])
            with torch.no_grad():
                soft_PV = self.teacher.logits(taught.flatten(0, 1)[where_P])
            weight_P = None if read.weight_N is None else read.weight_N[where_P]
            return torch.stack([hard, logit_sum(kind, own_PV, soft_PV, options.temperature, weight_P)])

        hard, soft = in_parts(part, read.where_P, max(1, MOST_LOGITS // pupil.shape.vocab))
        return options.alpha * (hard / len(batch.labels_P)) + (1 - options.alpha) * (soft / read.count)


def _still(teacher: Encoder, student: Encoder, job: Job) -> Encoder:
    """Return the teacher as it stands still; refuse one with other tokens."""
    if student.tokenizer.get_vocab() != teacher.tokenizer.get_vocab():
        raise ShapeError(
            f"distill: the student has {student.shape.vocab:,} tokens and the teacher {teacher.shape.vocab:,}, not the"
            " same ones; trim the vocabulary before the teacher's step, or after the distillation"
        )
    return frozen(teacher, job.runtime.device)
