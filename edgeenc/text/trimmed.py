"""A tokenizer trimmed to some of its tokens: one rule for each type of model, and every id elsewhere follows."""

from __future__ import annotations

from collections.abc import Sequence

from tokenizers import Tokenizer

from edgeenc.errors import UsageError
from edgeenc.text.parse import parse_tokenizer
from edgeenc.text.tokenizer_file import id_space
from edgeenc.text.types import type_of


def trim_tokenizer(tokenizer: Tokenizer, keep: Sequence[int]) -> Tokenizer:
    """Return a tokenizer with only the tokens `keep`, numbered from 0 in ascending order of their old ids.

    A line whose tokens are all kept is tokenized as before:

    - WordPiece: at each place the longest match is still there, and no longer one has come.
    - Unigram: the best segmentation is still there with the score it had, and no better one has come, as long as the
      token of the lowest score is kept: an unknown character costs 10 more than that one.
    - BPE: every merge on the way to a kept token is still there, as long as `keep` has with each token its parts.

    `edgeenc.text.vocabulary.choose` sees to both conditions. Normaliser, pre-tokenizer and decoder stay; all ids
    elsewhere (added tokens, post-processor, padding, the unknown token) follow.

    Raises:
        InputError: the model type is not known.
        UsageError: `keep` is not ascending, has unknown ids, or lacks a special token.
    """
    new = _renumber(tokenizer, keep)
    return parse_tokenizer(type_of(tokenizer).trim(tokenizer.to_str(), new))


def _renumber(tokenizer: Tokenizer, keep: Sequence[int]) -> dict[int, int]:
    """Return the new id of each old id in `keep`."""
    size = id_space(tokenizer)
    if list(keep) != sorted(set(keep)) or not keep or keep[0] < 0 or keep[-1] >= size:
        raise UsageError(f"the ids to keep must be distinct, ascending and from 0 to {size - 1:,}")
    new = {old: place for place, old in enumerate(keep)}
    added = tokenizer.get_added_tokens_decoder().items()
    lost = [str(token) for number, token in added if token.special and number not in new]
    if lost:
        raise UsageError(f"the ids to keep lack the special tokens {', '.join(lost)}; these must stay")
    return new
