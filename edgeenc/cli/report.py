"""`edgeenc report`: what was measured, on one page."""

from __future__ import annotations

from pathlib import Path

import click

from edgeenc.cli.options import FOLDER
from edgeenc.cli.stop import stop_of


@click.command(short_help="Put builds and benchmarks on one page.")
@click.argument("folders", type=FOLDER, nargs=-1, required=True, metavar="DIR...")
@click.option("-o", "--output", type=FOLDER, default="report", metavar="DIR", show_default=True, help="Where to write.")
def report(folders: tuple[Path, ...], output: Path) -> None:
    """Put bundles and results of `edgeenc bench` on one page: HTML, Markdown and JSON, without network."""
    from edgeenc.machine.disk import on_disk
    from edgeenc.report.overview import write_overview
    from edgeenc.report.reading import check_place, read

    check_place(output)
    found = [read(folder) for folder in folders]
    stop_of().check()
    with on_disk(output):
        answers = write_overview(found, output)
    for answer in answers:
        click.echo(answer)
    click.echo(f"{output / 'report.html'}: written, with report.md and report.json beside it")
