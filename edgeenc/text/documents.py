"""Documents: which lines belong together, so that no document is on both sides of a split, or half in a part of it.

Axis letters: L lines, D documents.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]
Marks = NDArray[np.uint64]
Sides = NDArray[np.uint8]

TRAIN, VALID, TEST, LEFT = range(4)
"""Where a line goes; what is `LEFT` goes nowhere."""
FEWEST_DOCUMENTS = 100
"""Fewer cannot be split: a text with some blank lines in it is taken line by line."""
LONGEST = 20
"""A document of more than one 20th of the lines is never held out."""


def mark_of(fingerprint: str) -> int:
    """Return 64 bits of a hash of what two lines share that count as the same."""
    return int.from_bytes(hashlib.blake2b(fingerprint.encode(), digest_size=8).digest())


def documents_of(blanks_L: NDArray[np.uint32]) -> Numbers:
    """Return the number of each line's document, from the blank lines before it: a blank line ends a document.

    Where that makes fewer than 100 documents, each line is one.

    Worked example, with 2 for 100: blank lines before each line 0 0 3 4 4 give the documents 0 0 1 2 2.
    """
    document_L = np.unique(blanks_L, return_inverse=True)[1].astype(np.int64)
    known = len(document_L) and document_L[-1] + 1 >= FEWEST_DOCUMENTS
    return document_L if known else np.arange(len(blanks_L))


def sides(document_L: Numbers, seed: int, *, share: float = 0.05, most: int = 1800) -> Sides:
    """Return for each line the side of the split that it is on, by `seed`; a third of what is held out is `VALID`.

    Documents are drawn one by one: lines of the first ones are `VALID` until there are enough, lines of the next ones
    `TEST`. What the last document of each has too much is `LEFT`, so that the numbers hold and nothing of it is learnt.

    Worked example: 40 lines hold out 30, thus 10 and 20; of documents of 2 lines, 5 are `VALID` and 10 are `TEST`.

    Args:
        document_L: number of each line's document, 0 to D - 1.
        seed: the same seed and documents give the same split.
        share: part of the lines that is held out.
        most: upper bound of held-out lines.
    """
    count, sizes_D = len(document_L), np.bincount(document_L)
    rank_D = np.empty(len(sizes_D), dtype=np.int64)
    rank_D[np.random.default_rng(seed).permutation(len(sizes_D))] = np.arange(len(sizes_D))
    rank_D[sizes_D > max(1, count // LONGEST)] += len(sizes_D)
    order_L = np.argsort(rank_D[document_L], kind="stable")
    rank_L = rank_D[document_L][order_L]
    held, begin = min(most, max(30, round(count * share))), 0
    side_L = np.zeros(count, dtype=np.uint8)
    for side, wanted in ((VALID, held // 3), (TEST, held - held // 3)):
        end = min(begin + wanted, count)
        side_L[order_L[begin:end]] = side
        whole = int(np.searchsorted(rank_L, rank_L[end - 1], side="right"))
        side_L[order_L[end:whole]] = LEFT
        begin = whole
    return side_L


def thinned(side_L: Sides, document_L: Numbers, mark_L: Marks, fraction: float) -> Sides:
    """Return `side_L` with only `fraction` of the training documents left in it; what is held out stays.

    Those with the smallest marks stay, the mark of a document being that of its first line: whatever the seed, a tenth
    of a text is part of three tenths of it.

    Worked example: of 4 documents with the marks 9 2 7 5, a half are those with 2 and 5.
    """
    if fraction == 1:
        return side_L
    train_L = np.flatnonzero(side_L == TRAIN)
    _, first_D, document = np.unique(document_L[train_L], return_index=True, return_inverse=True)
    stays_D = np.zeros(len(first_D), dtype=np.bool_)
    stays_D[np.argsort(mark_L[train_L[first_D]], kind="stable")[: max(1, round(fraction * len(first_D)))]] = True
    thin_L = side_L.copy()
    thin_L[train_L[~stays_D[document]]] = LEFT
    return thin_L
