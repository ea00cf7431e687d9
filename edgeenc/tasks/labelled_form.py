"""A form of labelled data: how surely a file has it, how its rows are read; one value in one file of `forms/`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from edgeenc.tasks.files.datafile import DataRow
from edgeenc.tasks.files.given_file import GivenFile


class Fit(IntEnum):
    """How surely a file has a form; the surest form reads it."""

    NO = 0
    PERHAPS = 1
    """Nothing speaks for another."""
    SEEN = 2
    """The text looks like it, and the name says nothing."""
    NAMED = 3
    """The name says it."""
    CERTAIN = 4
    """The text says it, whatever the name."""


@dataclass(frozen=True, slots=True)
class FormRows:
    """The rows of a file.

    Attributes:
        rows: one after another, each with its line.
        columns: their names in the order of the file, where the rows do not say it.
        names: of integer labels by column, where the file gives them.
        headless: whether a table of texts has no header, so that its columns are called `1`, `2`, ...
    """

    rows: Iterable[DataRow]
    columns: tuple[str, ...] = ()
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    headless: bool = False


@dataclass(frozen=True, slots=True)
class LabelledForm:
    """A form of labelled data.

    Attributes:
        name: in a message.
        suffixes: of files that have it.
        looks: how surely a file without such a suffix has it, or one with it; never asked of a file of no text.
        read: its rows; raises InputError naming the line.
        is_text: whether it is read as text; another is known by its name alone.
        unit: what its places are counted in.
    """

    name: str
    suffixes: tuple[str, ...]
    looks: Callable[[GivenFile], Fit]
    read: Callable[[GivenFile], FormRows]
    is_text: bool = True
    unit: str = "line"
