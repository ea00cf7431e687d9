"""The command line: each command a few lines, heavy imports inside, every mistake with its exit code.

0 ok, 1 unexpected, 2 usage, 3 gate failed, 4 budget cannot be met, 5 input, 6 environment, 130 interrupted and resumable.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
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


def main() -> NoReturn:
    """Run the command line; turn every failure of ours into its words and its exit code."""
    try:
        cli(standalone_mode=False)
        sys.exit(0)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.ClickException as mistake:
        mistake.show()
        sys.exit(mistake.exit_code)
    except (click.Abort, KeyboardInterrupt):
        failed(Interrupted("stopped; what is finished is kept, and the same command goes on from here"))
    except EdgeencError as error:
        failed(error)


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
            click.option("--lang", required=True, metavar="TAG", help="Language: tl, fil, tgl, tgl_Latn, ... all mean one."),
            click.option("--target", default="onnx", type=click.Choice(["onnx"]), show_default=True, help="Export format."),
            click.option("--recipe", default="starter", metavar="NAME|PATH", show_default=True, help="How to compress."),
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
            click.option("--store", type=FOLDER, metavar="DIR", help="Where finished steps are kept.  [default: user cache]"),
            click.option("--threads", type=click.IntRange(min=1), metavar="N", help="Threads.  [default: all cores allowed]"),
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
    place = output or Path(f"{lang}-{Path(recipe).stem}")
    if not dry_run:
        check_destination(place)
    plan, opened, runtime = _planned(ask, store, threads)
    if dry_run:
        return _show(plan, opened, as_json)
    screen = Screen(loudness or "normal")
    language = plan.request.language
    screen.say(f"{lang}: {language.name} ({language.bcp47}, {language.iso639_3}, {language.script})")
    try:
        bundle = run(plan, opened, runtime, screen)
    finally:
        screen.close()
    published = publish(bundle, place, screen.say)
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

    planned, opened, _ = _planned(Ask(lang, recipe, teacher, corpus, export_task, precision), store, threads)
    _show(planned, opened, as_json)


def _planned(ask: Ask, store: Path | None, threads: int | None) -> tuple[Plan, Store, Runtime]:
    """Return plan, store and runtime for what was asked."""
    from edgeenc.build import plan_for, runtime_for
    from edgeenc.store import Store, default_root

    opened = Store((store or default_root()).expanduser().absolute())
    runtime = runtime_for(opened, threads)
    return plan_for(ask, runtime), opened, runtime


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
