"""Ctrl-C: remembered, since a library may swallow it or raise an error of its own instead."""

from __future__ import annotations

from collections.abc import Callable
from types import FrameType
from typing import NoReturn, TypeVar

import click

Said = TypeVar("Said")


class Stopped(KeyboardInterrupt):
    """Ctrl-C. `python -m` would end by the signal where a plain KeyboardInterrupt has left an `exec` of text."""


class Stop:
    """The handler of SIGINT; `asked` tells whether it came."""

    def __init__(self) -> None:
        self.asked = False

    def __call__(self, _signal: int, _frame: FrameType | None) -> NoReturn:
        """Interrupt what runs."""
        self.asked = True
        raise Stopped

    def before(self, tell: Callable[[Said], None]) -> Callable[[Said], None]:
        """Return `tell`, which interrupts where Ctrl-C came and was lost.

        Python drops every exception inside the callback of a weak reference, such as those of its locks of imports.
        """

        def told(said: Said) -> None:
            self.check()
            tell(said)

        return told

    def check(self) -> None:
        """Interrupt if Ctrl-C came and was lost; a command asks between two of its parts, and before it says a result.

        Raises:
            Stopped: it came.
        """
        if self.asked:
            raise Stopped


def stop_of(context: click.Context | None = None) -> Stop:
    """Return the handler of the command that runs; in a notebook or a test without one, one that never stops."""
    context = context or click.get_current_context(silent=True)
    return (context.find_object(Stop) if context else None) or Stop()
