"""Fine-tune a copy of an encoder under a head, on labels and, where there is a tuned teacher, on its logits too.

Axis letters: B batch, T tokens, C labels, N words of the batch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgeenc.model.bottleneck import add_sequential
from edgeenc.model.classifier import TaskModel, with_head
from edgeenc.model.encoder import Encoder
from edgeenc.stages.training import Schedule
from edgeenc.targets.sessions.torch_session import TorchSession
from edgeenc.tasks.chosen import chosen
from edgeenc.tasks.encode import Encoded, encode, padded
from edgeenc.tasks.examples import TaskData
from edgeenc.tasks.item import NOWHERE, UNLABELLED, Item
from edgeenc.tasks.scores.predict import predict
from edgeenc.tasks.tuning.adapter import merged, with_adapters
from edgeenc.tasks.tuning.fine_tuning import FineTuning
from edgeenc.tasks.tuning.pool import start_as_mean
from edgeenc.tasks.tuning.probe_start import start_as_probe
from edgeenc.tasks.tuning.taught import Taught
from edgeenc.training_loop import History, Job, Loss, train

POOL = 8
"""Batches are made from this many batches of shuffled items, sorted by length: about half the padding."""
NOT_COUNTED = -100
"""Number of no label."""


@dataclass(frozen=True)
class Batches:
    """The training examples and their order: a function of seed and step."""

    encoded: Encoded
    size: int
    seed: int
    unlabelled: int = 0
    epochs: int = 1

    @property
    def per_epoch(self) -> int:
        """Steps of one pass."""
        return math.ceil(len(self._of(0)) / self.size)

    def at(self, step: int) -> list[int]:
        """Return the numbers of the examples of `step`.

        Each epoch visits every labelled example once, and its own share of the last `unlabelled` ones, a multiple of
        `epochs`: those are visited once in all.
        """
        epoch, place = divmod(step, self.per_epoch)
        chance = np.random.default_rng((self.seed, epoch))
        order, found = chance.permutation(self._of(epoch)), list[list[int]]()
        for first in range(0, len(order), POOL * self.size):
            pool = order[first : first + POOL * self.size].tolist()
            pool.sort(key=lambda i: len(self.encoded.ids[i]))
            found += [pool[at : at + self.size] for at in range(0, len(pool), self.size)]
        return found[chance.permutation(len(found))[place]]

    def _of(self, epoch: int) -> list[int]:
        """Return the numbers of the examples of an epoch."""
        labelled = len(self.encoded.ids) - self.unlabelled
        return [*range(labelled), *range(labelled + epoch % self.epochs, len(self.encoded.ids), self.epochs)]


def tune(
    encoder: Encoder, data: TaskData, options: FineTuning, job: Job, judge: Judge, taught: Taught | None = None
) -> tuple[TaskModel, History]:
    """Return a task model tuned on the training part, and what happened; the checkpoint is chosen on validation.

    The loss is ``(1 - w) * CE(label) + w * T^2 KL(teacher || model)``: nats, mean over words with a place; w is the
    distillation weight where there is a label, and 1 where there is none.

    Args:
        encoder: where to start; not changed.
        data: examples.
        options: how.
        job: its seed gives the head's start and the order of the examples.
        judge: the figure, 0..1 and higher is better, of predictions for the validation items.
        taught: needed to distil.

    Source: arXiv:2501.12660 (full fine-tuning), arXiv:2505.16956 (adapters), arXiv:1503.02531 (distillation),
    arXiv:2202.10054 (a head that starts as a probe).
    """
    model = with_head(encoder, data.kind.purpose, data.labels, job.seed)
    last = encoder.family.last_layer if data.kind.reads_first and options.pooling == "mean" else None
    start_as_mean(model.model, last, job.seed)
    max_length = min(options.max_length, model.positions)
    train_items = (*chosen(data.train, options.max_train_samples), *(taught.texts if taught else ()))
    encoded = encode(train_items, data.kind, model.tokenizer, max_length)
    more = len(taught.texts) if taught else 0
    batches = Batches(encoded, options.batch_size, job.seed, more, options.epochs)
    if options.head_start == "probe":
        start_as_probe(model, encoded, [item.labels for item in train_items[: len(train_items) - more]], last)
    _freeze(model, encoder, options, job.seed)
    nn.Module.to(model.model, job.runtime.device)
    held = encode(data.validation, data.kind, model.tokenizer, max_length)
    loss_at = _loss(model, batches, train_items, options, taught)
    session = TorchSession(model.logits, model.purpose, job.runtime.device)
    steps = options.epochs * batches.per_epoch
    schedule = Schedule(steps, options.lr, warmup=max(1, steps // 10), decay_ratio=0.9, every=batches.per_epoch)
    history = train(
        model.model, loss_at, schedule, lambda: 1 - judge(data.validation, predict(session, held, data.labels)), job
    )
    nn.Module.to(model.model, "cpu")
    parallel = options.method == "adapter" and options.placement == "parallel"
    return (merged(model, encoder.family) if parallel else model), history


def _freeze(model: TaskModel, encoder: Encoder, options: FineTuning, seed: int) -> None:
    """Let only that learn which the method trains, and add what it adds."""
    if options.method != "full":
        model.model.base_model.requires_grad_(False)
        _thaw_pooler(model)
    if options.method == "adapter" and options.placement == "sequential":
        add_sequential(model.model, options.reduction_factor, seed)
    elif options.method == "adapter":
        with_adapters(model, encoder.family, options.reduction_factor, seed)


Judge = Callable[[Sequence[Item], Sequence[tuple[str, ...]]], float]


def _loss(
    model: TaskModel, batches: Batches, items: Sequence[Item], options: FineTuning, taught: Taught | None
) -> Callable[[int], Loss]:
    """Return the loss of each step."""
    number = {label: i for i, label in enumerate(model.labels)} | {UNLABELLED: NOT_COUNTED}
    device = model.model.device

    def loss_at(step: int) -> Loss:
        picked = batches.at(step)
        ids_BT, attend_BT = (torch.from_numpy(a).to(device) for a in padded(batches.encoded, picked))
        out = model.logits(ids_BT, attend_BT).float()
        out_BTC = out[:, None, :] if out.ndim == 2 else out
        seen = [
            (b, w, p) for b, i in enumerate(picked) for w, p in enumerate(batches.encoded.places[i]) if p != NOWHERE
        ]
        own_NC = out_BTC[[b for b, _, _ in seen], [p for _, _, p in seen]]
        right_N = torch.tensor([number[items[picked[b]].labels[w]] for b, w, _ in seen], device=device)
        loss_N = F.cross_entropy(own_NC, right_N, ignore_index=NOT_COUNTED, reduction="none")
        if taught is not None:
            soft_NC = torch.from_numpy(np.stack([taught.logits[picked[b]][w] for b, w, _ in seen])).to(device)
            weight_N = torch.where(right_N == NOT_COUNTED, 1.0, options.distillation_weight)
            loss_N = (1 - weight_N) * loss_N + weight_N * _apart(own_NC, soft_NC, options.temperature)
        return Loss(loss_N.mean(), int(attend_BT.sum()))

    return loss_at


def _apart(own_NC: Tensor, soft_NC: Tensor, temperature: float) -> Tensor:
    """Return T^2 KL(soft || own) in nats of each word; 0 where the teacher did not see it."""
    seen_N = ~soft_NC.isnan().any(-1)
    own, soft = (F.log_softmax(x / temperature, -1) for x in (own_NC, soft_NC.nan_to_num()))
    return temperature**2 * seen_N * F.kl_div(own, soft, reduction="none", log_target=True).sum(-1)


def _thaw_pooler(model: TaskModel) -> None:
    """Let the dense layer that belongs to the head learn, which the library counts to the body."""
    pooler = getattr(model.model.base_model, "pooler", None)
    if isinstance(pooler, nn.Module):
        pooler.requires_grad_(True)
