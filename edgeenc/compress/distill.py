"""Train a student: towards a teacher's logits and inner states, on masked words, or on both.

Axis letters: B rows, T tokens of a row, N = B * T positions, P compared positions, H hidden, V vocabulary.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, Self

import torch
import torch.nn.functional as F
from pydantic import Field, model_validator
from torch import Tensor, nn

from edgeenc.compress.fit import fit
from edgeenc.compress.losses import LogitLoss, in_parts, logit_sum
from edgeenc.compress.stage import Desk, Made, Stage
from edgeenc.errors import ShapeError
from edgeenc.model.encoder import Encoder
from edgeenc.model.shape import Shape
from edgeenc.text.batches import Masked, Pieces
from edgeenc.text.corpus import Corpus
from edgeenc.training import History, Job, TrainingOptions

MOST_LOGITS = 2**25
"""Logits of one model that are held at a time: 134 MB in float32."""

Positions = Literal["masked", "tokens", "all"]


class DistillOptions(TrainingOptions):
    """Training options, and how the losses are weighed."""

    loss: Literal[LogitLoss, "none"] = "kl"
    """What is compared of the teacher's and the student's logits: `kl`, T^2 times the divergence of the distributions
    at temperature T; `ce`, T^2 times their cross entropy; `mse`, the squared error of the raw logits, mean over the
    vocabulary, as arXiv:2505.16956 published it; `none`, nothing."""
    temperature: float = Field(default=2.0, gt=0)
    """Both distributions are flattened by this before they are compared; `mse` knows no temperature."""
    alpha: float = Field(default=0.5, ge=0, le=1)
    """Weight of the masked-LM loss; the loss of the logits has the rest. Without a teacher it is 1."""
    positions: Positions = "masked"
    """Where logits and hidden states are compared: at the `masked` positions, at all `tokens`, or at `all` positions,
    those of special pieces too. Rows are packed full, so no padding is ever compared."""


class Distill(Stage, DistillOptions):
    """Knowledge distillation from an earlier step of the recipe, or the same training without a teacher."""

    trains: ClassVar[bool] = True
    kind: Literal["distill"] = "distill"
    teacher: str | None = None
    """The step whose encoder is imitated, `teacher` for the untouched one; none for masked words alone."""

    @model_validator(mode="after")
    def _teacher_is_used(self) -> Self:
        if self.teacher is None and self.loss != "none":
            raise ValueError(f"loss: {self.loss} needs a `teacher`; for masked words alone say loss: none, alpha: 1")
        if self.teacher is None and self.alpha != 1:
            raise ValueError("without a teacher the masked-LM loss is all there is: say alpha: 1")
        if self.teacher is not None and self.loss == "none":
            raise ValueError("the teacher would not be used: loss is none; leave `teacher` out, or choose a loss")
        return self

    @property
    def reads(self) -> tuple[str, ...]:
        """The teacher's step."""
        return () if self.teacher is None else (self.teacher,)

    def agree(self, shape: Shape, earlier: Mapping[str, Shape]) -> None:
        """Refuse a teacher that this student cannot imitate."""
        for name, taught in earlier.items():
            if taught.vocab != shape.vocab:
                raise ShapeError(
                    f"the student has {shape.vocab:,} pieces and the teacher {name!r} {taught.vocab:,}; trim the"
                    " vocabulary before the teacher's step, or after the distillation"
                )

    def apply(self, encoder: Encoder, desk: Desk) -> Made:
        """Call `distill`."""
        teacher = None if self.teacher is None else desk.earlier(self.teacher)
        student, history = distill(encoder, teacher, desk.corpus, self, desk.job)
        return Made(student, history.figures())


def distill(
    student: Encoder,
    teacher: Encoder | None,
    corpus: Corpus,
    options: DistillOptions | None = None,
    job: Job | None = None,
) -> tuple[Encoder, History]:
    """Return `student` trained towards `teacher`, and what happened.

    The loss is ``alpha * CE(right piece) + (1 - alpha) * logit loss``: the first nats, mean over the masked positions,
    the second (see `losses`) mean over `options.positions`. Both models see the same corrupted rows. Their logits are
    computed at the compared positions only, and a part at a time where they are many.

    Source: arXiv:2505.16956, steps 1 and 3 (masked LM beside soft targets, from an adapted or from the previous
    model; its `mse` over all positions, padding included, is here over all positions of packed rows);
    arXiv:1503.02531 for T^2 KL; arXiv:2501.12660 for `kl` beside masked LM.

    Raises:
        ShapeError: the two have different vocabularies, so their logits cannot be compared.
    """
    options, job = options or DistillOptions(), job or Job()
    frozen = None if teacher is None else _frozen(teacher, student, job)
    pieces = Pieces.of(student.tokenizer)

    def loss_of(pupil: Encoder, batch: Masked) -> Tensor:
        own_NH = pupil.hidden(batch.ids_BT).flatten(0, 1)
        with torch.no_grad():
            taught_NH = None if frozen is None else frozen.hidden(batch.ids_BT).flatten(0, 1)
        compared = Compared.of(batch, options.positions if options.loss != "none" else "masked", pieces)

        def part(where_P: Tensor) -> Tensor:
            """Return the sums of both losses over some positions."""
            own_PV = pupil.logits(own_NH[where_P])
            hard = F.cross_entropy(own_PV.float(), compared.labels_N[where_P], reduction="sum")
            if frozen is None or taught_NH is None or options.loss == "none":
                return torch.stack([hard, torch.zeros_like(hard)])
            with torch.no_grad():
                soft_PV = frozen.logits(taught_NH[where_P])
            weight_P = compared.weight_N if compared.weight_N is None else compared.weight_N[where_P]
            return torch.stack([hard, logit_sum(options.loss, own_PV, soft_PV, options.temperature, weight_P)])

        hard, soft = in_parts(part, compared.where_P, max(1, MOST_LOGITS // student.shape.vocab))
        return options.alpha * (hard / len(batch.labels_P)) + (1 - options.alpha) * (soft / compared.count)

    return fit(student, corpus, options, job, loss_of)


@dataclass(frozen=True)
class Compared:
    """Which positions of a batch are compared.

    Attributes:
        where_P: flat indices (into B*T). Always as many in batches of one shape: with ever new sizes the matrix
            library compiles and keeps a kernel for each, so special pieces are weighed with 0, not left out.
        weight_N: 1 at positions that count, 0 at others; None where all of `where_P` count.
        labels_N: the right piece at masked positions, -100 elsewhere.
    """

    where_P: Tensor
    weight_N: Tensor | None
    labels_N: Tensor

    @staticmethod
    def of(batch: Masked, positions: Positions, pieces: Pieces) -> Compared:
        """Choose the positions of a batch; a piece shown as `[MASK]`, or as a random one, is a token."""
        shown_N = batch.ids_BT.flatten()
        labels_N = torch.full_like(shown_N, -100)
        labels_N[batch.chosen_P] = batch.labels_P
        if positions == "masked":
            return Compared(batch.chosen_P, None, labels_N)
        everywhere = torch.arange(len(shown_N), device=shown_N.device)
        if positions == "all":
            return Compared(everywhere, None, labels_N)
        specials = [number for number in pieces.specials if number != pieces.mask]
        special_N = torch.isin(shown_N, torch.tensor(specials, device=shown_N.device))
        return Compared(everywhere, (~special_N | (labels_N >= 0)).float(), labels_N)

    @property
    def count(self) -> Tensor | int:
        """How many positions count."""
        return len(self.where_P) if self.weight_N is None else self.weight_N.sum()


def _frozen(teacher: Encoder, student: Encoder, job: Job) -> Encoder:
    """Return a copy of the teacher that stands still, on the device of the job."""
    if student.tokenizer.get_vocab() != teacher.tokenizer.get_vocab():
        raise ShapeError(
            f"distill: the student has {student.shape.vocab:,} pieces and the teacher {teacher.shape.vocab:,}, not the"
            " same ones; trim the vocabulary before the teacher's step, or after the distillation"
        )
    frozen = replace(teacher, model=nn.Module.to(copy.deepcopy(teacher.model), job.runtime.device))
    frozen.model.requires_grad_(False)
    return frozen
