"""The types of tokenizers that can be trimmed: one value in one file each, found by listing this folder."""

from __future__ import annotations

from tokenizers import Tokenizer

from edgeenc.errors import InputError
from edgeenc.kinds import values_of
from edgeenc.text.tokenizer_type import Marks, TokenizerType


def tokenizer_types() -> tuple[TokenizerType, ...]:
    """Return every type that is known."""
    return values_of(__name__, TokenizerType)


def type_of(tokenizer: Tokenizer) -> TokenizerType:
    """Return the type of a tokenizer's model.

    Raises:
        InputError: it is not known.
    """
    kind, known = type(tokenizer.model).__name__, {own.name: own for own in tokenizer_types()}
    if kind not in known:
        raise InputError(f"a tokenizer of type {kind} is not known; known are: {', '.join(sorted(known))}")
    return known[kind]


def marks_of(tokenizer: Tokenizer) -> Marks:
    """Return how the tokens of a tokenizer show where words begin.

    Raises:
        InputError: its type is not known.
    """
    return type_of(tokenizer).marks
