"""Options that several commands take, and the store that they name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from edgeenc.store import Store

FOLDER = click.Path(path_type=Path, file_okay=False)
FILE = click.Path(path_type=Path)
STORE = click.option("--store", "root", type=FOLDER, metavar="DIR", help="Which store.  [default: user cache]")
JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


class OneOf(click.Choice):
    """One of the names that a registry has when the option is read, not when the command was made."""

    def __init__(self, names: Callable[[], Sequence[str]]) -> None:
        super().__init__(names())
        self._names = names

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the name.

        Raises:
            BadParameter: there is none such.
        """
        self.choices = tuple(self._names())
        return super().convert(value, param, ctx)


def open_store(root: Path | None) -> Store:
    """Return the store at `root`, or the user's own."""
    from edgeenc.store import Store, default_root

    return Store((root or default_root()).expanduser().absolute())
