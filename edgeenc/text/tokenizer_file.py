"""A `tokenizer.json` as typed values: the parts that hold ids, everything else passed through as it was found."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, make_dataclass, replace
from functools import cache
from typing import TypeVar

from tokenizers import Tokenizer

from edgeenc.record.form import SPARE, Json, parse, plain

T = TypeVar("T")
_MODEL = "model"
New = Mapping[int, int]
"""The new id of each old one that is kept."""


@dataclass(frozen=True, slots=True)
class AddedId:
    """A token that was added to the model's tokens."""

    id: int


@dataclass(frozen=True, slots=True)
class NamedId:
    """An added token and its id."""

    id: int
    content: str


@dataclass(frozen=True)
class Named:
    """The added tokens of a file."""

    added_tokens: tuple[NamedId, ...] = field(default=(), metadata=SPARE)


@dataclass(frozen=True, slots=True)
class PaddingId:
    """What rows are filled up with."""

    pad_id: int


@dataclass(frozen=True, slots=True)
class TemplateIds:
    """What a special token of a template stands for."""

    ids: tuple[int, ...]


@dataclass(frozen=True)
class PostProcessor:
    """What is put around a text: a template, a BERT or RoBERTa pair, or a sequence of those."""

    special_tokens: Mapping[str, TemplateIds] = field(default_factory=dict, metadata=SPARE)
    sep: tuple[str, int] | None = field(default=None, metadata=SPARE)
    cls: tuple[str, int] | None = field(default=None, metadata=SPARE)
    processors: tuple[PostProcessor, ...] = field(default=(), metadata=SPARE)

    def renumbered(self, new: New) -> PostProcessor:
        """Return it with the new id of each token."""
        return PostProcessor(
            {name: TemplateIds(tuple(new[one] for one in own.ids)) for name, own in self.special_tokens.items()},
            self.sep and (self.sep[0], new[self.sep[1]]),
            self.cls and (self.cls[0], new[self.cls[1]]),
            tuple(part.renumbered(new) for part in self.processors),
        )


@dataclass(frozen=True)
class Around:
    """The ids that lie around the model."""

    added_tokens: tuple[AddedId, ...]
    post_processor: PostProcessor | None = None
    padding: PaddingId | None = None

    def renumbered(self, new: New) -> Around:
        """Return them with the new id of each token."""
        return replace(
            self,
            added_tokens=tuple(AddedId(new[token.id]) for token in self.added_tokens if token.id in new),
            post_processor=self.post_processor and self.post_processor.renumbered(new),
            padding=self.padding and PaddingId(new[self.padding.pad_id]),
        )


NOWHERE = "\U0010ffff"
"""A code point that is no character, so that every model is asked for what it gives for the unknown."""


def given_ids(tokenizer: Tokenizer) -> tuple[int, ...]:
    """Return the ids that the tokenizer can give, ascending; the rows of an embedding at other ids are never read.

    There are ids that it cannot give: holes, and those of a token that is in the file twice, whose last id counts.
    Worked example: the tokens a 0, b 1, a 2 and an added token with the id 5 give 1, 2, 5.
    """
    ids = set(tokenizer.get_vocab(with_added_tokens=True).values())
    with suppress(Exception):  # the library raises bare Exception where the model has no unknown token
        ids.update(token.id for token in tokenizer.model.tokenize(NOWHERE))
    return tuple(sorted(ids))


def id_space(tokenizer: Tokenizer) -> int:
    """Return one more than the highest id that the tokenizer can give: the rows that an embedding must have."""
    return given_ids(tokenizer)[-1] + 1


@dataclass(frozen=True)
class TokenTable:
    """A model with a number for each token: WordPiece, and a part of BPE."""

    vocab: Mapping[str, int]

    def kept(self, new: New) -> dict[str, int]:
        """Return the tokens that have a new id, by that."""
        kept = sorted((new[number], token) for token, number in self.vocab.items() if number in new)
        return {token: number for number, token in kept}


@dataclass(frozen=True)
class Merges(TokenTable):
    """A BPE model: pairs of tokens that become one, the first first."""

    merges: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Spared:
    """What a token of BPE that goes on with a word begins with, which a merge takes away."""

    continuing_subword_prefix: str | None = None


@dataclass(frozen=True)
class Scores:
    """A Unigram model: tokens and their scores by number."""

    vocab: tuple[tuple[str, float], ...]
    unk_id: int | None = None
    byte_fallback: bool | None = False


def byte_ids(tokens: Mapping[str, int]) -> tuple[int, ...]:
    """Return the ids of the tokens for single bytes, `<0x00>` to `<0xFF>`, which a model with byte fallback has."""
    names = (f"<0x{byte:02X}>" for byte in range(256))
    return tuple(tokens[name] for name in names if name in tokens)


def model_as(kind: type[T], text: str) -> T:
    """Return the model of a `tokenizer.json` as a value of type `kind`.

    Raises:
        ValueError: it is of another type.
    """
    return getattr(parse(_file_of(kind), text), _MODEL)


@cache
def _file_of(kind: type) -> type:
    """Return the type of a file with such a model, so that a text of tens of megabytes is read once."""
    return make_dataclass("File", ((_MODEL, kind),), frozen=True)


def model_of(kind: type[T], tokenizer: Tokenizer) -> T:
    """Return the model of a tokenizer as a value of type `kind`."""
    return model_as(kind, tokenizer.to_str())


def with_ids(text: str, model: object, new: New) -> str:
    """Return the text of a `tokenizer.json` with a trimmed `model`, whose fields replace its own, and new ids."""
    whole = json.loads(text)
    fields = {**whole.pop(_MODEL), **vars(model)}
    around = parse(Around, whole).renumbered(new)
    whole["added_tokens"] = [row for row in whole["added_tokens"] if row["id"] in new]
    return json.dumps({**_laid(whole, plain(around)), _MODEL: plain(fields)}, ensure_ascii=False)


def _laid(found: Json, change: Json) -> dict[str, Json]:
    """Return the object `found` with the fields of `change` in the place of its own, all the way down."""
    assert isinstance(found, dict) and isinstance(change, dict)
    return {**found, **{name: _over(found.get(name), own) for name, own in change.items()}}


def _over(found: Json, change: Json) -> Json:
    """Return `change` laid over `found`, or in its place where the two are not objects."""
    if isinstance(found, dict) and isinstance(change, dict):
        return _laid(found, change)
    if isinstance(found, list) and isinstance(change, list) and len(found) == len(change):
        return [_over(old, new) for old, new in zip(found, change, strict=True)]
    return change
