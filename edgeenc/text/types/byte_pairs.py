"""BPE on bytes: every byte stays; a token needs those that it is merged from; `Ġ` is the byte of a space."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

import numpy as np
from tokenizers import Tokenizer

from edgeenc.text.merged import cut_merges, is_byte_level, merge_parts
from edgeenc.text.tokenizer_file import id_space
from edgeenc.text.tokenizer_type import Counts, Flags, Marks, TokenizerType


def _must_stay(tokenizer: Tokenizer, _: AbstractSet[str], __: Counts) -> Flags:
    must_V = np.zeros(id_space(tokenizer), dtype=np.bool_)
    for token, number in tokenizer.get_vocab().items():
        must_V[number] = len(token) == 1
    return must_V


TYPE = TokenizerType("BPE", Marks(first="Ġ"), _must_stay, cut_merges, parts=merge_parts, fits=is_byte_level)
