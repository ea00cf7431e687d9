"""Typed values as JSON: written field by field in their order, read back with every field checked.

A record is a frozen dataclass of the standard library, so that a measuring process can hold one without loading more.
Only reading loads the library that checks.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import TYPE_CHECKING, TypeAlias, TypeVar

if TYPE_CHECKING:
    from pydantic import TypeAdapter

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
T = TypeVar("T")

SPARE = {"spare": True}
"""Metadata of a field that is not written where it is None or empty: `field(default=None, metadata=SPARE)`. A field
that JSON calls otherwise says how: `metadata={"alias": "held out elsewhere"}`, which the checking library reads too."""
SORTED = {"sorted": True}
"""Metadata of a field in which all names are written in alphabetical order, as the manifest that it came from has
them: a report that was read and is written again has the same bytes."""


def plain(value: object) -> Json:
    """Return a record as JSON: fields in their order, tuples as lists, mappings by their keys as text.

    Worked example: a record of `name="a"`, `sizes=(1, 2)` and a spare field that is None is
    `{"name": "a", "sizes": [1, 2]}`.

    Raises:
        TypeError: it holds something that JSON has no word for.
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if is_dataclass(value) and not isinstance(value, type):
        return as_object(value)
    if isinstance(value, Mapping):
        return {str(name): plain(own) for name, own in value.items()}
    if isinstance(value, list | tuple):
        return [plain(own) for own in value]
    raise TypeError(f"a {type(value).__name__} cannot be written as JSON")


def as_object(record: object) -> dict[str, Json]:
    """Return the fields of a record as JSON, by the names that they are written under.

    Raises:
        TypeError: it is no record, or holds something that JSON has no word for.
    """
    if not is_dataclass(record) or isinstance(record, type):
        raise TypeError(f"a {type(record).__name__} has no fields to write")
    found = ((one, getattr(record, one.name)) for one in fields(record))
    return {
        str(one.metadata.get("alias", one.name)): _sorted(plain(own)) if one.metadata.get("sorted") else plain(own)
        for one, own in found
        if not (one.metadata.get("spare") and _empty(own))
    }


def read_json(text: str | bytes) -> Json:
    """Return what JSON spells, for a file whose form is looked at by hand.

    Raises:
        ValueError: it is no JSON, or is nested deeper than can be read.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def parse(kind: type[T], found: Json | str | bytes) -> T:
    """Return the record of type `kind` that JSON spells, as text or as values; fields that it has not are passed over.

    Raises:
        ValueError: a field is missing or of another type; the message names the first such place and what is wrong.
    """
    from pydantic import ValidationError

    text = found if isinstance(found, str | bytes) else json.dumps(found)
    try:
        return _checker(kind).validate_json(text, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise ValueError(f"{place}: {first['msg']}") from None


def _sorted(found: Json) -> Json:
    """Return a JSON value with the names of every object in it in alphabetical order."""
    if isinstance(found, dict):
        return {name: _sorted(found[name]) for name in sorted(found)}
    return [_sorted(one) for one in found] if isinstance(found, list) else found


def _empty(value: object) -> bool:
    return value is None or (isinstance(value, tuple | Mapping) and not value)


@cache
def _checker(kind: type[T]) -> TypeAdapter[T]:
    from pydantic import TypeAdapter

    return TypeAdapter(kind)
