"""`edgeenc build` and `edgeenc plan`."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, fields, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from edgeenc.cli.options import FOLDER, OneOf, open_store
from edgeenc.cli.stop import stop_of
from edgeenc.model.purpose import default_purpose, encoder_purposes
from edgeenc.record.ask import Ask
from edgeenc.targets.target import default_target, targets

if TYPE_CHECKING:
    from edgeenc.machine.runtime import Runtime
    from edgeenc.planned import Plan
    from edgeenc.store import Store

COLUMNS = ("text_column", "label_column")
"""Two options that are one attribute of what is asked."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What `build` and `plan` are told alike: what is wanted, and how it is come by."""

    ask: Ask = field(default_factory=lambda: Ask(""))
    offline: bool = False
    store: Path | None = None
    threads: int | None = None
    as_json: bool = False


def what_to_build(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say what is built; the command gets them as one `Asked`, before its own."""
    command = click.make_pass_decorator(Asked)(command)
    told = partial(click.option, expose_value=False, callback=_told)
    for option in reversed(
        [
            told(
                "--lang",
                "language",
                required=True,
                metavar="TAG|FILE",
                help="Language: tl, fil, tgl, tgl_Latn all mean one; a YAML file; several: tl+en, tl:0.8+en:0.2.",
            ),
            told(
                "--target",
                default=default_target().name,
                type=OneOf(lambda: [one.name for one in targets()]),
                show_default=True,
                help="Export format.",
            ),
            told("--recipe", default="starter", metavar="NAME|PATH", show_default=True, help="How to compress."),
            told("--teacher", metavar="ID[@REV]|PATH", help="Encoder to start from.  [default: the recipe's]"),
            told(
                "--random-teacher",
                is_flag=True,
                help="Dry run at full size: the teacher's architecture with random weights.",
            ),
            told(
                "--corpus",
                multiple=True,
                metavar="[TAG=]FILE|DIR|ID@REV",
                help="Text, a sentence or paragraph per line; JSON lines or Parquet, FILE#COLUMN; a folder of these;"
                " any of them packed; or org/name@commit:config of the hub; again for each of several languages.",
            ),
            told(
                "--data-fraction",
                type=click.FloatRange(0, 1, min_open=True),
                metavar="SHARE",
                help="Share of the training documents to use, e.g. 0.3.  [default: the recipe's]",
            ),
            told("--offline", is_flag=True, help="Take from the hub's cache only; see `edgeenc fetch`."),
            told(
                "--export-task",
                type=OneOf(lambda: [one.name for one in encoder_purposes()]),
                help=f"What the exported file computes.  [default: {default_purpose().name}]",
            ),
            told("--task", metavar="NAME", help="Fine-tune, evaluate and ship a classifier: topic, pos, ner, ..."),
            told("--data", metavar="FILE|DIR|ID@REV", help="Labelled data.  [default: the language's]"),
            told("--text-column", default="", metavar="NAME", help="Column of the text.  [default: guessed]"),
            told("--label-column", default="", metavar="NAME", help="Column of the label.  [default: guessed]"),
            told(
                "--precision",
                "precisions",
                metavar="LIST",
                help=f"Files to make.  [default: {','.join(default_target().names)}]",
            ),
            told("--store", type=FOLDER, metavar="DIR", help="Where finished steps are kept.  [default: user cache]"),
            told("--threads", type=click.IntRange(min=1), metavar="N", help="Threads.  [default: all cores allowed]"),
            told("--json", "as_json", is_flag=True, help="Print one JSON object on standard output."),
        ]
    ):
        command = option(command)
    return command


def _told(context: click.Context, option: click.Parameter, value: object) -> None:
    """Keep the value of an option beside those that were read before it."""
    asked, name = context.find_object(Asked) or Asked(), str(option.name)
    if name in COLUMNS:
        text, label = asked.ask.columns
        columns = (str(value), label) if name == COLUMNS[0] else (text, str(value))
        context.obj = replace(asked, ask=replace(asked.ask, columns=columns))
    elif name in {one.name for one in fields(Ask)}:
        context.obj = replace(asked, ask=replace(asked.ask, **{name: value}))
    else:
        context.obj = replace(asked, **{name: value})


@click.command(short_help="Make a small model of one language, verified.")
@what_to_build
@click.option(
    "-o",
    "--output",
    type=FOLDER,
    metavar="DIR",
    help="Bundle to write.  [default: LANG[-TASK]-RECIPE[-...]]",
)
@click.option("-q", "--quiet", "loudness", flag_value="quiet", help="Print the last line only.")
@click.option("-v", "--verbose", "loudness", flag_value="verbose", help="Print more.")
@click.option("--dry-run", is_flag=True, help="Show the plan and stop; the same as `edgeenc plan`.")
def build(asked: Asked, output: Path | None, loudness: Literal["quiet", "verbose"] | None, dry_run: bool) -> None:
    """Compress, export, verify, measure and bundle a model of one language. Finished steps are reused."""
    if not (asked.ask.random_teacher or dry_run):
        _check_at_hand(asked)
    from edgeenc.asked import folder_name
    from edgeenc.screen.build_lines import Screen, last_line
    from edgeenc.store import check_destination, publish

    ask = asked.ask
    if output is not None and not dry_run:
        check_destination(output)
    plan, opened, runtime = _planned(asked, offline=asked.offline, plan_only=dry_run)
    if dry_run:
        return _show(plan, opened, asked.as_json)
    place = output or Path(folder_name(ask, plan.request))
    check_destination(place)
    from edgeenc.pipeline import run  # seconds, which a build that cannot run need not take
    from edgeenc.record.facts import Facts
    from edgeenc.record.form import parse, plain

    screen = Screen(loudness or "normal")
    stop = stop_of()
    language = plan.request.language
    screen.say(f"{ask.language}: {language.name} ({language.bcp47}, {language.iso639_3}, {language.script})")
    for line in plan.notes:
        screen.say(line)
    for line in plan.request.task_data.shown if plan.request.task_data else ():
        screen.say(line)
    with opened.in_use(), closing(screen):
        published = publish(run(plan, opened, runtime, stop.before(screen)), place, screen.say)
    facts = parse(Facts, (published / "report" / "report.json").read_bytes())
    click.echo(json.dumps(plain(facts), ensure_ascii=False) if asked.as_json else last_line(str(place), facts))


@click.command(short_help="Show every step of a build; train nothing.")
@what_to_build
def plan(asked: Asked) -> None:
    """Show every step of a build with key, status, shape, parameters and predicted bytes; nothing runs."""
    planned, opened, _ = _planned(asked, offline=True, plan_only=True)
    _show(planned, opened, asked.as_json)


def _check_at_hand(asked: Asked) -> None:
    """Say what an offline build lacks before anything heavy is loaded."""
    from edgeenc.sources.at_hand import require_at_hand

    ask, task = asked.ask, asked.ask.data or asked.ask.task
    require_at_hand(ask.language, ask.recipe, ask.teacher, ask.corpus, offline=asked.offline, task=task)


def _planned(asked: Asked, *, offline: bool, plan_only: bool) -> tuple[Plan, Store, Runtime]:
    """Return plan, store and runtime for what was asked."""
    from edgeenc.asked import request_for, runtime_for
    from edgeenc.steps.line.make import make_plan

    request = request_for(asked.ask, offline=offline or plan_only, plan_only=plan_only)
    opened = open_store(asked.store)
    runtime = runtime_for(opened, asked.threads)
    return make_plan(request, runtime), opened, runtime


def _show(plan: Plan, store: Store, as_json: bool) -> None:
    """Print a plan."""
    from rich.console import Console

    from edgeenc.asked import status
    from edgeenc.screen.build_lines import plan_table

    done = status(plan, store)
    if as_json:
        click.echo(json.dumps(plan.to_json(done)))
    else:
        task = plan.request.task_data
        for line in (*filter(None, [plan.request.taken]), *(task.shown if task else ())):
            click.echo(line)
        Console().print(plan_table(plan, done))
