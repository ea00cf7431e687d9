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
from numpy.typing import NDArray
from torch import Tensor, nn

from edgeenc.model.bottleneck import add_sequential
from edgeenc.model.classifier import TaskModel, with_head
from edgeenc.model.encoder import Encoder
from edgeenc.stages.training import Schedule
from edgeenc.targets.sessions.torch_session import TorchSession
from edgeenc.tasks.encode import Encoded, encode, padded
from edgeenc.tasks.examples import TaskData
from edgeenc.tasks.item import NOWHERE, Item
from edgeenc.tasks.scores.predict import predict, word_logits
from edgeenc.tasks.task_kind import TaskKind
from edgeenc.tasks.tuning.adapter import merged, with_adapters
from edgeenc.tasks.tuning.fine_tuning import FineTuning
from edgeenc.tasks.tuning.pool import start_as_mean
from edgeenc.training_loop import History, Job, Loss, train

POOL = 8
"""Batches are made from this many batches of shuffled items, sorted by length: about half the padding."""


Logits = Sequence[NDArray[np.float32]]
"""For each training example the logits (words, C) of a fine-tuned teacher."""


@dataclass(frozen=True)
class Batches:
    """The training examples and their order: a function of seed and step."""

    encoded: Encoded
    size: int
    seed: int

    @property
    def per_epoch(self) -> int:
        """Steps of one pass."""
        return math.ceil(len(self.encoded.ids) / self.size)

    def at(self, step: int) -> list[int]:
        """Return the numbers of the examples of `step`; each epoch visits every example once."""
        epoch, place = divmod(step, self.per_epoch)
        chance = np.random.default_rng((self.seed, epoch))
        order, found = chance.permutation(len(self.encoded.ids)), list[list[int]]()
        for first in range(0, len(order), POOL * self.size):
            pool = order[first : first + POOL * self.size].tolist()
            pool.sort(key=lambda i: len(self.encoded.ids[i]))
            found += [pool[at : at + self.size] for at in range(0, len(pool), self.size)]
        return found[chance.permutation(len(found))[place]]


def tune(
    encoder: Encoder, data: TaskData, options: FineTuning, job: Job, judge: Judge, taught: Logits | None = None
) -> tuple[TaskModel, History]:
    """Return a task model tuned on the training part, and what happened; the checkpoint is chosen on validation.

    The loss is ``(1 - w) * CE(label) + w * T^2 KL(teacher || model)``, w the distillation weight: nats, mean over words
    with a place.

    Args:
        encoder: where to start; not changed.
        data: examples.
        options: how.
        job: its seed gives the head's start and the order of the examples.
        judge: the figure, 0..1 and higher is better, of predictions for the validation items.
        taught: a fine-tuned teacher's logits for the training examples as `chosen` picks them; needed to distil.

    Source: arXiv:2501.12660 (full fine-tuning), arXiv:2505.16956 (adapters), arXiv:1503.02531 (distillation).
    """
    model = with_head(encoder, data.kind.purpose, data.labels, job.seed)
    if data.kind.reads_first and options.pooling == "mean":
        start_as_mean(model.model, encoder.family.last_layer)
    if options.method != "full":
        model.model.base_model.requires_grad_(False)
        _thaw_pooler(model)
    if options.method == "adapter" and options.placement == "sequential":
        add_sequential(model.model, options.reduction_factor, job.seed)
    elif options.method == "adapter":
        with_adapters(model, encoder.family, options.reduction_factor, job.seed)
    nn.Module.to(model.model, job.runtime.device)
    max_length = min(options.max_length, model.positions)
    train_items = chosen(data.train, options.max_train_samples)
    batches = Batches(encode(train_items, data.kind, model.tokenizer, max_length), options.batch_size, job.seed)
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


Judge = Callable[[Sequence[Item], Sequence[tuple[str, ...]]], float]


def chosen(items: Sequence[Item], most: int | None) -> tuple[Item, ...]:
    """Return all items, or `most` of them drawn by a fixed seed, in their order."""
    if most is None or most >= len(items):
        return tuple(items)
    picked = np.random.default_rng(0).permutation(len(items))[:most]
    return tuple(items[i] for i in sorted(picked.tolist()))


def teacher_logits(model: TaskModel, items: Sequence[Item], kind: TaskKind, max_length: int) -> Logits:
    """Return the logits of a tuned teacher for `items`, by its own tokenizer."""
    encoded = encode(items, kind, model.tokenizer, min(max_length, model.positions))
    return word_logits(TorchSession(model.logits, model.purpose), encoded)


def _loss(
    model: TaskModel, batches: Batches, items: Sequence[Item], options: FineTuning, taught: Logits | None
) -> Callable[[int], Loss]:
    """Return the loss of each step."""
    number = {label: i for i, label in enumerate(model.labels)}
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
        value = F.cross_entropy(own_NC, right_N)
        if taught is not None and options.distillation_weight:
            soft_NC = torch.from_numpy(np.stack([taught[picked[b]][w] for b, w, _ in seen])).to(device)
            weight = options.distillation_weight
            value = (1 - weight) * value + weight * _apart(own_NC, soft_NC, options.temperature)
        return Loss(value, int(attend_BT.sum()))

    return loss_at


def _apart(own_NC: Tensor, soft_NC: Tensor, temperature: float) -> Tensor:
    """Return T^2 KL(soft || own) in nats, mean over the words that the teacher saw."""
    seen_N = ~soft_NC.isnan().any(-1)
    own, soft = (F.log_softmax(x[seen_N] / temperature, -1) for x in (own_NC, soft_NC))
    return temperature**2 * F.kl_div(own, soft, reduction="batchmean", log_target=True)


def _thaw_pooler(model: TaskModel) -> None:
    """Let the dense layer that belongs to the head learn, which the library counts to the body."""
    pooler = getattr(model.model.base_model, "pooler", None)
    if isinstance(pooler, nn.Module):
        pooler.requires_grad_(True)
