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
@click.argument("path", metavar="FOLDER|ID[@REV]")
@JSON
def inspect(path: str, as_json: bool) -> None:
    """Show what is in a checkpoint or a bundle: shape, parameters and bytes by part, tokenizer; loads no weights.

    A model of the hub is looked for in the hub's cache; nothing is fetched.
    """
    from rich.console import Console

    from edgeenc.bundle.inspect import look
    from edgeenc.record.form import plain
    from edgeenc.screen.inspect_lines import render

    found = look(_folder(path))
    stop_of().check()
    if as_json:
        click.echo(json.dumps(plain(found)))
    else:
        Console().print(render(found))


def _folder(typed: str) -> Path:
    """Return the folder of a checkpoint, also of a model of the hub that is cached."""
    from edgeenc.sources import find_teacher, is_hub_name

    folder = Path(typed).expanduser()
    if folder.exists() or not is_hub_name(typed):
        return folder
    found = find_teacher(typed, offline=True)
    if found.taken:
        click.echo(found.taken, err=True)
    return found.folder


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
