"""Whole texts as padded batches of nearly equal lengths.

Axis letters: B texts of a batch, T tokens.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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


def width(tokens: int, step: int) -> int:
    """Return how wide a batch is whose longest text has so many tokens: a multiple of `step`.

    Worked example: 17 tokens lie in a batch of width 24 where the step is 8.
    """
    return -(-tokens // step) * step


def like_lengths(lengths: Sequence[int], batch_tokens: int, step: int = 1) -> Iterator[list[int]]:
    """Yield the places of texts, the shortest first, in batches of at most `batch_tokens` with their padding."""
    batch = list[int]()
    for place in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and (len(batch) + 1) * width(lengths[place], step) > batch_tokens:
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch


def padded(rows: Sequence[Sequence[int]], pad: int, step: int = 1) -> tuple[Ids, Ids]:
    """Return ids and attention (B, T), 1 at tokens and 0 at padding, at the end; T is a multiple of `step`.

    Worked example: rows (7, 8) and (9) with pad 0 give ids ((7, 8), (9, 0)) and attention ((1, 1), (1, 0)).
    """
    widest = width(max(map(len, rows)), step)
    ids_BT = np.full((len(rows), widest), pad, dtype=np.int64)
    attend_BT = np.zeros((len(rows), widest), dtype=np.int64)
    for place, row in enumerate(rows):
        ids_BT[place, : len(row)] = row
        attend_BT[place, : len(row)] = 1
    return ids_BT, attend_BT
