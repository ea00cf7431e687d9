"""BPE on bytes: every byte stays; a token needs those that it is merged from; `Ġ` is the byte of a space."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

import numpy as np
from tokenizers import Tokenizer

from edgeenc.text.tokenizer_file import Merges, model_as, model_of, with_ids
from edgeenc.text.tokenizer_type import Counts, Flags, Marks, TokenizerType


def _must_stay(tokenizer: Tokenizer, _: AbstractSet[str], __: Counts) -> Flags:
    must_V = np.zeros(tokenizer.get_vocab_size(), dtype=np.bool_)
    for token, number in tokenizer.get_vocab().items():
        must_V[number] = len(token) == 1
    return must_V


def _parts(tokenizer: Tokenizer) -> Mapping[int, frozenset[int]]:
    number = tokenizer.get_vocab()
    needs: dict[int, frozenset[int]] = {}
    for left, right in model_of(Merges, tokenizer).merges:
        made = number[left + right]
        needs[made] = needs.get(made, frozenset()) | {number[left], number[right]}
    return needs


def _cut(text: str, new: Mapping[int, int]) -> str:
    """Keep the merges whose parts and result have a new id, in their order."""
    model = model_as(Merges, text)
    vocab = model.kept(new)
    merges = tuple((a, b) for a, b in model.merges if all(token in vocab for token in (a, b, a + b)))
    return with_ids(text, Merges(vocab, merges), new)


TYPE = TokenizerType("BPE", Marks(first="Ġ"), _must_stay, _cut, parts=_parts)
