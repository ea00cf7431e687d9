"""Everything that a build lacks, said at once: one message, not one a run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from edgeenc.errors import InputError

T = TypeVar("T")


def attempt(problems: list[InputError], get: Callable[[], T]) -> T | None:
    """Return what `get` finds, or None after noting in `problems` what it misses."""
    try:
        return get()
    except InputError as error:
        problems.append(error)
        return None


def require_found(problems: Sequence[InputError]) -> None:
    """Raise what was noted.

    Raises:
        InputError: there are problems; several are listed in one message.
    """
    if len(problems) == 1:
        raise problems[0]
    if problems:
        raise InputError(f"{len(problems)} things are missing:\n" + "\n".join(f"  {problem}" for problem in problems))
