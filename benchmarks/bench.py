"""Latency, throughput, memory and start of teacher, trim-only and student in four languages: one command, one matrix.

    python benchmarks/bench.py TASKS OUT --store DIR [LANGUAGE ...]

TASKS is what benchmarks/tasks.py wrote: a bundle a set in TASKS/bundles and its data in TASKS/data; --store is the
store it built in. Of a language the topic bundle is the student; the tuned teacher and the tuned trimmed teacher are
taken from the store, with the first seed, and exported alike. The matrix is benchmarks/bench.yaml.

OUT/LANGUAGE/bench.json is what `edgeenc bench` writes, its samples rounded to a microsecond; `edgeenc report
OUT/LANGUAGE` makes a page of it, and `python docs/generate.py` the tables of docs/results.md where OUT is
benchmarks/results/bench_HOST_DATE.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import fields, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import yaml
from rich.console import Console

from edgeenc.asked import plan_for
from edgeenc.bench import harness
from edgeenc.bench.matrix import Matrix
from edgeenc.bench.subject import Subject, read_subjects
from edgeenc.planned import Plan
from edgeenc.record.ask import Ask
from edgeenc.record.form import plain
from edgeenc.record.rows import Bench, Row
from edgeenc.screen.bench_lines import BenchScreen
from edgeenc.store import Store, default_root

HERE = Path(__file__).parent
DIGITS = 3
"""Of a sample in milliseconds that is kept: microseconds."""
TEACHERS = ("teacher", "trim-only")


def parts_of(matrix: Mapping) -> list[Matrix]:
    """Return what each part of the matrix combines; `own` stands for sentences at their own length."""
    return [
        Matrix(
            tuple(part["devices"]),
            tuple(part["runtimes"]),
            tuple(part["precisions"]),
            batches=tuple(part["batches"]),
            lengths=tuple(None if length == "own" else length for length in part["lengths"]),
            rounds=matrix["rounds"],
            runs=matrix["runs"],
            seconds=0.0,
        )
        for part in matrix["parts"]
    ]


def exported(model: str, plan: Plan, store: Store, folder: Path) -> Path:
    """Write the tuned `model` of the first seed, its tokenizer and its fp32 file into `folder`, and return it."""
    name = f"tune:{model}:{plan.request.recipe.fine_tuning.seeds[0]}"
    shutil.copytree(store.folder(plan.step(name).key, name), folder, ignore=shutil.ignore_patterns("manifest.json"))
    first = plan.request.target.first
    first.make(folder, folder / first.path, plan.request.purpose, ())
    return folder


def slim(result: Bench) -> Bench:
    """Return the result with samples rounded to a microsecond, half of the bytes."""
    return replace(result, rows=tuple(map(_slim_row, result.rows)))


def _slim_row(row: Row) -> Row:
    names = [one.name for one in fields(row) if one.name.endswith("samples_ms")]
    return replace(row, **{name: tuple(round(sample, DIGITS) for sample in getattr(row, name)) for name in names})


def measured(subjects: tuple[Subject, ...], matrix: Mapping, screen: BenchScreen) -> Bench:
    """Return one result with the rows of every part of the matrix."""
    watch = harness.Watch(screen.process, screen.rows)
    results = [harness.bench(subjects, part, None, watch) for part in parts_of(matrix)]
    peaks = {(peak.device, peak.threads): peak for result in results for peak in result.host.peaks}
    rows = tuple(row for result in results for row in result.rows)
    return slim(replace(results[0], rows=rows, host=replace(results[0].host, peaks=tuple(peaks.values()))))


@click.command()
@click.argument("tasks", type=click.Path(path_type=Path, exists=True))
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--store", "root", type=click.Path(path_type=Path))
@click.option("--matrix", type=click.Path(path_type=Path, exists=True), default=HERE / "bench.yaml")
@click.argument("languages", nargs=-1)
def main(tasks: Path, out: Path, root: Path | None, matrix: Path, languages: tuple[str, ...]) -> None:
    """Measure one language after another; one whose file is there is not measured again."""
    asked, store = yaml.safe_load(matrix.read_text(encoding="utf-8")), Store(root or default_root())
    for language in languages or asked["sets"]:
        place, name, began = out / language / "bench.json", asked["sets"][language], time.monotonic()
        if place.exists():
            continue
        ask = Ask(language, str(HERE / "starter-tasks.yaml"), task="topic", data=str(tasks / "data" / name))
        plan = plan_for(ask, store)
        with TemporaryDirectory() as scratch, closing(BenchScreen(Console(highlight=False))) as screen:
            folders = [f"{model}={exported(model, plan, store, Path(scratch) / model)}" for model in TEACHERS]
            subjects = read_subjects([*folders, f"student={tasks / 'bundles' / name}"])
            result = measured(subjects, asked, screen)
            screen.end(result)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(json.dumps(plain(result), ensure_ascii=False) + "\n", encoding="utf-8")
        click.echo(f"{language}: {place.stat().st_size / 1e3:.0f} KB, {(time.monotonic() - began) / 60:.1f} minutes")
        if (error := harness.failure(result)) is not None:
            sys.exit(str(error))


if __name__ == "__main__":
    main()
