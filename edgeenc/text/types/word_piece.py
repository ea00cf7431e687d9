"""WordPiece: single characters stay, alone and continued, that the text holds or any text may hold.

So does a token of such characters one of which has no token of its own in its place: nothing else can spell it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from collections.abc import Set as AbstractSet

import numpy as np
from tokenizers import Tokenizer

from edgeenc.text.spelling import needed
from edgeenc.text.tokenizer_file import TokenTable, id_space, model_as, with_ids
from edgeenc.text.tokenizer_type import Counts, Flags, Marks, TokenizerType

_MARKS = Marks(later="##")


def _must_stay(tokenizer: Tokenizer, characters: AbstractSet[str], _: Counts) -> Flags:
    must_V = np.zeros(id_space(tokenizer), dtype=np.bool_)
    tokens = tokenizer.get_vocab()
    for token, number in tokens.items():
        bare = _MARKS.bare(token)
        must_V[number] = needed(bare, characters) or (
            not _spelt(token, tokens) and all(needed(character, characters) for character in bare)
        )
    return must_V


def _spelt(token: str, tokens: Mapping[str, int]) -> bool:
    """Tell whether every character of a token has a token of its own in its place."""
    bare = _MARKS.bare(token)
    first = bare[:1] if bare == token else f"{_MARKS.later}{bare[:1]}"
    return first in tokens and all(f"{_MARKS.later}{character}" in tokens for character in bare[1:])


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
