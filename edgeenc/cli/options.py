"""Options that several commands take, and the store that they name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from edgeenc.store import Store

FOLDER = click.Path(path_type=Path, file_okay=False)
FILE = click.Path(path_type=Path)
STORE = click.option("--store", "root", type=FOLDER, metavar="DIR", help="Which store.  [default: user cache]")
JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


def open_store(root: Path | None) -> Store:
    """Return the store at `root`, or the user's own."""
    from edgeenc.store import Store, default_root

    return Store((root or default_root()).expanduser().absolute())
