"""Unigram: every word must still be spelt, and an unknown character cost what it did.

What stays: characters that the text holds or any text may hold, and `▁` alone; a token with a character that has no
token of its own, if it is used or made of such characters; bytes, where the model falls back to them; and the token of
the lowest score, since an unknown character scores 10 less than that one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace

import numpy as np
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from edgeenc.text.spelling import needed
from edgeenc.text.tokenizer_file import Scores, byte_ids, model_as, model_of, with_ids
from edgeenc.text.tokenizer_type import Counts, Flags, Marks, TokenizerType

_MARKS = Marks(first="▁")


def _must_stay(tokenizer: Tokenizer, characters: AbstractSet[str], counts_V: Counts) -> Flags:
    must_V = np.zeros(len(counts_V), dtype=np.bool_)
    model = model_of(Scores, tokenizer)
    scores = [score for _, score in model.vocab]
    must_V[min(range(len(scores)), key=lambda number: (scores[number], number))] = True
    tokens = {token: number for number, (token, _) in enumerate(model.vocab)}
    tokens |= {token.content: number for number, token in tokenizer.get_added_tokens_decoder().items()}
    alone = {token for token in tokens if len(token) == 1}
    for token, number in tokens.items():
        must_V[number] |= token == _MARKS.first or needed(token, characters)
        if not alone.issuperset(token) and not alone.issuperset(bare := _MARKS.bare(token)):
            held = all(needed(character, characters) for character in bare)
            must_V[number] |= bool(counts_V[number]) or held
    if model.unk_id is not None:
        must_V[model.unk_id] = True
    if model.byte_fallback:
        must_V[list(byte_ids(tokens))] = True
    return must_V


def _cut(text: str, new: Mapping[int, int]) -> str:
    """Keep tokens in their order and with their scores."""
    model = model_as(Scores, text)
    vocab = tuple(row for number, row in enumerate(model.vocab) if number in new)
    unknown = None if model.unk_id is None else new[model.unk_id]
    return with_ids(text, replace(model, vocab=vocab, unk_id=unknown), new)


def _made_up(pieces: Sequence[str], size: int) -> str:
    """Return a Unigram tokenizer of `size` tokens in the order of XLM-R: specials, the pieces, the mask last.

    A single character gets both forms; scores fall with the rank, as in Zipf's law. Text is split at white space first,
    so that no text can hold a made-up token, which has a space.
    """
    marked = [form for piece in pieces for form in _forms(piece)]
    tokens = list(dict.fromkeys([_MARKS.first, *marked]))[: size - 5]
    tokens += [f"unused {number}" for number in range(size - 5 - len(tokens))]
    scored = [(token, -math.log(rank + 10)) for rank, token in enumerate(tokens)]
    specials = ["<s>", "<pad>", "</s>", "<unk>"]
    made = Tokenizer(models.Unigram([*((name, 0.0) for name in specials), *scored, ("<mask>", 0.0)], unk_id=3))
    made.normalizer = normalizers.NFKC()
    mark = pre_tokenizers.Metaspace(replacement="\u2581", prepend_scheme="always")
    made.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), mark])
    made.decoder = decoders.Metaspace(replacement="\u2581", prepend_scheme="always")
    made.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    made.add_special_tokens([*specials, AddedToken("<mask>", lstrip=True)])
    return made.to_str() + "\n"


def _forms(piece: str) -> list[str]:
    """Return a piece; of a single character, whether it begins a word or not, both forms."""
    bare = _MARKS.bare(piece)
    return [f"{_MARKS.first}{bare}", bare] if len(bare) == 1 else [piece]


TYPE = TokenizerType("Unigram", _MARKS, _must_stay, _cut, made_up=_made_up)
