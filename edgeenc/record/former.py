"""What fields of specs, and their values, were called before: keys of steps spell them so still, and old bundles do.

A spec that renamed something says so in `FORMER`, beside its fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Former:
    """Former names of one spec.

    Attributes:
        fields: the former name of a field by its name of today.
        values: by the name of a field today: the former spelling of a value by that of today.
    """

    fields: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def former_of(spec: type) -> Former:
    """Return the former names of a spec, those of the classes that it inherits from among them."""
    said = [own for one in reversed(spec.__mro__) if isinstance(own := vars(one).get("FORMER"), Former)]
    fields = {name: old for one in said for name, old in one.fields.items()}
    return Former(fields, {name: old for one in said for name, old in one.values.items()})


def former_spelling(spec: type, fields: Mapping[str, T]) -> dict[str, T | str]:
    """Return the fields of a spec as they were called before, in the same order: so they go into keys.

    Worked example: of a training, `{"evaluations": 6, "mask": "tokens"}` gives `{"looks": 6, "mask": "pieces"}`.
    """
    former = former_of(spec)
    return {
        former.fields.get(name, name): former.values.get(name, {}).get(value, value)
        if isinstance(value, str)
        else value
        for name, value in fields.items()
    }


def spelling_of_today(spec: type, fields: Mapping[str, T]) -> tuple[dict[str, T | str], list[str]]:
    """Return fields by their names of today, and for each that had a former name or value a line that says so.

    Worked example: of a training, `{"looks": 6, "mask": "words"}` gives `{"evaluations": 6, "mask": "words"}` and
    `looks: no such field; did you mean 'evaluations'?`.
    """
    former = former_of(spec)
    names = {old: name for name, old in former.fields.items()}
    found, lines = dict[str, T | str](), list[str]()
    for given, value in fields.items():
        name = names.get(given, given)
        if name != given:
            lines.append(f"{given}: no such field; did you mean {name!r}?")
        values = {old: today for today, old in former.values.get(name, {}).items()}
        if isinstance(value, str) and value in values:
            lines.append(f"{given}: no such value {value!r}; did you mean {values[value]!r}?")
        if name == given or name not in fields:
            found[name] = values.get(value, value) if isinstance(value, str) else value
    return found, lines
