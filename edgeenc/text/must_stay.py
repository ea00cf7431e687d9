"""Tokens that a trimmed tokenizer cannot be without, and tokens that cannot be without others.

Axis letters: V ids of the tokenizer before trimming.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from tokenizers import Tokenizer

from edgeenc.text.specials import Specials
from edgeenc.text.spelling import spelt
from edgeenc.text.tokenizer_type import Counts, Flags
from edgeenc.text.types import type_of


def must_stay(tokenizer: Tokenizer, characters: AbstractSet[str], counts_V: Counts) -> Flags:
    """Return, for each of the V ids, whether its token must stay: special tokens, and what the rule of the type says.

    An added token that is not special, as whole vocabularies are added to a model, is one like others: used or not.
    The rule is given the characters in every form, so that text in another form than the corpus stays known.
    """
    every = spelt(characters, tokenizer.get_vocab(with_added_tokens=False))
    must_V = type_of(tokenizer).must_stay(tokenizer, every, counts_V)
    must_V[[number for number, token in tokenizer.get_added_tokens_decoder().items() if token.special]] = True
    must_V[list(Specials.of(tokenizer).ids)] = True
    return must_V


def parts_of(tokenizer: Tokenizer) -> Mapping[int, frozenset[int]]:
    """Return for each token those that it is merged from; only tokens of BPE have any.

    Worked example: merges a+b and ab+c make ab need a and b, and abc need ab and c.
    """
    return type_of(tokenizer).parts(tokenizer)
