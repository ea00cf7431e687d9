"""`edgeenc fetch`: everything that a build needs from the hub, so that the build needs no network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgeenc.cli.stop import stop_of

if TYPE_CHECKING:
    from edgeenc.planned import Request
    from edgeenc.record.stamp import Stamp


@click.command(short_help="Fetch what a build needs, for use offline.")
@click.option("--lang", required=True, metavar="TAG|FILE", help="Language, as for `edgeenc build`.")
@click.option("--recipe", default="starter", metavar="NAME|PATH", show_default=True, help="How it will be built.")
@click.option("--teacher", metavar="ID[@REV]|PATH", help="Encoder to start from.  [default: the recipe's]")
@click.option("--corpus", multiple=True, metavar="[TAG=]FILE|DIR|ID@REV", help="Text.  [default: the language's]")
@click.option("--task", metavar="NAME", help="Task whose data is fetched too.")
@click.option("--data", metavar="FILE|DIR|ID@REV", help="Labelled data of the task.  [default: the language's]")
@click.option("--offline", is_flag=True, help="Fetch nothing; say what is missing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on standard output.")
def fetch(
    lang: str,
    recipe: str,
    teacher: str | None,
    corpus: tuple[str, ...],
    task: str | None,
    data: str | None,
    offline: bool,
    as_json: bool,
) -> None:
    """Fetch what a build needs, then build with --offline; prints every file with its bytes and sha256."""
    from edgeenc.asked import request_for
    from edgeenc.record.ask import Ask
    from edgeenc.record.form import plain

    request = request_for(Ask(lang, recipe, teacher, corpus, task=task, data=data), offline=offline)
    stop_of().check()
    if request.taken:
        click.echo(request.taken, err=as_json)
    found = {name: _stamps(place) for name, place in _places(request).items()}
    stop_of().check()
    if as_json:
        return click.echo(json.dumps(plain(found)))
    for name, files in found.items():
        click.echo(name)
        for path, stamp in files.items():
            click.echo(f"  {stamp.bytes:>15,} bytes  sha256 {stamp.sha256}  {path}")
    files = [stamp for group in found.values() for stamp in group.values()]
    click.echo(f"{len(files)} files, {sum(stamp.bytes for stamp in files):,} bytes: all is here")


def _places(request: Request) -> dict[str, Path]:
    """Return where the sources of a build lie, by what they are."""
    places = {f"teacher {request.source}": request.teacher}
    for text in request.texts:
        name = text.called if len(request.texts) == 1 else f"{text.language.bcp47}={text.called}"
        places |= {f"text {name}": text.train} | ({f"held-out text {name}": text.heldout} if text.heldout else {})
    return places


def _stamps(place: Path) -> dict[str, Stamp]:
    """Return bytes and sha256 of a file, or of every file in a folder."""
    from edgeenc.machine.disk import files_of, seal

    if place.is_file():
        return {place.name: seal(place)}
    return {name: seal(place / name) for name in files_of(place)}
