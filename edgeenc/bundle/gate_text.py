"""The test split as gates read it: batches of several sizes, and the extremes.

Axis letters: B batch, T tokens.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from edgeenc.errors import InputError
from edgeenc.model.purpose import Purpose
from edgeenc.record.gates import MOST_TOKENS
from edgeenc.targets.sessions.session import Ids, Output
from edgeenc.text.specials import Specials

SIZES = (1, 3, 8)
"""Batch sizes that the gates go through in turn."""

EVERY = 7
"""In batches for a masked LM every 7th token is masked, about the share (15 %) that a masked LM is trained on."""

ALONE, BESIDE = MOST_TOKENS, 512
"""Tokens of a text that is alone in its batch, and of one beside others, at most: the memory of attention grows with
the square of a text's length, and 8,192 tokens, which some models read, would take tens of gigabytes."""

WORDS = 3
"""One-word texts, which make the shortest inputs there are."""


@dataclass(frozen=True, slots=True)
class GateBatch:
    """Sentences as a model reads them.

    Attributes:
        lines: (B,) the sentences.
        ids_BT: their tokens, padded at the end.
        attend_BT: 1 at tokens, 0 at padding.
        masked_BT: where a token was replaced by the mask token; nowhere where the purpose masks none.
    """

    lines: tuple[str, ...]
    ids_BT: Ids
    attend_BT: Ids
    masked_BT: NDArray[np.bool_]


def gate_batches(lines: Sequence[str], tokenizer: Tokenizer, positions: int, purpose: Purpose) -> tuple[GateBatch, ...]:
    """Return all `lines` in batches of 1, 3 and 8 as they come, so that lengths mix and are padded, and the extremes.

    The extremes: one-word texts together; a text as long as the model reads (`positions` tokens) alone; and that text
    beside one word, which is then nearly all padding. Longer lines are truncated to `positions`, and where that is
    more, to `ALONE` tokens, or `BESIDE` in a batch of several.

    Raises:
        InputError: there is no line with a word in it, or the tokenizer lacks a special token.
    """
    lines = [line for line in lines if line.strip()]
    if not lines:
        raise InputError("the gates have no text: every line of the test split is empty; give a corpus with sentences")
    words = list(dict.fromkeys(line.split()[0] for line in lines))[:WORDS]
    alone, beside = min(positions, ALONE), min(positions, BESIDE)
    text = _long_text(lines, tokenizer, alone)
    groups = [*_groups(lines), words, [text], [words[0], text]]
    return tuple(_batch(group, tokenizer, beside if len(group) > 1 else alone, purpose) for group in groups)


def _groups(lines: Sequence[str]) -> Iterator[Sequence[str]]:
    start = 0
    for size in cycle(SIZES):
        if start >= len(lines):
            return
        yield lines[start : start + size]
        start += size


def _long_text(lines: Sequence[str], tokenizer: Tokenizer, positions: int) -> str:
    """Return lines joined, over and over, until they have at least `positions` tokens."""
    joined: list[str] = []
    tokens = 0
    for line in cycle(lines):
        joined.append(line)
        # a line of only characters that the tokenizer drops must not make this endless
        tokens += max(1, len(tokenizer.encode(line, add_special_tokens=False).ids))
        if tokens >= positions:
            return " ".join(joined)
    raise AssertionError("cycle over a non-empty sequence does not end")


def _batch(lines: Sequence[str], tokenizer: Tokenizer, positions: int, purpose: Purpose) -> GateBatch:
    """Encode, truncate to `positions` keeping the last token, pad; where the purpose masks, mask every 7th token."""
    rows = [_cut(tokenizer.encode(line).ids, positions) for line in lines]
    shape = len(rows), max(map(len, rows))
    special = Specials.of(tokenizer)
    ids_BT = np.full(shape, special.pad, dtype=np.int64)
    attend_BT = np.zeros(shape, dtype=np.int64)
    masked_BT = np.zeros(shape, dtype=np.bool_)
    for b, row in enumerate(rows):
        ids_BT[b, : len(row)] = row
        attend_BT[b, : len(row)] = 1
        masked_BT[b, 1 : len(row) - 1 : EVERY] = purpose.view.masked
    ids_BT[masked_BT] = special.mask
    return GateBatch(tuple(lines), ids_BT, attend_BT, masked_BT)


def _cut(ids: list[int], positions: int) -> list[int]:
    return ids if len(ids) <= positions else [*ids[: positions - 1], ids[-1]]


def by_token(output: Output) -> Output:
    """Return an output (B, T, ...) as it is, and logits of texts (B, C) as if each text were one token long."""
    return output[:, None, :] if output.ndim == 2 else output


def read_BT(batch: GateBatch, output: Output) -> NDArray[np.bool_]:
    """Return which tokens of an output are read: the real ones; of a text's logits the only one."""
    return batch.attend_BT == 1 if output.ndim == 3 else np.ones((len(batch.lines), 1), dtype=np.bool_)
