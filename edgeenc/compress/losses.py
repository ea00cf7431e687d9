"""Losses at chosen positions, each with its reduction stated.

Axis letters: P chosen positions, V vocabulary.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from edgeenc.model.encoder import Encoder
from edgeenc.text.batches import Masked


def chosen_logits(encoder: Encoder, batch: Masked) -> Tensor:
    """Return the logits (P, V) at the chosen positions; the head never sees the others."""
    return encoder.logits(batch.at_chosen(encoder.hidden(batch.ids_BT)))


def masked_lm(logits_PV: Tensor, labels_P: Tensor) -> Tensor:
    """Return the cross entropy of the right pieces: nats, mean over P."""
    return F.cross_entropy(logits_PV.float(), labels_P)


def divergence(student_PV: Tensor, teacher_PV: Tensor, temperature: float) -> Tensor:
    """Return T^2 KL(teacher || student) of both distributions at temperature T: nats, sum over V, mean over P.

    The factor T^2 keeps the size of the gradient when T changes. Worked example: equal logits give 0; teacher
    (ln 3, 0), student (0, 0) and T = 1 give 0.75 ln 1.5 + 0.25 ln 0.5 = 0.1308.

    Source: Hinton et al. 2015, arXiv:1503.02531, section 2.1.
    """
    log_student = F.log_softmax(student_PV.float() / temperature, dim=-1)
    log_teacher = F.log_softmax(teacher_PV.float() / temperature, dim=-1)
    return F.kl_div(log_student, log_teacher, log_target=True, reduction="batchmean") * temperature**2
