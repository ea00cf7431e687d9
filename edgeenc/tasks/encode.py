"""Items as a model reads them: token ids, and where the label of each word is read, which its task kind says.

Axis letters: B batch, T tokens.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from edgeenc.tasks.item import Item
from edgeenc.tasks.task_kind import TaskKind
from edgeenc.text import whole

LONG = 512
"""Tokens of a text from which on batches are smaller."""


@dataclass(frozen=True)
class Encoded:
    """Items as ids, without padding.

    Attributes:
        ids: tokens of each item, special ones included.
        places: for each word of each item the number of the token that its label is read at, or `NOWHERE`.
        pad: id of the padding token.
    """

    ids: tuple[tuple[int, ...], ...]
    places: tuple[tuple[int, ...], ...]
    pad: int


def encode(items: Sequence[Item], kind: TaskKind, tokenizer: Tokenizer, max_length: int) -> Encoded:
    """Return `items` as ids, truncated to `max_length` tokens, of which the closing special token stays the last.

    Worked example: the tagged words `Ang payong`, tokenized `Ang pay ##ong`, give `[CLS] Ang pay ##ong [SEP]` and
    places 1, 2. With 4 tokens at most that is `[CLS] Ang pay [SEP]` and the same places; with 3, `[CLS] Ang [SEP]` and
    places 1, -1.

    Args:
        items: as read by `read_task`.
        kind: says how items are read, and where the labels are.
        tokenizer: left as it is; what it says itself of padding and truncation does not count.
        max_length: tokens of an item, special tokens included.
    """
    truncating = Tokenizer.from_str(tokenizer.to_str())
    truncating.no_padding()
    truncating.enable_truncation(max_length)
    found, places = kind.encode(truncating, items)
    pads = (tokenizer.token_to_id(token) for token in ("[PAD]", "<pad>"))
    pad = next((number for number in pads if number is not None), 0)
    return Encoded(tuple(tuple(one.ids) for one in found), tuple(places), pad)


def padded(encoded: Encoded, numbers: Sequence[int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return ids and attention (B, T) of the items with these `numbers`, padded at the end."""
    return whole.padded([encoded.ids[number] for number in numbers], encoded.pad)


def by_length(encoded: Encoded, batch: int) -> Iterator[list[int]]:
    """Yield the numbers of all items in batches of like length, so that little is padding.

    Batches of texts of more than 512 tokens are smaller: attention takes as much memory as for `batch` of 512.
    """
    order = sorted(range(len(encoded.ids)), key=lambda number: len(encoded.ids[number]))
    numbers = list[int]()
    for number in order:
        if numbers and (len(numbers) + 1) * max(LONG, len(encoded.ids[number])) ** 2 > batch * LONG**2:
            yield numbers
            numbers = []
        numbers.append(number)
    if numbers:
        yield numbers
