"""`edgeenc bench`: latency, throughput, memory and cold start of models."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgeenc.bench.engines import engines
from edgeenc.bench.settings import DEVICES, precisions
from edgeenc.cli.options import FILE, FOLDER, JSON
from edgeenc.record.form import plain

if TYPE_CHECKING:
    from edgeenc.record.rows import Bench, Row

RESULT = "bench.json"
OWN = "own"
"""The value of `--seq-len` that leaves sentences as long as they are."""


class Listed(click.ParamType):
    """Values separated by commas, each once, each one of a few words, or a whole number where there are none."""

    name = "list"

    def __init__(self, words: Callable[[], Sequence[str]] = tuple, *, numbers: bool = False) -> None:
        """Take the `words` that there are when one is read, and whole numbers from 1 where `numbers` are allowed."""
        self._listed, self._numbers = words, numbers

    @property
    def _words(self) -> Sequence[str]:
        return self._listed()

    def convert(
        self, value: str | tuple[str | int, ...], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str | int, ...]:
        """Return the values in the order they were given."""
        if isinstance(value, tuple):
            return value
        found: list[str | int] = []
        for word in (part.strip() for part in value.split(",")):
            if self._numbers and word.isdecimal() and int(word) > 0:
                found.append(int(word))
            elif word in self._words:
                found.append(word)
            else:
                numbers = ["whole numbers from 1"] if self._numbers else []
                self.fail(f"{word!r}: expected one or more of {', '.join([*numbers, *self._words])}", param, ctx)
        return tuple(dict.fromkeys(found))


@click.command(short_help="Measure bundles and checkpoints side by side.")
@click.argument("models", nargs=-1, required=True, metavar="[NAME=]DIR...")
@click.option(
    "--device",
    type=Listed(lambda: tuple(DEVICES)),
    default="cpu",
    show_default=True,
    metavar="LIST",
    help=", ".join(DEVICES) + ".",
)
@click.option(
    "--runtime",
    type=Listed(lambda: tuple(engines())),
    metavar="LIST",
    help=", ".join(engine.hint for engine in engines().values()) + ".  [default: what runs the models' files, torch]",
)
@click.option(
    "--precision",
    type=Listed(precisions),
    metavar="LIST",
    help=", ".join(precisions()) + ".  [default: those of the models' files, fp32]",
)
@click.option(
    "--threads", type=Listed(numbers=True), default="1", show_default=True, metavar="LIST", help="Threads of a run."
)
@click.option("--batch", type=Listed(numbers=True), default="1", show_default=True, metavar="LIST", help="Batch size.")
@click.option(
    "--seq-len",
    type=Listed(lambda: (OWN,), numbers=True),
    default="16,64,128",
    show_default=True,
    metavar="LIST",
    help="Sequence length in tokens; `own`: as long as each sentence is.",
)
@click.option("--text", type=FILE, metavar="FILE", help="Lines to run.  [default: those of the first bundle]")
@click.option("--rounds", type=click.IntRange(min=1), default=3, show_default=True, help="Fresh processes per row.")
@click.option("--runs", type=click.IntRange(min=1), default=10, show_default=True, help="Runs per process, at least.")
@click.option(
    "--seconds", type=click.FloatRange(min=0), default=1.0, show_default=True, help="Seconds per process, at least."
)
@click.option(
    "-o", "--output", type=FOLDER, metavar="DIR", help=f"Where to write {RESULT}, samples and all, and pages."
)
@JSON
def bench(
    models: tuple[str, ...],
    device: tuple,
    runtime: tuple | None,
    precision: tuple | None,
    threads: tuple,
    batch: tuple,
    seq_len: tuple,
    text: Path | None,
    rounds: int,
    runs: int,
    seconds: float,
    output: Path | None,
    as_json: bool,
) -> None:
    """Measure bundles and checkpoints side by side: latency, throughput, memory, cold start, roofline utilisation.

    Each round of each row is a fresh process; the models are interleaved. What cannot be run here says so. Scores on
    tasks are those that the bundles were built with. With -o there is a report too: HTML, Markdown and JSON.
    """
    from contextlib import closing

    from rich.console import Console

    from edgeenc.bench import harness
    from edgeenc.bench.matrix import Matrix, usual_precisions, usual_runtimes
    from edgeenc.bench.subject import read_subjects
    from edgeenc.report.overview import write_overview
    from edgeenc.report.reading import check_place, read
    from edgeenc.screen.bench_lines import BenchScreen

    lengths = tuple(None if length == OWN else length for length in seq_len)
    subjects = read_subjects(models)
    runtimes, numbers = runtime or usual_runtimes(subjects), precision or usual_precisions(subjects)
    ask = Matrix(device, runtimes, numbers, threads, batch, lengths, rounds, runs, seconds)
    if output is not None:
        check_place(output)
        output.mkdir(parents=True, exist_ok=True)
    with closing(BenchScreen(Console(stderr=as_json, highlight=False))) as screen:

        def rows(new: Sequence[Row], result: Bench) -> None:
            screen.rows(new, result)
            if output is not None:
                save(result, output)

        result = harness.bench(subjects, ask, text, harness.Watch(screen.process, rows))
        screen.end(result)
    if as_json:
        click.echo(json.dumps(plain(result), ensure_ascii=False))
    if output is not None:
        answers = write_overview([read(output)], output)
        for line in (*answers, f"{output / 'report.html'}: written, with report.md, report.json and {RESULT}"):
            click.echo(line, err=as_json)
    if (error := harness.failure(result)) is not None:
        raise error


def save(result: Bench, folder: Path) -> None:
    """Write the result so far; a reader finds a whole file at any time."""
    part = folder / f"{RESULT}.part"
    part.write_text(json.dumps(plain(result), ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(part, folder / RESULT)
