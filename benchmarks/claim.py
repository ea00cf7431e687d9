"""The published claim on a real teacher: tune and score teacher, trim-only and three ways to a student, at two sizes.

    python benchmarks/claim.py DATA OUT [--store DIR] [--threads N] [--lang tl] [SYSTEM ...]

A system is a recipe of benchmarks/claim. DATA has a folder a set with train, validation and test as gzipped JSONL; of a
validation part at most 300 and of a test part at most 500 items are taken, by a fixed seed. Each pair of system and set
is one `edgeenc build --task` in one store, so that a teacher is tuned and a student is made once; OUT gets the bundles
and, after each pair, LANG-SYSTEM-SET.json, which is not made again. Last, OUT/results.json has all of them: copy it to
benchmarks/results/claim_HOST_DATE.json.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import click
from tasks import capped

from edgeenc.record.facts import Facts
from edgeenc.record.form import Json, parse, plain
from edgeenc.record.host import Host
from edgeenc.record.scores import Difference, Score

RECIPES = Path(__file__).parent / "claim"
MOST = {"train": None, "validation": 300, "test": 500}
SETS: Mapping[str, Mapping[str, str]] = {
    "tl": {"topic": "tc-tl", "pos": "pos-tl", "ner": "ner-tl", "hate-speech": "hs-tl"},
    "sw": {"topic": "tc-sw", "pos": "pos-sw", "ner": "ner-sw", "sentiment": "sa-sw"},
}
SYSTEMS = (("ours-92", "published-92", "random-92"), ("ours-87", "published-87", "random-87"))
WHOLE = 117_653_760
"""Parameters of multilingual-e5-small with its whole vocabulary of 250,037 tokens: what `smaller` is a share of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimRun:
    """One system on one set.

    Attributes:
        set: name of the folder of the data.
        tasks: scores of teacher, student and, with `ours-92`, trim-only.
        parameters: of the student.
        smaller: share of the whole teacher's parameters that it lacks.
        trained: tokens of all trainings before the task.
        minutes: of the whole command; what the store had takes none.
    """

    language: str
    system: str
    task: str
    set: str
    tasks: tuple[Score, ...]
    differences: tuple[Difference, ...]
    parameters: int
    smaller: float
    bytes: Mapping[str, int | None]
    trained: int
    minutes: float
    host: Host
    versions: Mapping[str, str]


def asked(languages: tuple[str, ...], systems: tuple[str, ...]) -> Iterator[tuple[str, str, str]]:
    """Yield language, task and system in the order in which they are built: the smaller size first."""
    for language in languages:
        for size in SYSTEMS if not systems else (systems,):
            yield from ((language, task, system) for task in SETS[language] for system in size)


def build(arguments: list[str]) -> tuple[Facts, float]:
    """Return the facts of one build, and its minutes."""
    start = time.monotonic()
    command = [sys.executable, "-m", "edgeenc", "build", *arguments, "--json"]
    out = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    return parse(Facts, out), (time.monotonic() - start) / 60


def run_of(facts: Facts, language: str, system: str, task: str, minutes: float) -> ClaimRun:
    """Return what is kept of a build."""
    stages = [step for step in facts.steps if not step.name.startswith("tune")]
    return ClaimRun(
        language=language,
        system=system,
        task=task,
        set=SETS[language][task],
        tasks=facts.tasks,
        differences=facts.differences,
        parameters=facts.student.parameters,
        smaller=1 - facts.student.parameters / WHOLE,
        bytes=facts.bytes,
        trained=sum(step.tokens or 0 for step in stages),
        minutes=round(minutes, 2),
        host=facts.host,
        versions=facts.versions,
    )


def write(path: Path, value: Json) -> None:
    """Write JSON so that a file is whole or not there."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(value, ensure_ascii=False) + "\n", encoding="utf-8")
    part.replace(path)


@click.command()
@click.argument("data", type=click.Path(path_type=Path, exists=True))
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--store", type=click.Path(path_type=Path))
@click.option("--threads", default=1)
@click.option("--lang", "languages", multiple=True, type=click.Choice(list(SETS)), help="Again for each; all of them.")
@click.argument("systems", nargs=-1)
def main(
    data: Path,
    out: Path,
    store: Path | None,
    threads: int,
    languages: tuple[str, ...],
    systems: tuple[str, ...],
) -> None:
    """Build one pair after another, then write all that is there into one file."""
    for language, task, system in asked(languages or tuple(SETS), systems):
        name = f"{language}-{system}-{SETS[language][task]}"
        if (out / f"{name}.json").exists():
            continue
        folder = capped(data / SETS[language][task], out / "data" / SETS[language][task], MOST)
        where = ["--store", str(store or out / "store"), "--threads", str(threads), "-o", str(out / "bundles" / name)]
        what = ["--lang", language, "--task", task, "--data", str(folder), "--recipe", str(RECIPES / f"{system}.yaml")]
        facts, minutes = build([*what, *where])
        write(out / f"{name}.json", plain(run_of(facts, language, system, task, minutes)))
        click.echo(f"{name}: {minutes:.1f} minutes")
    runs = [parse(ClaimRun, path.read_bytes()) for path in sorted(out.glob("*-*-*.json"))]
    write(out / "results.json", plain(tuple(runs)))


if __name__ == "__main__":
    main()
