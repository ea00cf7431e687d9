"""What a fine-tuned teacher says: of the training examples, and of texts that nobody labelled.

A few hundred labels say little of a language; the teacher, who knows it, says of any text what it would be called.

Source: arXiv:1503.02531 (its logits), arXiv:1909.10351 (texts without labels).

Axis letters: C labels.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import nn

from edgeenc.model.classifier import TaskModel
from edgeenc.targets.sessions.torch_session import TorchSession
from edgeenc.tasks.chosen import chosen
from edgeenc.tasks.encode import encode
from edgeenc.tasks.examples import TaskData
from edgeenc.tasks.item import Item
from edgeenc.tasks.scores.predict import word_logits
from edgeenc.tasks.tags.running_text import running_text
from edgeenc.tasks.task_kind import TaskKind
from edgeenc.tasks.tuning.fine_tuning import FineTuning
from edgeenc.text.corpus import normalise
from edgeenc.training_loop import Job, Progress

BLOCK = 256
"""Items between two signs of progress."""
Logits = Sequence[NDArray[np.float32]]
"""For each training example the logits (words, C) of a fine-tuned teacher."""


@dataclass(frozen=True)
class Taught:
    """What a fine-tuned teacher says.

    Attributes:
        logits: for the training examples as `chosen` picks them, then for `texts`.
        texts: items that nobody labelled, a multiple of the epochs.
    """

    logits: Logits
    texts: tuple[Item, ...] = ()


def teacher_logits(
    model: TaskModel, items: Sequence[Item], kind: TaskKind, max_length: int, job: Job | None = None
) -> Logits:
    """Return the logits of a tuned teacher, by its own tokenizer: of each item (words, C), NaN where it was cut off.

    Args:
        model: moved to the device of `job` and back to the CPU.
        items: with labels or without.
        kind: says how items are read.
        max_length: tokens of an item, special tokens included.
        job: device and progress; none computes on the CPU and is silent.
    """
    job = job or Job()
    nn.Module.to(model.model, job.runtime.device)
    session = TorchSession(model.logits, model.purpose, job.runtime.device)
    found, start = list[NDArray[np.float32]](), time.monotonic()
    for first in range(0, len(items), BLOCK):
        block = items[first : first + BLOCK]
        found += word_logits(session, encode(block, kind, model.tokenizer, min(max_length, model.positions)))
        spent = time.monotonic() - start
        left, speed = spent / len(found) * (len(items) - len(found)), len(found) / spent
        job.tell(Progress(len(found), len(items), 0.0, speed, left, doing="teacher's answers"))
    nn.Module.to(model.model, "cpu")
    return found


def unlabelled(texts: Sequence[str], data: TaskData, options: FineTuning) -> tuple[Item, ...]:
    """Return the items of texts that nobody labelled, as the recipe counts them: none is of a held-out part."""
    held = {normalise(running_text(item.words, item.spaces)[0]) for item in (*data.validation, *data.test)}
    items = (data.kind.unlabelled(text) for text in chosen(texts, options.unlabelled_texts) if text not in held)
    found = tuple(item for item in items if item.words)
    return found[: len(found) // options.epochs * options.epochs]
