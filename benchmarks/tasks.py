"""Tune and score teacher, trimmed teacher and student on every task set of benchmarks/tasks.yaml.

    python benchmarks/tasks.py DATA OUT [--store DIR] [--threads N] [SET ...]

DATA has a folder a set with train, validation and test as gzipped JSONL. Of a test part at most 500 items are taken,
of a validation part at most 1,100, by a fixed seed, so that a set costs minutes. Each set is one `edgeenc build
--task`; OUT gets the bundles and, after each set, SET.json: the scores with intervals over three seeds, sizes, latency
with its raw samples, host, versions.
"""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import click
import numpy as np
import yaml

HERE = Path(__file__).parent
MOST = {"train": None, "validation": 1100, "test": 500}
SEED = 20261121
KEPT = (
    *("language", "recipe", "tasks", "differences", "bytes", "student", "bits_per_character", "gates", "latency"),
    *("host", "versions"),
)


def capped(source: Path, folder: Path, limits: Mapping[str, int | None] = MOST) -> Path:
    """Write the parts of a set into `folder`, at most `limits` items of each in their order, and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(source.glob("*.jsonl.gz")):
        lines = gzip.decompress(path.read_bytes()).decode().splitlines()
        most = limits[path.name.removesuffix(".jsonl.gz")]
        if most is not None and len(lines) > most:
            picked = np.random.default_rng(SEED).permutation(len(lines))[:most]
            lines = [lines[i] for i in sorted(picked.tolist())]
        (folder / path.name.removesuffix(".gz")).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def build(row: dict[str, str], data: Path, out: Path, more: list[str]) -> dict:
    """Return the facts of one build."""
    asked = ["--lang", row["language"], "--task", row["task"], "--data", str(data), "-o", str(out)]
    recipe = ["--recipe", str(HERE / "starter-tasks.yaml")]
    command = [sys.executable, "-m", "edgeenc", "build", *asked, *recipe, *more, "--json"]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)


@click.command()
@click.argument("data", type=click.Path(path_type=Path, exists=True))
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--store", type=click.Path(path_type=Path))
@click.option("--threads", default=1)
@click.argument("sets", nargs=-1)
def main(data: Path, out: Path, store: Path | None, threads: int, sets: tuple[str, ...]) -> None:
    """Build, one set after another; a set whose JSON is there is not done again."""
    for row in yaml.safe_load((HERE / "tasks.yaml").read_text(encoding="utf-8")):
        name = row["data"]
        place = out / f"{name}.json"
        if (sets and name not in sets) or place.exists():
            continue
        more = ["--store", str(store or out / "store"), "--threads", str(threads)]
        facts = build(row, capped(data / name, out / "data" / name), out / "bundles" / name, more)
        kept = {key: facts[key] for key in KEPT} | {"set": name, "licence": row["licence"]}
        place.write_text(json.dumps(kept, ensure_ascii=False) + "\n", encoding="utf-8")
        click.echo(name)


if __name__ == "__main__":
    main()
