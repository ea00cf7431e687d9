"""WordPiece: single characters stay, alone and continued, that the text holds or any text may hold."""

from __future__ import annotations

import json
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


def _made_up(kit: Tokenizer, size: int) -> str:
    """Return a WordPiece tokenizer of `size` tokens: the kit's first ones, then `[unused0]`, `[unused1]`, ...

    Text is split at brackets first, so that no text can hold such a token.
    """
    spec = json.loads(kit.to_str())
    vocabulary = sorted(kit.get_vocab().items(), key=lambda item: item[1])[:size]
    tokens = [token for token, _ in vocabulary]
    tokens += [f"[unused{number}]" for number in range(size - len(tokens))]
    spec["model"]["vocab"] = {token: number for number, token in enumerate(tokens)}
    return json.dumps(spec, ensure_ascii=False) + "\n"


TYPE = TokenizerType("WordPiece", _MARKS, _must_stay, _cut, list_file="vocab.txt", made_up=_made_up)
