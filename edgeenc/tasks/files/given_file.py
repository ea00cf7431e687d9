"""A data file that was given: what its name says, and its text, which is read when it is first asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path

from edgeenc.tasks.files.datatext import read_text

LOOK = 400
"""Lines that are looked at."""


@dataclass(frozen=True)
class GivenFile:
    """A data file.

    Attributes:
        path: of the file.
        suffix: what its name says of its form; nothing where that is nothing: no suffix of a form, or `.txt`.
        numbered: whether its columns are asked for by number, which a table without a header has.
    """

    path: Path
    suffix: str
    numbered: bool = False

    @cached_property
    def text(self) -> str:
        """All of it.

        Raises:
            InputError: as `read_text`.
        """
        return read_text(self.path)

    @cached_property
    def first_lines(self) -> tuple[str, ...]:
        """The first lines that are no comments, without the blanks at their end."""
        lines = islice(self.text.splitlines(), LOOK)
        return tuple(line.rstrip() for line in lines if not line.startswith("#"))
