"""`edgeenc convert`: pickled weights become safetensors, once, before any build."""

from __future__ import annotations

from pathlib import Path

import click

from edgeenc.cli.options import FOLDER


@click.command(short_help="Turn pytorch_model.bin into safetensors.")
@click.argument("model", metavar="FOLDER|ID@REV")
@click.option("-o", "--out", type=FOLDER, metavar="DIR", help="New folder.  [default: into FOLDER itself]")
@click.option("--offline", is_flag=True, help="Fetch nothing.")
def convert(model: str, out: Path | None, offline: bool) -> None:
    """Turn pickled weights (pytorch_model.bin or its parts) into safetensors, which builds read; runs no code."""
    from edgeenc.machine.disk import seal
    from edgeenc.sources.convert import convert as make

    click.echo("reading the pickle in a process of its own", err=True)
    path = make(model, out, offline=offline)
    stamp = seal(path)
    click.echo(f"{path}: {stamp.bytes:,} bytes  sha256 {stamp.sha256}")
