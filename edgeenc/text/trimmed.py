"""A tokenizer cut down to some of its pieces: one rule for each type of model, and every id elsewhere follows."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TypedDict, cast

from tokenizers import Tokenizer

from edgeenc.errors import UsageError
from edgeenc.text.parse import parse_tokenizer
from edgeenc.text.specials import kind_of


def trim_tokenizer(tokenizer: Tokenizer, keep: Sequence[int]) -> Tokenizer:
    """Return a tokenizer with only the pieces `keep`, numbered from 0 in ascending order of their old ids.

    A line whose pieces are all kept is cut as before:

    - WordPiece: at each place the longest match is still there, and no longer one has come.
    - Unigram: the best way to cut is still there with the score it had, and no better one has come, as long as the
      piece of the lowest score is kept: an unknown character costs 10 more than that one.
    - BPE: every merge on the way to a kept piece is still there, as long as `keep` has with each piece its parts.

    `edgeenc.text.vocabulary.choose` sees to both conditions. Normaliser, pre-tokenizer and decoder stay; all ids
    elsewhere (added tokens, post-processor, padding, the unknown piece) follow.

    Raises:
        InputError: the model type is not known.
        UsageError: `keep` is not ascending, has unknown ids, or lacks an added token.
    """
    spec = cast("_Spec", json.loads(tokenizer.to_str()))
    new = _renumber(tokenizer, keep)
    spec["model"] = MODELS[kind_of(tokenizer)](spec["model"], new)
    for token in spec["added_tokens"]:
        token["id"] = new[token["id"]]
    _follow(spec["post_processor"], new)
    if spec["padding"] is not None:
        spec["padding"]["pad_id"] = new[spec["padding"]["pad_id"]]
    return parse_tokenizer(json.dumps(spec, ensure_ascii=False))


class _Added(TypedDict):
    id: int


class _Padding(TypedDict):
    pad_id: int


class _Model(TypedDict):
    vocab: dict[str, int]


class _Unigram(TypedDict):
    vocab: list[tuple[str, float]]
    unk_id: int | None


class _Pairs(_Model):
    merges: list[tuple[str, str]]


class _Template(TypedDict):
    ids: list[int]


class _PostProcessor(TypedDict, total=False):
    special_tokens: dict[str, _Template]
    sep: tuple[str, int]
    cls: tuple[str, int]
    processors: list[_PostProcessor]


class _Spec(TypedDict):
    """The parts of a `tokenizer.json` that hold ids."""

    model: _Model
    added_tokens: list[_Added]
    post_processor: _PostProcessor | None
    padding: _Padding | None


def _renumber(tokenizer: Tokenizer, keep: Sequence[int]) -> dict[int, int]:
    """Return the new id of each old id in `keep`."""
    size = tokenizer.get_vocab_size()
    if list(keep) != sorted(set(keep)) or not keep or keep[0] < 0 or keep[-1] >= size:
        raise UsageError(f"the ids to keep must be distinct, ascending and from 0 to {size - 1:,}")
    new = {old: place for place, old in enumerate(keep)}
    lost = [str(token) for number, token in tokenizer.get_added_tokens_decoder().items() if number not in new]
    if lost:
        raise UsageError(f"the ids to keep lack the added tokens {', '.join(lost)}; these must stay")
    return new


def _trim_word_piece(model: _Model, new: Mapping[int, int]) -> _Model:
    """Return a WordPiece model with only the pieces that have a new id."""
    kept = sorted((new[number], piece) for piece, number in model["vocab"].items() if number in new)
    return cast("_Model", {**model, "vocab": {piece: number for number, piece in kept}})


def _trim_unigram(model: _Model, new: Mapping[int, int]) -> _Model:
    """Return a Unigram model with the pieces that have a new id, in their order and with their scores."""
    whole = cast("_Unigram", model)
    vocab = [row for number, row in enumerate(whole["vocab"]) if number in new]
    unknown = whole["unk_id"]
    return cast("_Model", {**whole, "vocab": vocab, "unk_id": None if unknown is None else new[unknown]})


def _trim_pairs(model: _Model, new: Mapping[int, int]) -> _Model:
    """Return a BPE model with the merges whose parts and result have a new id, in their order."""
    whole = cast("_Pairs", _trim_word_piece(model, new))
    merges = [(a, b) for a, b in whole["merges"] if all(piece in whole["vocab"] for piece in (a, b, a + b))]
    return cast("_Model", {**whole, "merges": merges})


def _follow(post: _PostProcessor | None, new: Mapping[int, int]) -> None:
    """Renumber the ids in a post-processor: a template, a BERT or RoBERTa pair, or a sequence of those."""
    if post is None:
        return
    for template in post.get("special_tokens", {}).values():
        template["ids"] = [new[number] for number in template["ids"]]
    if "sep" in post:
        post["sep"] = (post["sep"][0], new[post["sep"][1]])
    if "cls" in post:
        post["cls"] = (post["cls"][0], new[post["cls"][1]])
    for part in post.get("processors", []):
        _follow(part, new)


MODELS: Mapping[str, Callable[[_Model, Mapping[int, int]], _Model]] = {
    "WordPiece": _trim_word_piece,
    "Unigram": _trim_unigram,
    "BPE": _trim_pairs,
}
"""How to trim each type of tokenizer model; a further type is one function and its row."""
