"""Keep the tokens that a language uses: tokenizer, embedding rows and output bias change together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from edgeenc.errors import InputError
from edgeenc.model.encoder import Encoder
from edgeenc.model.surgery import rebuild, take
from edgeenc.text.trimmed import trim_tokenizer
from edgeenc.text.vocabulary import Count, characters_of, choose, frequencies

ID = "_token_id"
"""The end of the names of those fields of a configuration that hold a token's id, which follows the token."""


def trim_vocab(
    encoder: Encoder, lines: Sequence[str], *, size: int | None = None, coverage: float | None = None
) -> Encoder:
    """Return an encoder with the tokens that `lines` need; the logits of every kept token stay what they were.

    Args:
        encoder: stays as it is.
        lines: training text of the language; token counts and characters are taken from it.
        size: tokens to keep, or
        coverage: the share of the token occurrences to cover with as few tokens as possible.

    Raises:
        UsageError: as `edgeenc.text.vocabulary.choose`.
        InputError: no text; or the tokenizer's type or the place of its padding token is not supported.

    Source: Abdaoui et al. 2020, arXiv:2010.05609.
    """
    return trim_for_several(encoder, [(1.0, lines)], size=size, coverage=coverage)


def trim_for_several(
    encoder: Encoder,
    texts: Sequence[tuple[float, Sequence[str]]],
    *,
    size: int | None = None,
    coverage: float | None = None,
    count: Count = "tokens",
) -> Encoder:
    """Do the same for several languages: a weight and the training text of each.

    A token counts by its share of the tokens of each language, times the weight (`frequencies`), so that a language
    with little text has its say; the characters of all of them stay.

    Raises:
        UsageError, InputError: as `trim_vocab`.
    """
    tokenizer = encoder.tokenizer
    counts_V = frequencies(texts, tokenizer, count)
    characters = frozenset[str]().union(*(characters_of(lines, tokenizer) for _, lines in texts))
    return keep_tokens(encoder, choose(counts_V, tokenizer, characters, size=size, coverage=coverage))


def keep_tokens(encoder: Encoder, keep: Sequence[int]) -> Encoder:
    """Return an encoder with only the tokens `keep` (ascending old ids), so that two encoders can be trimmed alike.

    Raises:
        UsageError: `keep` is not ascending, has unknown ids, or lacks a special token.
        InputError: the padding token would move, and the family counts positions from its id.
    """
    config = encoder.model.config.to_dict()
    new = {old: place for place, old in enumerate(keep)}
    for name, old in encoder.family.required.items():
        if name.endswith(ID) and new.get(int(old)) != old:
            raise InputError(f"{name} {old} would move; a {encoder.family.name} model counts its positions from there")
    ids = {name: new.get(old) for name, old in config.items() if name.endswith(ID) and isinstance(old, int)}
    tokenizer = trim_tokenizer(encoder.tokenizer, keep)
    state = encoder.family.untied(encoder.model.state_dict())
    kept = take(state, encoder.family, "vocab", torch.tensor(keep, device=encoder.model.device))
    return replace(rebuild(encoder, kept, replace(encoder.shape, vocab=len(keep)), ids), tokenizer=tokenizer)
