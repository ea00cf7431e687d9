"""Which tokens a `tokenizer.json` has, and their ids, read from its JSON: the library takes seconds for a large one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from edgeenc.errors import InputError
from edgeenc.machine.disk import POINTER, PULL
from edgeenc.record.form import parse


@dataclass(frozen=True)
class TokenIds:
    """The tokens of a tokenizer.

    Attributes:
        kind: type of the model (WordPiece, Unigram, BPE), "" where the file does not say it.
        ids: the id of each token, as the library gives it.
        added: those of them that only the list of added tokens has.
        unknown: the id of what a Unigram model does not know, which may be no token's: CamemBERT lists `<unk>` twice.
        rest: all of the file but its tokens and merges.
    """

    kind: str
    ids: Mapping[str, int]
    added: frozenset[str] = field(default_factory=frozenset)
    unknown: int | None = None
    rest: Mapping[str, object] = field(default_factory=dict, compare=False, repr=False)

    def token_to_id(self, token: str) -> int | None:
        """Return the id of a token, or None where there is no such token; as the library's method."""
        return self.ids.get(token)

    @cached_property
    def ascending(self) -> tuple[int, ...]:
        """The distinct ids; one that is left out has no token."""
        return tuple(sorted({*self.ids.values(), *(() if self.unknown is None else (self.unknown,))}))


def token_ids(text: bytes | str) -> TokenIds:
    """Return the tokens that the text of a `tokenizer.json` has, with the ids that the library gives them.

    Of a token that a Unigram model lists twice the later place counts. An added token that the model has keeps its id;
    any other one gets the next free id, whatever the file says.

    Raises:
        ValueError, KeyError, TypeError: the text describes no tokenizer.
        InputError: two tokens have one id.
    """
    if text[: len(POINTER)] in (POINTER, POINTER.decode()):
        raise InputError(f"tokenizer.json {PULL}")
    found = parse(dict[str, Any], text)
    model, rows = found["model"], found["model"]["vocab"]
    unknown = model.get("unk_id") if isinstance(rows, list) else None
    if isinstance(rows, list):
        ids: dict[str, int] = {row[0]: number for number, row in enumerate(rows)}
    else:
        ids = {str(token): int(number) for token, number in rows.items()}
    free, added = len(rows), set[str]()
    for row in found.get("added_tokens") or []:
        token = str(row["content"])
        if token not in ids:
            ids[token] = free
            added.add(token)
        free = max(free, ids[token] + 1)
    _require_distinct(ids)
    bare = {name: value for name, value in model.items() if name not in ("vocab", "merges")}
    bare |= {"vocab": [["", 0.0]] if isinstance(rows, list) else {}} | ({"merges": []} if "merges" in model else {})
    bare |= {"unk_id": 0} if unknown is not None else {}
    rest = {**found, "model": bare, "added_tokens": []}
    kind, unknown = str(model.get("type") or ""), int(unknown) if unknown is not None else None
    return TokenIds(kind, ids, frozenset(added), unknown, rest)


def _require_distinct(ids: Mapping[str, int]) -> None:
    if len(set(ids.values())) == len(ids):
        return
    first: dict[int, str] = {}
    twice = [f"{n} ({first[n]!r} and {token!r})" for token, n in ids.items() if first.setdefault(n, token) != token]
    raise InputError(
        f"tokenizer.json gives {len(twice):,} ids to two tokens each: {', '.join(twice[:3])}; save the tokenizer again"
        " with the library that made it"
    )


def without_added(text: str, tokens: frozenset[str]) -> str:
    """Return the text of a `tokenizer.json` without these of its added tokens."""
    found = json.loads(text)
    found["added_tokens"] = [row for row in found["added_tokens"] if row["content"] not in tokens]
    return json.dumps(found, ensure_ascii=False)
