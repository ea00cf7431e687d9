"""Whole texts as a pure function of (seed, step): which ones are read, in which order, in batches of like lengths.

Axis letters: N texts, B texts of a batch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from edgeenc.text.batches import draw, of_group
from edgeenc.text.whole import encode_whole

Numbers = NDArray[np.int64]

BLOCK = 1024
"""Texts that are read, and given to a teacher, at once."""
CHUNK = 32
"""Batches among whose texts those of like lengths are put together, at most."""
LEAST_CHUNKS = 4
"""Into how many such parts an epoch is divided at least."""


@dataclass(frozen=True)
class Texts:
    """Texts and what a tokenizer makes of them, in flat arrays: of a million texts, lists would be gigabytes.

    Attributes:
        lines: the texts, without a prompt.
        ids: token ids of all texts, one after the other.
        ends: where in `ids` each text begins, and at last their number (N + 1).
    """

    lines: tuple[str, ...]
    ids: NDArray[np.int32]
    ends: Numbers

    @property
    def lengths(self) -> Numbers:
        """Tokens of each text (N,)."""
        return np.diff(self.ends)

    def row(self, number: int) -> list[int]:
        """Return the token ids of a text."""
        return self.ids[self.ends[number] : self.ends[number + 1]].tolist()

    @staticmethod
    def of(lines: Sequence[str], rows: Sequence[Sequence[int]]) -> Texts:
        """Return texts with their tokens."""
        ids = np.fromiter(chain.from_iterable(rows), dtype=np.int32)
        return Texts(tuple(lines), ids, np.cumsum([0, *map(len, rows)]))

    @staticmethod
    def joined(parts: Sequence[Texts]) -> Texts:
        """Return the texts of several, one after the other."""
        lengths = np.concatenate([np.zeros(1, dtype=np.int64), *(part.lengths for part in parts)])
        ids = np.concatenate([np.zeros(0, dtype=np.int32), *(part.ids for part in parts)])
        return Texts(tuple(chain.from_iterable(part.lines for part in parts)), ids, np.cumsum(lengths))


def prompted(lines: Sequence[str], prompts: Sequence[str]) -> list[str]:
    """Return lines with the prompts before them, in turn.

    Worked example: lines a b c and prompts `q: ` and `p: ` give `q: a`, `p: b`, `q: c`.
    """
    return [prompts[place % len(prompts)] + line for place, line in enumerate(lines)]


def by_hash(lines: Sequence[str]) -> Numbers:
    """Return the places of lines in the order of a hash of each: as good as chance, and the same in every build."""
    marks = (int.from_bytes(hashlib.blake2b(line.encode(), digest_size=8).digest()) for line in lines)
    return np.argsort(np.fromiter(marks, dtype=np.uint64), kind="stable")


def read_texts(
    lines: Sequence[str], tokenizer: Tokenizer, prompts: Sequence[str], longest: int, tokens: float, most: int
) -> Texts:
    """Return so many of `lines` that they have `tokens` tokens, in whole blocks of `BLOCK`, but at most `most`.

    Args:
        lines: of a corpus; which are taken is a matter of `by_hash`.
        tokenizer: of the model that is trained.
        prompts: put before the lines, in turn; at least one, which may be empty.
        longest: tokens to which a text is cut.
        tokens: after which no more text is needed.
        most: texts.
    """
    order = by_hash(lines)[:most]
    found, seen = list[Texts](), 0
    for first in range(0, len(order), BLOCK):
        taken = [lines[int(place)] for place in order[first : first + BLOCK]]
        found.append(Texts.of(taken, encode_whole(tokenizer, prompted(taken, prompts), longest)))
        seen += len(found[-1].ids)
        if seen >= tokens:
            break
    return Texts.joined(found)


@dataclass(frozen=True)
class SentenceOrder:
    """An endless stream of batches of texts; batch `step` depends on the fields and `step` alone.

    Every text of a group comes once before any comes again. Among the texts of `chunk` batches those of like lengths
    are put together, so that little is padding, and these batches come in an order of chance.

    Attributes:
        groups: for each group of texts, their lengths in tokens.
        batch_size: texts of a batch.
        pattern: which group each text comes from, repeated for ever.
        seed: of the order.
    """

    groups: tuple[Numbers, ...]
    batch_size: int
    pattern: tuple[int, ...]
    seed: int

    @property
    def chunk(self) -> int:
        """How many batches are sorted together: of few texts fewer, or the same would share a batch in every epoch."""
        shares = [self.pattern.count(group) / len(self.pattern) for group in range(len(self.groups))]
        epochs = [len(own) / (self.batch_size * share) for own, share in zip(self.groups, shares, strict=True) if share]
        return min(CHUNK, max(1, int(min(epochs) / LEAST_CHUNKS)))

    def __call__(self, step: int) -> Numbers:
        """Return the numbers (B,) of the texts of batch `step`, counted through all groups."""
        size = self.chunk
        chunk, batch = divmod(step, size)
        places = np.arange(chunk * size * self.batch_size, (chunk + 1) * size * self.batch_size)
        of_place = np.asarray(self.pattern)[places % len(self.pattern)]
        first = np.cumsum([0, *map(len, self.groups)])
        numbers = np.empty(len(places), dtype=np.int64)
        for group in map(int, np.unique(of_place)):
            here, count = of_place == group, len(self.groups[group])
            before = of_group(self.pattern, group, int(places[0]))
            own = draw(np.arange(count, dtype=np.int32), before, int(here.sum()), self.seed + group)
            numbers[here] = first[group] + own
        lengths = np.concatenate(self.groups)[numbers]
        batches = numbers[np.argsort(lengths, kind="stable")].reshape(size, self.batch_size)
        return batches[np.random.default_rng([self.seed, chunk]).permutation(size)[batch]]
