"""The families of encoders that can be compressed: one value in one file each, found by listing this folder."""

from __future__ import annotations

from edgeenc.errors import InputError
from edgeenc.kinds import named, values_of
from edgeenc.model.family import Family


def families() -> tuple[Family, ...]:
    """Return every family that is known, by name."""
    return tuple(sorted(values_of(__name__, Family), key=lambda family: family.name))


def family_of(model_type: object) -> Family:
    """Return the family of a configuration's `model_type`.

    Raises:
        InputError: none of this name is known.
    """
    return named("model type", model_type, families(), InputError)


def family_names() -> str:
    """Return the names of all families in one line."""
    return ", ".join(family.name for family in families())
