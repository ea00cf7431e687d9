"""The command line: each command a few lines, heavy imports inside, every mistake with its exit code.

0 ok, 1 unexpected, 2 usage, 3 gate failed, 4 budget cannot be met, 5 input, 6 environment, 130 interrupted and
resumable.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NoReturn

import click

from edgeenc import __version__
from edgeenc.errors import EdgeencError, Interrupted

if TYPE_CHECKING:
    from edgeenc.build import Ask
    from edgeenc.plan import Plan
    from edgeenc.runtime import Runtime
    from edgeenc.store import Store
    from edgeenc.targets.sizes import ExportTask

FOLDER = click.Path(path_type=Path, file_okay=False)
FILE = click.Path(path_type=Path)
STORE = click.option("--store", "root", type=FOLDER, metavar="DIR", help="Which store.  [default: user cache]")


def main() -> NoReturn:
    """Run the command line; turn every failure of ours into its words and its exit code."""
    try:
        sys.exit(cli(standalone_mode=False))
    except click.ClickException as mistake:
        mistake.show()
        sys.exit(mistake.exit_code)
    except (click.Abort, KeyboardInterrupt):
        failed(Interrupted("stopped; what is finished is kept, and the same command goes on from here"))
    except EdgeencError as error:
        failed(error)
    except OSError as error:  # whatever no step has put into words
        from edgeenc.disk import host_error

        failed(host_error(error, Path.cwd()))


def failed(error: EdgeencError) -> NoReturn:
    """Print the message of a failure and leave with its exit code."""
    click.echo(f"Error: {error}", err=True)
    sys.exit(error.exit_code)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="edgeenc")
def cli() -> None:
    """Make a small, fast, verified model of one language out of a multilingual encoder."""


def what_to_build(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say what is built, for `build` and `plan` alike."""
    for option in reversed(
        [
            click.option(
                "--lang",
                required=True,
                metavar="TAG|FILE",
                help="Language: tl, fil, tgl, tgl_Latn all mean one; or a YAML file.",
            ),
            click.option(
                "--target", default="onnx", type=click.Choice(["onnx"]), show_default=True, help="Export format."
            ),
            click.option(
                "--recipe", default="starter", metavar="NAME|PATH", show_default=True, help="How to compress."
            ),
            click.option("--teacher", metavar="ID@REV|PATH", help="Encoder to start from.  [default: the recipe's]"),
            click.option("--corpus", type=FILE, metavar="FILE", help="Text, a sentence or paragraph per line."),
            click.option(
                "--export-task",
                default="feature-extraction",
                type=click.Choice(["feature-extraction", "fill-mask"]),
                show_default=True,
                help="What the exported file computes.",
            ),
            click.option("--precision", default="fp32,int8", metavar="LIST", show_default=True, help="Files to make."),
            click.option(
                "--store", type=FOLDER, metavar="DIR", help="Where finished steps are kept.  [default: user cache]"
            ),
            click.option(
                "--threads", type=click.IntRange(min=1), metavar="N", help="Threads.  [default: all cores allowed]"
            ),
            click.option("--json", "as_json", is_flag=True, help="Print one JSON object on standard output."),
        ]
    ):
        command = option(command)
    return command


@cli.command()
@what_to_build
@click.option("-o", "--output", type=FOLDER, metavar="DIR", help="Bundle to write.  [default: LANG-RECIPE]")
@click.option("-q", "--quiet", "loudness", flag_value="quiet", help="Print the last line only.")
@click.option("-v", "--verbose", "loudness", flag_value="verbose", help="Print more.")
@click.option("--dry-run", is_flag=True, help="Show the plan and stop; the same as `edgeenc plan`.")
def build(
    lang: str,
    target: str,
    recipe: str,
    teacher: str | None,
    corpus: Path | None,
    export_task: ExportTask,
    precision: str,
    store: Path | None,
    threads: int | None,
    as_json: bool,
    output: Path | None,
    loudness: Literal["quiet", "verbose"] | None,
    dry_run: bool,
) -> None:
    """Compress, export, verify, measure and bundle a model of one language. Finished steps are reused."""
    from edgeenc.build import Ask
    from edgeenc.pipeline import run
    from edgeenc.screen import Screen, last_line
    from edgeenc.store import check_destination, publish

    ask = Ask(lang, recipe, teacher, corpus, export_task, precision)
    if output is not None and not dry_run:
        check_destination(output)
    plan, opened, runtime = _planned(ask, store, threads, offline=dry_run)
    if dry_run:
        return _show(plan, opened, as_json)
    place = output or Path(f"{plan.request.language.bcp47}-{plan.request.recipe.name}")
    check_destination(place)
    screen = Screen(loudness or "normal")
    language = plan.request.language
    screen.say(f"{lang}: {language.name} ({language.bcp47}, {language.iso639_3}, {language.script})")
    with opened.in_use(), closing(screen):
        published = publish(run(plan, opened, runtime, screen), place, screen.say)
    facts = json.loads((published / "report" / "report.json").read_text(encoding="utf-8"))
    click.echo(json.dumps(facts, ensure_ascii=False) if as_json else last_line(str(place), facts))


@cli.command()
@what_to_build
def plan(
    lang: str,
    target: str,
    recipe: str,
    teacher: str | None,
    corpus: Path | None,
    export_task: ExportTask,
    precision: str,
    store: Path | None,
    threads: int | None,
    as_json: bool,
) -> None:
    """Show every step of a build with key, status, shape, parameters and predicted bytes; nothing runs."""
    from edgeenc.build import Ask

    planned, opened, _ = _planned(
        Ask(lang, recipe, teacher, corpus, export_task, precision), store, threads, offline=True
    )
    _show(planned, opened, as_json)


def _planned(ask: Ask, store: Path | None, threads: int | None, *, offline: bool) -> tuple[Plan, Store, Runtime]:
    """Return plan, store and runtime for what was asked."""
    from edgeenc.build import request_for, runtime_for
    from edgeenc.plan import make_plan

    request, opened = request_for(ask, offline=offline), _store(store)
    runtime = runtime_for(opened, threads)
    return make_plan(request, runtime), opened, runtime


def _store(root: Path | None) -> Store:
    """Return the store at `root`, or the user's own."""
    from edgeenc.store import Store, default_root

    return Store((root or default_root()).expanduser().absolute())


def _show(plan: Plan, store: Store, as_json: bool) -> None:
    """Print a plan."""
    from rich.console import Console

    from edgeenc.build import status
    from edgeenc.screen import plan_table

    done = status(plan, store)
    if as_json:
        click.echo(json.dumps(plan.to_json(done)))
    else:
        Console().print(plan_table(plan, done))


@cli.group()
def recipes() -> None:
    """List, show, copy and check recipes."""


@recipes.command("list")
def recipes_list() -> None:
    """List the recipes with what each is for."""
    from edgeenc.recipe import recipe_names
    from edgeenc.sources import data_folder

    for name in recipe_names():
        first = (data_folder("recipes") / f"{name}.yaml").read_text(encoding="utf-8").splitlines()[0]
        click.echo(f"{name:<20}{first.removeprefix('# ').removeprefix(f'{name}: ')}")


@recipes.command("show")
@click.argument("recipe", metavar="NAME|PATH")
def recipes_show(recipe: str) -> None:
    """Print a recipe with every default written out."""
    from edgeenc.recipe import load_recipe

    click.echo(load_recipe(recipe).to_yaml(), nl=False)


@recipes.command("copy")
@click.argument("recipe", metavar="NAME")
@click.argument("path", type=FILE)
def recipes_copy(recipe: str, path: Path) -> None:
    """Copy a recipe to PATH, to be changed and then built with --recipe PATH."""
    from edgeenc.disk import on_disk
    from edgeenc.errors import UsageError
    from edgeenc.recipe import find_recipe, load_recipe

    load_recipe(recipe)
    with on_disk(path):
        if path.exists():
            raise UsageError(f"{path}: exists and is not overwritten; choose another name")
        path.write_text(find_recipe(recipe).read_text(encoding="utf-8"), encoding="utf-8")
    click.echo(f"{path}: written; build with --recipe {path if '/' in str(path) else f'./{path}'}")


@recipes.command("check")
@click.argument("recipe", metavar="NAME|PATH")
def recipes_check(recipe: str) -> None:
    """Report every problem of a recipe; nothing runs."""
    from edgeenc.recipe import load_recipe

    click.echo(f"{recipe}: ok, {len(load_recipe(recipe).stages)} stages")


@cli.command()
@click.argument("folder", type=FOLDER)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def verify(folder: Path, as_json: bool) -> None:
    """Check a bundle again: the hash of every file, and every gate, on this machine."""
    from dataclasses import asdict

    from edgeenc.recheck import recheck

    gates = recheck(folder)
    if as_json:
        click.echo(json.dumps({"bundle": str(folder), "gates": [asdict(gate) for gate in gates]}, ensure_ascii=False))
        return
    for gate in gates:
        click.echo(f"{gate.name:<22}{gate.figure:<14.6g}bound {gate.bound:<10.6g}{gate.unit}")
    click.echo(f"{folder}: every file has its hash, {len(gates)} gates passed")


@cli.command()
@click.argument("path", type=FOLDER)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def inspect(path: Path, as_json: bool) -> None:
    """Show what is in a checkpoint or a bundle: shape, parameters and bytes by part, tokenizer; loads no weights."""
    from rich.console import Console

    from edgeenc.inspect import look, render

    found = look(path)
    if as_json:
        click.echo(json.dumps(found))
    else:
        Console().print(render(found))


@cli.command()
@STORE
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def doctor(root: Path | None, as_json: bool) -> None:
    """Show what this machine can do: processor flags, threads, runtimes, versions, disk."""
    from rich.console import Console

    from edgeenc.doctor import examine, render

    found = examine(_store(root).root)
    if as_json:
        click.echo(json.dumps(found))
    else:
        Console().print(render(found))


@cli.group()
def store() -> None:
    """List and clean what is kept so that no step is done twice."""


@store.command("list")
@STORE
def store_list(root: Path | None) -> None:
    """List finished and unfinished steps with their sizes."""
    opened = _store(root)
    entries = opened.list()
    for entry in entries:
        click.echo(f"{entry.key}  {entry.name:<18}{entry.state:<12}{entry.bytes / 1e6:>10.2f} MB")
    click.echo(f"{opened.root}: {len(entries)} steps, {sum(entry.bytes for entry in entries) / 1e6:.2f} MB")


@store.command("clean")
@STORE
@click.option("--everything", "what", flag_value="everything", help="Remove finished steps too.")
def store_clean(root: Path | None, what: Literal["everything"] | None) -> None:
    """Remove unfinished and damaged steps with their checkpoints; what a running build needs stays."""
    removed = _store(root).clean(what or "unfinished")
    click.echo(f"removed {len(removed)} steps, {sum(entry.bytes for entry in removed) / 1e6:.2f} MB")
