"""The sentence vectors of a teacher, made once: a cache keeps them, and changes no bit of them.

A vector depends, in its last bits, on the texts that it shares a batch with. So what is made, kept and found again is
always a block of texts: its batches depend on the block alone, never on what a cache has of it.

Axis letters: N texts, D dimensions.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch

from edgeenc.compress.frozen import frozen
from edgeenc.model.embed import Vectors, embed, forward_of
from edgeenc.model.encoder import Encoder
from edgeenc.model.sentence_head import SentenceHead
from edgeenc.text.sentence_order import BLOCK
from edgeenc.text.whole import Widths
from edgeenc.training_loop import Job, Progress

VERSION = 2
"""Raised when the same texts would give other vectors, so that old ones are not taken for new ones."""


class VectorCache(Protocol):
    """Where the vectors of one teacher are kept, block by block."""

    def read(self, address: str) -> Vectors | None:
        """Return what was written under an address, or None where there is nothing or it is damaged."""
        ...

    def write(self, address: str, array: Vectors) -> None:
        """Keep the vectors of a block."""
        ...


class NoCache:
    """Keeps nothing."""

    def read(self, address: str) -> Vectors | None:
        """Return nothing."""

    def write(self, address: str, array: Vectors) -> None:
        """Do nothing."""


def teacher_vectors(teacher: Encoder, texts: Sequence[str], longest: int, cache: VectorCache, job: Job) -> Vectors:
    """Return the vectors (N, D), float32, of texts in their order, a prompt before each where it has one.

    They are computed in float32 whatever the job trains in, `BLOCK` texts at a time; a block that `cache` has is not
    computed. A kill loses the block at work.

    Args:
        teacher: its own head makes the vectors, or the mean at length one where it has none.
        texts: at least one.
        longest: tokens to which a text is cut.
        cache: of this teacher.
        job: device, threads and progress.
    """
    head = teacher.sentence or SentenceHead()
    longest = min(longest, teacher.longest_text)
    torch.set_num_threads(job.runtime.threads)
    forward = forward_of(frozen(teacher, job.runtime.device), head, job.runtime.device)
    widths = Widths(job.runtime.width_step, teacher.shape.longest)
    found, start, made = list[Vectors](), time.monotonic(), 0
    for first in range(0, len(texts), BLOCK):
        block = texts[first : first + BLOCK]
        address = _address(block, head, longest, job)
        kept = cache.read(address)
        if kept is None or len(kept) != len(block):
            kept = embed(forward, teacher.tokenizer, block, longest=longest, widths=widths)
            cache.write(address, kept)
            made += len(block)
            spent, done = time.monotonic() - start, first + len(block)
            left = spent / made * (len(texts) - done)
            job.tell(Progress(done, len(texts), 0.0, made / spent, left, doing="teacher vectors"))
        found.append(kept)
    return np.concatenate(found)


def _address(block: Sequence[str], head: SentenceHead, longest: int, job: Job) -> str:
    """Return what decides the vectors of a block, beside the teacher's weights, as 32 hexadecimal digits.

    The device class, the threads and the padding change last bits, and are among it.
    """
    dense = [
        ["" if part is None else hashlib.sha256(part.numpy().tobytes()).hexdigest(), one.activation]
        for one in head.dense
        for part in (one.weight, one.bias)
    ]
    run = job.runtime
    how = [VERSION, longest, head.pooling, head.normalize, dense, run.device, run.threads, run.width_step]
    return hashlib.sha256(json.dumps([how, list(block)]).encode()).hexdigest()[:32]
