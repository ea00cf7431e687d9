"""BPE on characters, as Gemma and mmBERT have it: characters of the text stay, and every byte that it falls back to."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

import numpy as np
from tokenizers import Tokenizer, models

from edgeenc.text.merged import cut_merges, is_byte_level, merge_parts
from edgeenc.text.spelling import needed
from edgeenc.text.tokenizer_file import byte_ids, id_space
from edgeenc.text.tokenizer_type import Counts, Flags, Marks, TokenizerType

_MARKS = Marks(first="▁")


def _must_stay(tokenizer: Tokenizer, characters: AbstractSet[str], _: Counts) -> Flags:
    model, tokens = tokenizer.model, tokenizer.get_vocab()
    assert isinstance(model, models.BPE)
    must_V = np.zeros(id_space(tokenizer), dtype=np.bool_)
    for token, number in tokens.items():
        bare = token.removeprefix(model.continuing_subword_prefix or "").removesuffix(model.end_of_word_suffix or "")
        must_V[number] = token == _MARKS.first or needed(bare, characters)
    if model.byte_fallback:
        must_V[list(byte_ids(tokens))] = True
    return must_V


def _fits(tokenizer: Tokenizer) -> bool:
    return not is_byte_level(tokenizer)


TYPE = TokenizerType("BPE", _MARKS, _must_stay, cut_merges, parts=merge_parts, fits=_fits)
