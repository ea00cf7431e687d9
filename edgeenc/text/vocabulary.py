"""Which tokens a language needs, and how well a tokenizer fits its text.

Axis letters: V ids of the tokenizer before trimming.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import chain
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from edgeenc.errors import InputError, UsageError
from edgeenc.record.facts import TokenizerQuality
from edgeenc.text.batches import encode
from edgeenc.text.lines import chunks
from edgeenc.text.must_stay import must_stay, parts_of
from edgeenc.text.specials import Specials
from edgeenc.text.tokenizer_file import given_ids, id_space

Counts = NDArray[np.int64]
Frequencies = NDArray[np.int64] | NDArray[np.float64]
"""Occurrences, or shares of them."""

Count = Literal["tokens", "documents"]


def count_tokens(lines: Sequence[str], tokenizer: Tokenizer) -> Counts:
    """Return how often each token occurs in `lines`: (V,), special tokens not added."""
    counts_V = np.zeros(id_space(tokenizer), dtype=np.int64)
    for chunk in chunks(lines):
        ids = np.fromiter(chain.from_iterable(encode(chunk, tokenizer)), dtype=np.int64)
        counts_V += np.bincount(ids, minlength=len(counts_V))
    return counts_V


def count_documents(lines: Sequence[str], tokenizer: Tokenizer) -> Counts:
    """Return in how many of `lines` each token occurs: (V,), special tokens not added.

    Worked example: of `a a b` and `a` the token a counts 2, and b 1.
    """
    counts_V = np.zeros(id_space(tokenizer), dtype=np.int64)
    for chunk in chunks(lines):
        ids = np.fromiter(chain.from_iterable(map(set, encode(chunk, tokenizer))), dtype=np.int64)
        counts_V += np.bincount(ids, minlength=len(counts_V))
    return counts_V


def frequencies(
    texts: Sequence[tuple[float, Sequence[str]]], tokenizer: Tokenizer, count: Count = "tokens"
) -> Frequencies:
    """Return how much each token counts in several texts: (V,), its share of the tokens of each, weighted and added up.

    Of one text the occurrences are returned, which have the same order.

    Worked example: a token with 3 of 10 in a text of weight 0.8 and 1 of 2 in one of 0.2 counts 0.24 + 0.1 = 0.34.

    Args:
        texts: weight and lines of each.
        tokenizer: whose tokens they are.
        count: occurrences, or lines with the token.

    Raises:
        InputError: a text has no token.
    """
    counter = count_documents if count == "documents" else count_tokens
    counted = [(weight, counter(lines, tokenizer)) for weight, lines in texts]
    if len(counted) == 1:
        return counted[0][1]
    if not all(counts_V.any() for _, counts_V in counted):
        raise InputError("no tokens were counted in one of the languages; each needs text to choose a vocabulary")
    return np.sum([weight * (counts_V / counts_V.sum()) for weight, counts_V in counted], axis=0)


def characters_of(lines: Sequence[str], tokenizer: Tokenizer) -> frozenset[str]:
    """Return the characters of `lines` as the tokenizer sees them, after its own normaliser; no white space.

    Those of the composed line are among them (NFC).
    """
    normaliser = tokenizer.normalizer
    seen = set[str]()
    for line in lines:
        for form in {line, unicodedata.normalize("NFC", line)}:
            seen.update(normaliser.normalize_str(form) if normaliser else form)
    return frozenset(c for c in seen if not c.isspace())


def quality(lines: Sequence[str], tokenizer: Tokenizer) -> TokenizerQuality:
    """Measure `tokenizer` on `lines`.

    Worked example: "aba b" in tokens a ##b [UNK] has 3 tokens, 1 unknown, 2 words: unknown rate 1/3, fertility 1.5.

    Raises:
        InputError: there is no word in `lines`.
    """
    counts_V = count_tokens(lines, tokenizer)
    words = sum(len(line.split()) for line in lines)
    if not counts_V.sum() or not words:
        raise InputError("no words to measure the tokenizer on; text is needed")
    total = int(counts_V.sum())
    unknown = int(counts_V[Specials.of(tokenizer).unk])
    return TokenizerQuality(vocab=tokenizer.get_vocab_size(), unknown_rate=unknown / total, fertility=total / words)


def covered(counts_V: Counts, keep: Sequence[int]) -> float:
    """Return the share of the token occurrences `counts_V` whose token is in `keep`.

    Raises:
        InputError: nothing was counted.
    """
    total = int(counts_V.sum())
    if not total:
        raise InputError("no tokens were counted; text is needed to choose a vocabulary")
    return int(counts_V[list(keep)].sum()) / total


def choose(
    counts_V: Frequencies,
    tokenizer: Tokenizer,
    characters: AbstractSet[str],
    *,
    size: int | None = None,
    coverage: float | None = None,
) -> tuple[int, ...]:
    """Return the ids to keep, ascending: what must stay, then the most frequent tokens, ties by the smaller id.

    What must stay: added (special) tokens, and with them what spells any text of the language (see `must_stay`): single
    characters that are in `characters`, in ASCII, or are a Western digit, punctuation or currency sign. So no character
    of the text that was known becomes unknown. A token of BPE comes with those that it is merged from.

    Args:
        counts_V: occurrences of each token in the training text, or `frequencies`.
        tokenizer: whose tokens they are.
        characters: the training text's, from `characters_of`.
        size: tokens to keep in all; a tokenizer that has no more keeps every token.
        coverage: instead of `size`: keep as few as cover this share of the occurrences, e.g. 0.9995.

    Raises:
        UsageError: not exactly one of `size` and `coverage`, or one out of range, or fewer tokens than must stay.
        InputError: nothing was counted.
    """
    if (size is None) == (coverage is None):
        raise UsageError("a vocabulary is chosen either by size or by coverage; give exactly one of them")
    must_V = must_stay(tokenizer, characters, counts_V)
    order = np.lexsort((np.arange(len(counts_V)), -counts_V, ~must_V))
    order = _after_parts(order[np.isin(order, given_ids(tokenizer))], parts_of(tokenizer))
    least = int(np.flatnonzero(must_V[order])[-1]) + 1 if must_V.any() else 0
    if size is None:
        assert coverage is not None
        size = _size_for(counts_V[order], coverage, least)
    if size < least:
        raise UsageError(
            f"a vocabulary of {size:,} is too small: {least:,} tokens must stay (special tokens, and the single"
            f" characters of the text); give a size of at least {least:,}"
        )
    return tuple(sorted(order[:size].tolist()))


def _after_parts(order: Counts, parts: Mapping[int, frozenset[int]]) -> Counts:
    """Return `order` with each token moved behind its parts, so that the first of them, however many, are complete.

    Worked example: abc, a, ab, b with abc made of ab and c, ab of a and b, gives a, b, ab, c, abc.
    """
    if not parts:
        return order
    placed: dict[int, None] = {}

    def place(token: int) -> None:
        for part in sorted(parts.get(token, ())):
            if part not in placed:
                place(part)
        placed[token] = None

    for token in order.tolist():
        if token not in placed:
            place(token)
    return np.fromiter(placed, dtype=np.int64)


def _size_for(ordered_V: Frequencies, share: float, least: int) -> int:
    """Return how many of the first of `ordered_V` cover `share` of their sum; at least `least`."""
    if not 0 < share <= 1:
        raise UsageError(f"coverage {share} is not a share: more than 0 and at most 1 is expected")
    running = np.cumsum(ordered_V)
    if not running[-1]:
        raise InputError("no tokens were counted; text is needed to choose a vocabulary")
    return max(least, int(np.searchsorted(running, share * running[-1] * (1 - 1e-12))) + 1)
