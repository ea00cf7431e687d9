"""Which pieces a language needs, and a tokenizer cut down to them.

Axis letters: V pieces of the tokenizer before the cut.
"""

from __future__ import annotations

import json
import string
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import chain
from typing import TypedDict, cast

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from edgeenc.errors import InputError, UsageError
from edgeenc.text.batches import encode
from edgeenc.text.lines import chunks

Counts = NDArray[np.int64]

UNKNOWN = "[UNK]"
CONTINUED = "##"
ALWAYS = frozenset(string.ascii_letters + string.digits + string.punctuation)
"""Any text may hold these, whatever the corpus holds."""


@dataclass(frozen=True, slots=True)
class Quality:
    """How well a tokenizer fits a text.

    Attributes:
        vocab: pieces of the tokenizer.
        unknown_rate: unknown pieces / all pieces.
        fertility: pieces per word, words split by white space.
    """

    vocab: int
    unknown_rate: float
    fertility: float


def unknown_id(tokenizer: Tokenizer) -> int:
    """Return the id of the unknown piece.

    Raises:
        InputError: the tokenizer has none.
    """
    number = tokenizer.token_to_id(UNKNOWN)
    if number is None:
        raise InputError(f"the tokenizer has no {UNKNOWN}; a BERT tokenizer is expected")
    return number


def count_pieces(lines: Sequence[str], tokenizer: Tokenizer) -> Counts:
    """Return how often each piece occurs in `lines`: (V,), special pieces not added."""
    counts_V = np.zeros(tokenizer.get_vocab_size(), dtype=np.int64)
    for chunk in chunks(lines):
        ids = np.fromiter(chain.from_iterable(encode(chunk, tokenizer)), dtype=np.int64)
        counts_V += np.bincount(ids, minlength=len(counts_V))
    return counts_V


def characters_of(lines: Sequence[str], tokenizer: Tokenizer) -> frozenset[str]:
    """Return the characters of `lines` as the tokenizer sees them, after its own normaliser; no white space."""
    normaliser = tokenizer.normalizer
    seen = set[str]()
    for line in lines:
        seen.update(normaliser.normalize_str(line) if normaliser else line)
    return frozenset(c for c in seen if not c.isspace())


def quality(lines: Sequence[str], tokenizer: Tokenizer) -> Quality:
    """Measure `tokenizer` on `lines`.

    Worked example: "aba b" in pieces a ##b [UNK] has 3 pieces, 1 unknown, 2 words: unknown rate 1/3, fertility 1.5.

    Raises:
        InputError: there is no word in `lines`.
    """
    counts_V = count_pieces(lines, tokenizer)
    words = sum(len(line.split()) for line in lines)
    if not counts_V.sum() or not words:
        raise InputError("no words to measure the tokenizer on; text is needed")
    total = int(counts_V.sum())
    return Quality(len(counts_V), int(counts_V[unknown_id(tokenizer)]) / total, total / words)


def covered(counts_V: Counts, keep: Sequence[int]) -> float:
    """Return the share of the piece occurrences `counts_V` whose piece is in `keep`.

    Raises:
        InputError: nothing was counted.
    """
    total = int(counts_V.sum())
    if not total:
        raise InputError("no pieces were counted; text is needed to choose a vocabulary")
    return int(counts_V[list(keep)].sum()) / total


def choose(
    counts_V: Counts,
    tokenizer: Tokenizer,
    characters: AbstractSet[str],
    *,
    size: int | None = None,
    coverage: float | None = None,
) -> tuple[int, ...]:
    """Return the ids to keep, ascending: what must stay, then the most frequent pieces, ties by the smaller id.

    What must stay: added (special) tokens; every piece of one character, alone or continued (`##`), where the
    character is in `characters`, in ASCII, or is a Western digit, punctuation or currency sign. So no character of the
    text that was known becomes unknown.

    Args:
        counts_V: occurrences of each piece in the training text.
        tokenizer: whose pieces they are.
        characters: the training text's, from `characters_of`.
        size: pieces to keep in all; a tokenizer that has no more keeps every piece.
        coverage: instead of `size`: keep as few as cover this share of the occurrences, e.g. 0.9995.

    Raises:
        UsageError: not exactly one of `size` and `coverage`, or one out of range, or fewer pieces than must stay.
        InputError: nothing was counted.
    """
    if (size is None) == (coverage is None):
        raise UsageError("a vocabulary is chosen either by size or by coverage; give exactly one of them")
    must_V = _must_stay(tokenizer, characters)
    order = np.lexsort((np.arange(len(counts_V)), -counts_V, ~must_V))
    least = int(must_V.sum())
    wanted = _size_for(counts_V[order], coverage, least) if coverage is not None else cast("int", size)
    if wanted < least:
        raise UsageError(
            f"a vocabulary of {wanted:,} is too small: {least:,} pieces must stay (special pieces, and the single"
            f" characters of the text); give a size of at least {least:,}"
        )
    return tuple(sorted(order[:wanted].tolist()))


def trim_tokenizer(tokenizer: Tokenizer, keep: Sequence[int]) -> Tokenizer:
    """Return a tokenizer with only the pieces `keep`, numbered from 0 in ascending order of their old ids.

    A WordPiece line whose pieces are all kept is cut as before: at each place the longest match is still there, and no
    longer one has come. Normaliser, pre-tokenizer and decoder stay; all ids elsewhere (added tokens, post-processor,
    padding) follow.

    Raises:
        InputError: the model type is not known.
        UsageError: `keep` is not ascending, has unknown ids, or lacks an added token.
    """
    spec = cast("_Spec", json.loads(tokenizer.to_str()))
    new = _renumber(tokenizer, keep)
    kind = spec["model"]["type"]
    if kind not in MODELS:
        raise InputError(f"a tokenizer of type {kind} cannot be trimmed yet; known are: {', '.join(sorted(MODELS))}")
    spec["model"] = MODELS[kind](spec["model"], new)
    for token in spec["added_tokens"]:
        token["id"] = new[token["id"]]
    _follow(spec["post_processor"], new)
    if spec["padding"] is not None:
        spec["padding"]["pad_id"] = new[spec["padding"]["pad_id"]]
    return Tokenizer.from_str(json.dumps(spec, ensure_ascii=False))


class _Added(TypedDict):
    id: int


class _Padding(TypedDict):
    pad_id: int


class _Model(TypedDict):
    type: str
    vocab: dict[str, int]


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


def _must_stay(tokenizer: Tokenizer, characters: AbstractSet[str]) -> NDArray[np.bool_]:
    """Return, for each of the V ids, whether its piece is an added token or a single character that may be needed."""
    must_V = np.zeros(tokenizer.get_vocab_size(), dtype=np.bool_)
    must_V[list(tokenizer.get_added_tokens_decoder())] = True
    for piece, number in tokenizer.get_vocab().items():
        base = piece.removeprefix(CONTINUED) if len(piece) > len(CONTINUED) else piece
        must_V[number] |= len(base) == 1 and (base in characters or _common(base))
    return must_V


def _common(character: str) -> bool:
    """Tell whether text in any language may hold this character."""
    western = ord(character) < 0x100 or 0x2000 <= ord(character) < 0x20D0
    return character in ALWAYS or (western and unicodedata.category(character)[0] in "PN") or character in "€£¥¢§©®°"


def _size_for(ordered_V: Counts, share: float, least: int) -> int:
    """Return how many of the first of `ordered_V` cover `share` of their sum; at least `least`."""
    if not 0 < share <= 1:
        raise UsageError(f"coverage {share} is not a share: more than 0 and at most 1 is expected")
    running = np.cumsum(ordered_V)
    if not running[-1]:
        raise InputError("no pieces were counted; text is needed to choose a vocabulary")
    return max(least, int(np.searchsorted(running, share * running[-1] * (1 - 1e-12))) + 1)


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


MODELS: Mapping[str, Callable[[_Model, Mapping[int, int]], _Model]] = {"WordPiece": _trim_word_piece}
"""How to trim each type of tokenizer model; a further type is one function and its row."""
