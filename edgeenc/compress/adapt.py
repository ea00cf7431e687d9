"""Tune the teacher on the language by masked language modelling, so that what it passes on is that language."""

from __future__ import annotations

from torch import Tensor

from edgeenc.compress.fit import fit
from edgeenc.compress.losses import chosen_logits, masked_lm
from edgeenc.model.encoder import Encoder
from edgeenc.stages.training import TrainingOptions
from edgeenc.text.batches import Masked
from edgeenc.text.corpus import Corpus
from edgeenc.training_loop import History, Job


def adapt(
    encoder: Encoder, corpus: Corpus, options: TrainingOptions | None = None, job: Job | None = None
) -> tuple[Encoder, History]:
    """Return `encoder` tuned on the language of `corpus`, and what happened.

    The loss is the cross entropy (nats, mean over the masked positions) of the target tokens.

    Source: step 0 of arXiv:2505.16956; the "conditioned" teacher of arXiv:2501.12660.
    """

    def loss_of(pupil: Encoder, batch: Masked) -> Tensor:
        return masked_lm(chosen_logits(pupil, batch), batch.labels_P)

    return fit(encoder, corpus, options or TrainingOptions(), job or Job(), loss_of)
