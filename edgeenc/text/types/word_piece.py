"""WordPiece: single characters stay, alone and continued, that the text holds or any text may hold."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

import numpy as np
from tokenizers import Tokenizer

from edgeenc.text.spelling import needed
from edgeenc.text.tokenizer_file import TokenTable, model_as, with_ids
from edgeenc.text.tokenizer_type import Counts, Flags, Marks, TokenizerType

_MARKS = Marks(later="##")


def _must_stay(tokenizer: Tokenizer, characters: AbstractSet[str], _: Counts) -> Flags:
    must_V = np.zeros(tokenizer.get_vocab_size(), dtype=np.bool_)
    for token, number in tokenizer.get_vocab().items():
        must_V[number] = needed(_MARKS.bare(token), characters)
    return must_V


def _cut(text: str, new: Mapping[int, int]) -> str:
    return with_ids(text, TokenTable(model_as(TokenTable, text).kept(new)), new)


TYPE = TokenizerType("WordPiece", _MARKS, _must_stay, _cut, list_file="vocab.txt")
