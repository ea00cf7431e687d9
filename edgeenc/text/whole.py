"""Whole texts as padded batches of nearly equal lengths.

Axis letters: B texts of a batch, T tokens.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Ids = NDArray[np.int64]


def encode_whole(tokenizer: Tokenizer, texts: Sequence[str], longest: int) -> list[list[int]]:
    """Return the ids of each text in its special tokens, cut to `longest` tokens of which the last stays."""
    found = [encoded.ids for encoded in tokenizer.encode_batch_fast(list(texts))]
    return [ids if len(ids) <= longest else [*ids[: longest - 1], ids[-1]] for ids in found]


@dataclass(frozen=True, slots=True)
class Widths:
    """How wide padded batches are.

    Attributes:
        step: widths are multiples of it, as far as `most` lets them.
        most: tokens that the model reads; None where a batch is no wider than its longest text.
    """

    step: int = 1
    most: int | None = None

    def of(self, tokens: int) -> int:
        """Return how wide a batch is whose longest text has so many tokens.

        Worked example: at step 8, 17 tokens lie in a batch of width 24, and 27 in one of width 30 where the model
        reads 30: position 31 has no row in its table.
        """
        wide = -(-tokens // self.step) * self.step
        return wide if self.most is None else max(tokens, min(wide, self.most))


NO_WIDER = Widths()
"""As wide as the longest text."""


def like_lengths(lengths: Sequence[int], batch_tokens: int, widths: Widths = NO_WIDER) -> Iterator[list[int]]:
    """Yield the places of texts, the shortest first, in batches of at most `batch_tokens` with their padding."""
    batch = list[int]()
    for place in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and (len(batch) + 1) * widths.of(lengths[place]) > batch_tokens:
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch


def padded(rows: Sequence[Sequence[int]], pad: int, widths: Widths = NO_WIDER) -> tuple[Ids, Ids]:
    """Return ids and attention (B, T), 1 at tokens and 0 at padding, at the end.

    Worked example: rows (7, 8) and (9) with pad 0 give ids ((7, 8), (9, 0)) and attention ((1, 1), (1, 0)).
    """
    widest = widths.of(max(map(len, rows)))
    ids_BT = np.full((len(rows), widest), pad, dtype=np.int64)
    attend_BT = np.zeros((len(rows), widest), dtype=np.int64)
    for place, row in enumerate(rows):
        ids_BT[place, : len(row)] = row
        attend_BT[place, : len(row)] = 1
    return ids_BT, attend_BT
