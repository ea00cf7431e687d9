"""`edgeenc store`: list, clean."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from edgeenc.cli.options import STORE, open_store


@click.group()
def store() -> None:
    """List and clean what is kept so that no step is done twice."""


@store.command("list")
@STORE
def store_list(root: Path | None) -> None:
    """List finished and unfinished steps with their sizes."""
    opened = open_store(root)
    entries = opened.list()
    for entry in entries:
        click.echo(f"{entry.key}  {entry.name:<18}{entry.state:<12}{entry.bytes / 1e6:>10.2f} MB")
    click.echo(f"{opened.root}: {len(entries)} steps, {sum(entry.bytes for entry in entries) / 1e6:.2f} MB")


@store.command("clean")
@STORE
@click.option("--everything", "what", flag_value="everything", help="Remove finished steps too.")
def store_clean(root: Path | None, what: Literal["everything"] | None) -> None:
    """Remove unfinished and damaged steps with their checkpoints; what a running build needs stays."""
    removed = open_store(root).clean(what or "unfinished")
    click.echo(f"removed {len(removed)} steps, {sum(entry.bytes for entry in removed) / 1e6:.2f} MB")
