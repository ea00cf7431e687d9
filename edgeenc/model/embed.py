"""Sentence vectors of many texts, by whatever computes them of padded ids.

Axis letters: N texts, B texts of a batch, T tokens, D dimensions of a vector.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer

from edgeenc.errors import InputError
from edgeenc.model.encoder import Encoder
from edgeenc.model.sentence_head import SentenceHead
from edgeenc.text.specials import Specials
from edgeenc.text.whole import NO_WIDER, Ids, Widths, encode_whole, like_lengths, padded

Vectors = NDArray[np.float32]
Forward = Callable[[Ids, Ids], Vectors]
"""From ids (B, T) and attention (B, T) to vectors (B, D)."""

BATCH_TOKENS = 2048


def embed(
    forward: Forward,
    tokenizer: Tokenizer,
    texts: Sequence[str],
    *,
    longest: int,
    batch_tokens: int = BATCH_TOKENS,
    widths: Widths = NO_WIDER,
) -> Vectors:
    """Return the vectors (N, D) of texts in their order; a prompt is already part of a text.

    Args:
        forward: what makes vectors of a batch.
        tokenizer: of the model.
        texts: at least one.
        longest: tokens to which a text is cut.
        batch_tokens: of a batch, padding included.
        widths: of batches.

    Raises:
        InputError: there is no text.
    """
    if not texts:
        raise InputError("sentence vectors: there is no text to make vectors of; give more text")
    rows, pad = encode_whole(tokenizer, texts, longest), Specials.of(tokenizer).pad
    places, found = list[int](), list[Vectors]()
    for batch in like_lengths([len(row) for row in rows], batch_tokens, widths):
        ids_BT, attend_BT = padded([rows[place] for place in batch], pad, widths)
        found.append(forward(ids_BT, attend_BT))
        places += batch
    vectors_ND = np.concatenate(found)
    inverse = np.empty(len(places), dtype=np.int64)
    inverse[places] = np.arange(len(places))
    return vectors_ND[inverse]


def forward_of(encoder: Encoder, head: SentenceHead | None = None, device: str = "cpu") -> Forward:
    """Return what makes vectors of a batch with an encoder, which is on `device`, by `head` or else by its own.

    An encoder whose files say nothing of sentences is read by the mean, at length one.
    """
    pool = head or encoder.sentence or SentenceHead()

    @torch.no_grad()
    def forward(ids_BT: Ids, attend_BT: Ids) -> Vectors:
        ids, attend = (torch.from_numpy(array).to(device) for array in (ids_BT, attend_BT))
        return pool(encoder.hidden(ids, attend), attend).float().cpu().numpy()

    return forward
