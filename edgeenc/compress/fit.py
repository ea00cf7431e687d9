"""The masked-LM fit that `adapt` and `distill` share: same sequences, masks and validation; only the loss differs."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace

from torch import Tensor, nn

from edgeenc.compress.losses import chosen_logits, masked_lm
from edgeenc.model.encoder import Encoder
from edgeenc.stages.training import TrainingOptions
from edgeenc.text.batches import Batching, Masked, masked_stream
from edgeenc.text.corpus import Corpus
from edgeenc.text.mixture import pattern_of
from edgeenc.training_loop import History, Job, Loss, train

HELD_BATCHES = 8
HELD_RATE = 0.15

LossOf = Callable[[Encoder, Masked], Tensor]


def fit(
    encoder: Encoder,
    corpus: Corpus,
    options: TrainingOptions,
    job: Job,
    loss_of: LossOf,
    beside: nn.Module | None = None,
) -> tuple[Encoder, History]:
    """Return `encoder` trained, and what happened; what comes back has the lowest validation loss seen (masked LM).

    A masked-LM head that the teacher's files had not is trained like any other, and counts as one afterwards.

    Args:
        encoder: where to start; not changed, unless the job is done in place.
        corpus: `train` is read, `valid` chooses the checkpoint with masks that never change; of several languages each
            has as many rows as its weight says.
        options: tokens, learning rate, sequence lengths, masks.
        job: seed, runtime, scratch folder, progress.
        loss_of: loss (nats per predicted token, a scalar) of an encoder on a batch.
        beside: what is trained in place with the encoder, and is no part of it.
    """
    model = encoder.model if job.in_place else copy.deepcopy(encoder.model)
    pupil = replace(encoder, model=nn.Module.to(model.eval(), job.runtime.device))
    lengths = tuple(min(length, encoder.shape.longest) for length in options.sequence_lengths)
    texts, pattern = [part.corpus for part in corpus.each], pattern_of(corpus)
    read = Batching(options.batch_tokens, options.mlm_probability, lengths, options.mask, pattern)
    stream = masked_stream([t.train for t in texts], encoder.tokenizer, read, seed=job.seed, folder=job.scratch)
    look = Batching(options.batch_tokens, HELD_RATE, (min(lengths),), pattern=pattern)
    held = masked_stream([t.valid for t in texts], encoder.tokenizer, look, seed=0)
    fixed = [held(step).to(job.runtime.device) for step in range(HELD_BATCHES)]

    def loss_at(step: int) -> Loss:
        batch = stream(step).to(job.runtime.device)
        return Loss(loss_of(pupil, batch), batch.ids_BT.numel())

    def judged(batch: Masked) -> Tensor:
        """Return the masked-LM loss, or what is trained for where the head is made up and stays so."""
        if encoder.has_head or options.trains_head:
            return masked_lm(chosen_logits(pupil, batch), batch.labels_P)
        return loss_of(pupil, batch)

    def evaluate() -> float:
        return sum(float(judged(batch)) for batch in fixed) / len(fixed)

    trained = pupil.model if beside is None else nn.ModuleList([pupil.model, beside])
    history = train(trained, loss_at, options.schedule(), evaluate, job)
    head = "trained" if options.trains_head and not encoder.has_head else encoder.head
    return replace(pupil, model=nn.Module.to(pupil.model, "cpu"), head=head), history
