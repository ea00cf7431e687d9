"""Unigram: every word must still be spelt, and an unknown character cost what it did.

What stays: characters that the text holds or any text may hold, and `▁` alone; a token with a character that has no
token of its own, if it is used or made of such characters; bytes, where the model falls back to them; and the token of
the lowest score, since an unknown character scores 10 less than that one.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace

import numpy as np
from tokenizers import Tokenizer

from edgeenc.text.spelling import needed
from edgeenc.text.tokenizer_file import Scores, byte_ids, id_space, model_as, model_of, with_ids
from edgeenc.text.tokenizer_type import Counts, Flags, Marks, TokenizerType

_MARKS = Marks(first="▁")


def _must_stay(tokenizer: Tokenizer, characters: AbstractSet[str], counts_V: Counts) -> Flags:
    must_V = np.zeros(id_space(tokenizer), dtype=np.bool_)
    model = model_of(Scores, tokenizer)
    scores = [score for _, score in model.vocab]
    must_V[min(range(len(scores)), key=lambda number: (scores[number], number))] = True
    tokens = tokenizer.get_vocab()
    for token, number in tokens.items():
        must_V[number] |= token == _MARKS.first or needed(token, characters)
        if not all(character in tokens for character in _MARKS.bare(token)):
            held = all(needed(character, characters) for character in _MARKS.bare(token))
            must_V[number] |= bool(counts_V[number]) or held
    if model.byte_fallback:
        must_V[list(byte_ids(tokens))] = True
    return must_V


def _cut(text: str, new: Mapping[int, int]) -> str:
    """Keep tokens in their order and with their scores."""
    model = model_as(Scores, text)
    vocab = tuple(row for number, row in enumerate(model.vocab) if number in new)
    unknown = None if model.unk_id is None else new[model.unk_id]
    return with_ids(text, replace(model, vocab=vocab, unk_id=unknown), new)


TYPE = TokenizerType("Unigram", _MARKS, _must_stay, _cut)
