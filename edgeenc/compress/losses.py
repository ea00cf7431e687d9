"""Losses at masked positions, each with its reduction stated.

Axis letters: P positions, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from edgeenc.model.encoder import Encoder
from edgeenc.stages.distill import LogitLoss
from edgeenc.text.batches import Masked


def chosen_logits(encoder: Encoder, batch: Masked) -> Tensor:
    """Return the logits (P, V) at the masked positions; the head never sees the others."""
    return encoder.logits(batch.at_chosen(encoder.hidden(batch.ids_BT)))


def masked_lm(logits_PV: Tensor, labels_P: Tensor) -> Tensor:
    """Return the cross entropy of the target tokens: nats, mean over P."""
    return F.cross_entropy(logits_PV.float(), labels_P)


def divergence(student_PV: Tensor, teacher_PV: Tensor, temperature: float) -> Tensor:
    """Return T^2 KL(teacher || student) of both distributions at temperature T: nats, sum over V, mean over P.

    The factor T^2 keeps the size of the gradient when T changes. Worked example: equal logits give 0; teacher
    (ln 3, 0), student (0, 0) and T = 1 give 0.75 ln 1.5 + 0.25 ln 0.5 = 0.1308.

    Source: Hinton et al. 2015, arXiv:1503.02531, section 2.1.
    """
    return logit_sum("kl", student_PV, teacher_PV, temperature) / len(student_PV)


def soft_cross_entropy(student_PV: Tensor, teacher_PV: Tensor, temperature: float) -> Tensor:
    """Return T^2 CE(teacher, student) of both distributions at temperature T: nats, sum over V, mean over P.

    It is `divergence` and T^2 times the teacher's entropy, which no gradient sees. Worked example: teacher (ln 3, 0),
    student (0, 0) and T = 1 give ln 2 = 0.6931.

    Source: Hinton et al. 2015, arXiv:1503.02531, section 2.
    """
    return logit_sum("ce", student_PV, teacher_PV, temperature) / len(student_PV)


def logit_error(student_PV: Tensor, teacher_PV: Tensor) -> Tensor:
    """Return the squared error between raw logits: mean over V and over P.

    Worked example: student (0, 0), teacher (3, 1) give (9 + 1) / 2 = 5.

    Source: arXiv:2505.16956, steps 1 and 3; Ba and Caruana 2014, arXiv:1312.6184.
    """
    return logit_sum("mse", student_PV, teacher_PV, 1.0) / len(student_PV)


def logit_sum(
    kind: LogitLoss, student_PV: Tensor, teacher_PV: Tensor, temperature: float, weight_P: Tensor | None = None
) -> Tensor:
    """Return the sum over positions, each times its weight, of `divergence`, `soft_cross_entropy` or `logit_error`."""
    terms_PV, scale = _terms(kind, student_PV.float(), teacher_PV.float(), temperature)
    total = terms_PV.sum() if weight_P is None else (terms_PV.sum(-1) * weight_P).sum()
    return total * scale


def _terms(kind: LogitLoss, student_PV: Tensor, teacher_PV: Tensor, temperature: float) -> tuple[Tensor, float]:
    """Return what is summed over the vocabulary, and the factor that all of it has."""
    if kind == "mse":
        return (student_PV - teacher_PV).square(), 1 / student_PV.shape[-1]
    log_student = F.log_softmax(student_PV / temperature, dim=-1)
    log_teacher = F.log_softmax(teacher_PV / temperature, dim=-1)
    if kind == "ce":
        return -log_teacher.exp() * log_student, temperature**2
    return F.kl_div(log_student, log_teacher, log_target=True, reduction="none"), temperature**2


def in_parts(part: Callable[[Tensor], Tensor], where_P: Tensor, most: int) -> Tensor:
    """Return the sum of `part` over tokens of `where_P` of at most `most` positions.

    Where there are several, each is computed again for its gradient, so that the logits of one token alone are in
    memory: all those of 4,096 positions of XLM-R would be 4.1 GB, four times over.
    """
    if len(where_P) <= most:
        return part(where_P)
    parts = [checkpoint(part, token, use_reentrant=False) for token in where_P.split(most)]
    return torch.stack([value for value in parts if value is not None]).sum(0)


def similarity_divergence(own_BD: Tensor, taught_BE: Tensor, temperature: float) -> Tensor:
    """Return the divergence of the similarities within a batch: nats, sum over the other texts, mean over texts.

    For each text, the cosines to the other ones over the temperature are a distribution by softmax; what is returned is
    KL(teacher || student). The two may have different widths. There is no factor T^2: at the low temperatures at which
    cosines differ, it would leave nothing of the gradient. Worked example: of two texts there is one other, so 0.

    Source: Passalis and Tefas 2018, arXiv:1803.10837; the softmax at a temperature as Fang et al. 2021,
    arXiv:2101.04731, have it.
    """
    own, taught = (_log_similarities(vectors, temperature) for vectors in (own_BD, taught_BE))
    return F.kl_div(own, taught, log_target=True, reduction="none").sum() / len(own_BD)


def _log_similarities(vectors_BD: Tensor, temperature: float) -> Tensor:
    """Return the logs of the distributions (B, B - 1) of each text's similarities to the others."""
    unit_BD = F.normalize(vectors_BD.float(), dim=-1)
    cosine_BB = unit_BD @ unit_BD.T
    count = len(cosine_BB)
    other = ~torch.eye(count, dtype=torch.bool, device=cosine_BB.device)
    return F.log_softmax(cosine_BB[other].view(count, count - 1) / temperature, dim=-1)
