"""`edgeenc compare`: two bundles compared, and a gate for continuous integration."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgeenc.cli.options import FOLDER, JSON
from edgeenc.cli.stop import stop_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgeenc.bundle.compare import Line


@click.command(short_help="Compare two bundles; fail where one is worse.")
@click.argument("a", type=FOLDER)
@click.argument("b", type=FOLDER)
@click.option(
    "--fail-if-worse",
    "limits",
    multiple=True,
    metavar="METRIC:AMOUNT",
    help="End with 3 where B is worse than A by more: bytes:5%, latency:10%, macro_f1:2 (points).  [repeatable]",
)
@click.option("--rounds", default=10, type=click.IntRange(min=1), metavar="N", show_default=True, help="Of latency.")
@click.option("--threads", default=1, type=click.IntRange(min=1), metavar="N", show_default=True, help="Of latency.")
@JSON
def compare(a: Path, b: Path, limits: tuple[str, ...], rounds: int, threads: int, as_json: bool) -> None:
    """Compare bundle B with bundle A: size, latency measured now, interleaved, bits per character, task scores."""
    from dataclasses import asdict

    from edgeenc.bundle.compare import compare as compared
    from edgeenc.bundle.compare import open_bundle
    from edgeenc.bundle.limits import parse_limit, require

    asked = [parse_limit(limit) for limit in limits]
    lines, notes = compared(open_bundle(a), open_bundle(b), rounds, threads)
    stop_of().check()
    if as_json:
        found = {"a": str(a), "b": str(b), "lines": [asdict(line) for line in lines], "notes": notes}
        click.echo(json.dumps(found, ensure_ascii=False))
    else:
        _show(a, b, lines)
        for note in dict.fromkeys([*(f"{line.what}: {line.how}." for line in lines if line.how), *notes]):
            click.echo(note)
    require(lines, asked)


def _show(a: Path, b: Path, lines: Sequence[Line]) -> None:
    """Print the values as a table."""
    from rich.console import Console
    from rich.table import Table

    from edgeenc.bundle.limits import write, write_change

    table = Table(box=None, pad_edge=False)
    click.echo(f"A: {a}\nB: {b}")
    table.add_column("")
    for name in ("A", "B", "B against A"):
        table.add_column(name, justify="right")
    table.add_column("")
    for line in lines:
        table.add_row(line.what, write(line, line.a), write(line, line.b), write_change(line), line.words)
    Console().print(table)
