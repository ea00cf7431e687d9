"""`edgeenc build` and `edgeenc plan`."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from edgeenc.cli.options import FOLDER, open_store

if TYPE_CHECKING:
    from edgeenc.build import Ask
    from edgeenc.machine.runtime import Runtime
    from edgeenc.model.purpose import ExportTask
    from edgeenc.plan import Plan
    from edgeenc.store import Store


def what_to_build(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say what is built, for `build` and `plan` alike."""
    for option in reversed(
        [
            click.option(
                "--lang",
                required=True,
                metavar="TAG|FILE",
                help="Language: tl, fil, tgl, tgl_Latn all mean one; a YAML file; several: tl+en, tl:0.8+en:0.2.",
            ),
            click.option(
                "--target", default="onnx", type=click.Choice(["onnx"]), show_default=True, help="Export format."
            ),
            click.option(
                "--recipe", default="starter", metavar="NAME|PATH", show_default=True, help="How to compress."
            ),
            click.option("--teacher", metavar="ID@REV|PATH", help="Encoder to start from.  [default: the recipe's]"),
            click.option(
                "--random-teacher", is_flag=True, help="Rehearse: the teacher's shape, random weights, no files."
            ),
            click.option(
                "--corpus",
                multiple=True,
                metavar="[TAG=]FILE|ID@REV",
                help="Text, a sentence or paragraph per line, or org/name@commit:config of the hub; again for each of"
                " several languages.",
            ),
            click.option(
                "--data-fraction",
                type=click.FloatRange(0, 1, min_open=True),
                metavar="SHARE",
                help="Share of the training text to read, e.g. 0.3.  [default: the recipe's]",
            ),
            click.option("--offline", is_flag=True, help="Take from the hub's cache only; see `edgeenc fetch`."),
            click.option(
                "--export-task",
                type=click.Choice(["feature-extraction", "fill-mask"]),
                help="What the exported file computes.  [default: feature-extraction]",
            ),
            click.option("--task", metavar="NAME", help="Tune, score and ship a classifier: topic, pos, ner, ..."),
            click.option("--data", metavar="FILE|DIR|ID@REV", help="Labelled data.  [default: the language's]"),
            click.option("--text-column", default="", metavar="NAME", help="Column of the text.  [default: guessed]"),
            click.option("--label-column", default="", metavar="NAME", help="Column of the label.  [default: guessed]"),
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


@click.command(short_help="Make a small model of one language, verified.")
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
    random_teacher: bool,
    corpus: tuple[str, ...],
    data_fraction: float | None,
    offline: bool,
    export_task: ExportTask | None,
    task: str | None,
    data: str | None,
    text_column: str,
    label_column: str,
    precision: str,
    store: Path | None,
    threads: int | None,
    as_json: bool,
    output: Path | None,
    loudness: Literal["quiet", "verbose"] | None,
    dry_run: bool,
) -> None:
    """Compress, export, verify, measure and bundle a model of one language. Finished steps are reused."""
    if not (random_teacher or dry_run):
        check_at_hand(lang, recipe, teacher, corpus, offline=offline, task=data or task)
    from edgeenc.build import Ask
    from edgeenc.screen.build_lines import Screen, last_line
    from edgeenc.store import check_destination, publish

    ask = Ask(
        lang,
        recipe,
        teacher,
        corpus,
        export_task=export_task,
        precisions=precision,
        task=task,
        data=data,
        columns=(text_column, label_column),
        random_teacher=random_teacher,
        data_fraction=data_fraction,
    )
    if output is not None and not dry_run:
        check_destination(output)
    plan, opened, runtime = _planned(ask, store, threads, offline=offline, plan_only=dry_run)
    if dry_run:
        return _show(plan, opened, as_json)
    names = [plan.request.language.bcp47, *([task] if task else []), plan.request.recipe.name]
    place = output or Path("-".join(names))
    check_destination(place)
    from edgeenc.pipeline import run  # seconds, which a build that cannot run need not take

    screen = Screen(loudness or "normal")
    language = plan.request.language
    screen.say(f"{lang}: {language.name} ({language.bcp47}, {language.iso639_3}, {language.script})")
    for line in plan.request.task_data.shown if plan.request.task_data else ():
        screen.say(line)
    with opened.in_use(), closing(screen):
        published = publish(run(plan, opened, runtime, screen), place, screen.say)
    facts = json.loads((published / "report" / "report.json").read_text(encoding="utf-8"))
    click.echo(json.dumps(facts, ensure_ascii=False) if as_json else last_line(str(place), facts))


@click.command(short_help="Show every step of a build; train nothing.")
@what_to_build
def plan(
    lang: str,
    target: str,
    recipe: str,
    teacher: str | None,
    random_teacher: bool,
    corpus: tuple[str, ...],
    data_fraction: float | None,
    offline: bool,
    export_task: ExportTask | None,
    task: str | None,
    data: str | None,
    text_column: str,
    label_column: str,
    precision: str,
    store: Path | None,
    threads: int | None,
    as_json: bool,
) -> None:
    """Show every step of a build with key, status, shape, parameters and predicted bytes; nothing runs."""
    from edgeenc.build import Ask

    ask = Ask(
        lang,
        recipe,
        teacher,
        corpus,
        export_task=export_task,
        precisions=precision,
        task=task,
        data=data,
        columns=(text_column, label_column),
        random_teacher=random_teacher,
        data_fraction=data_fraction,
    )
    planned, opened, _ = _planned(ask, store, threads, offline=True, plan_only=True)
    _show(planned, opened, as_json)


def check_at_hand(
    lang: str, recipe: str, teacher: str | None, corpus: tuple[str, ...], *, offline: bool, task: str | None
) -> None:
    """Say what an offline build lacks before anything heavy is loaded."""
    from edgeenc.sources.at_hand import require_at_hand

    require_at_hand(lang, recipe, teacher, corpus, offline=offline, task=task)


def _planned(
    ask: Ask, store: Path | None, threads: int | None, *, offline: bool, plan_only: bool = False
) -> tuple[Plan, Store, Runtime]:
    """Return plan, store and runtime for what was asked."""
    from edgeenc.build import request_for, runtime_for
    from edgeenc.steps.line.make import make_plan

    request = request_for(ask, offline=offline or plan_only, plan_only=plan_only)
    opened = open_store(store)
    runtime = runtime_for(opened, threads)
    return make_plan(request, runtime), opened, runtime


def _show(plan: Plan, store: Store, as_json: bool) -> None:
    """Print a plan."""
    from rich.console import Console

    from edgeenc.build import status
    from edgeenc.screen.build_lines import plan_table

    done = status(plan, store)
    if as_json:
        click.echo(json.dumps(plan.to_json(done)))
    else:
        Console().print(plan_table(plan, done))
