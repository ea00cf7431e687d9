"""`edgeenc verify`, `edgeenc inspect`, `edgeenc doctor`: what is there, and whether it holds."""

from __future__ import annotations

import json
from pathlib import Path

import click

from edgeenc.cli.options import FOLDER, JSON, STORE, open_store
from edgeenc.cli.stop import stop_of


@click.command(short_help="Check a bundle: every file, every gate.")
@click.argument("folder", type=FOLDER)
@JSON
def verify(folder: Path, as_json: bool) -> None:
    """Check a bundle again: the hash of every file, and every gate, on this machine."""
    from dataclasses import asdict

    from edgeenc.bundle.recheck import recheck

    gates = recheck(folder)
    stop_of().check()
    if as_json:
        click.echo(json.dumps({"bundle": str(folder), "gates": [asdict(gate) for gate in gates]}, ensure_ascii=False))
        return
    for gate in gates:
        click.echo(f"{gate.name:<22}{gate.figure:<14.6g}threshold {gate.bound:<10.6g}{gate.unit}")
    click.echo(f"{folder}: every file has its hash, {len(gates)} gates passed")


@click.command(short_help="Show what is in a checkpoint or a bundle.")
@click.argument("path", type=FOLDER)
@JSON
def inspect(path: Path, as_json: bool) -> None:
    """Show what is in a checkpoint or a bundle: shape, parameters and bytes by part, tokenizer; loads no weights."""
    from rich.console import Console

    from edgeenc.bundle.inspect import look
    from edgeenc.record.form import plain
    from edgeenc.screen.inspect_lines import render

    found = look(path)
    stop_of().check()
    if as_json:
        click.echo(json.dumps(plain(found)))
    else:
        Console().print(render(found))


@click.command(short_help="Show what this machine can do.")
@STORE
@JSON
def doctor(root: Path | None, as_json: bool) -> None:
    """Show what this machine can do: processor flags, threads, runtimes, versions, disk."""
    from rich.console import Console

    from edgeenc.machine.doctor import examine
    from edgeenc.record.form import plain
    from edgeenc.screen.doctor_lines import render

    found = examine(open_store(root).root)
    stop_of().check()
    if as_json:
        click.echo(json.dumps(plain(found)))
    else:
        Console().print(render(found))
