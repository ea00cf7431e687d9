"""Build the starter recipe for all four languages, and keep what their reports say.

    python benchmarks/starter_run.py OUT [--store DIR] [--recipe NAME|PATH] [--threads N] [LANGUAGE ...]

Each build is a process of its own, in a store of its own unless --store is given. OUT gets the bundles and
`results.json` with the facts of every report (raw latency samples and the host among them), of which `docs/generate.py`
makes the table of docs/results.md. Minutes are those of the whole command.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import click


def build(arguments: list[str]) -> tuple[dict, float, float]:
    """Return the facts of one build, its minutes, and the peak memory of its largest process in MB."""
    start = time.monotonic()
    process = subprocess.Popen([sys.executable, "-m", "edgeenc", "build", *arguments, "--json"], stdout=subprocess.PIPE)
    out = process.stdout.read() if process.stdout else b""
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"edgeenc build {' '.join(arguments)}: exit {os.waitstatus_to_exitcode(status)}")
    return json.loads(out), (time.monotonic() - start) / 60, usage.ru_maxrss * 1024 / 1e6


@click.command()
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--store", type=click.Path(path_type=Path))
@click.option("--recipe", default="starter")
@click.option("--threads", type=int)
@click.argument("languages", nargs=-1)
def main(out: Path, store: Path | None, recipe: str, threads: int | None, languages: tuple[str, ...]) -> None:
    """Build, and write after each language what there is so far."""
    out.mkdir(parents=True, exist_ok=True)
    results = {}
    for language in languages or ("tl", "mt", "sk", "sw"):
        place = ["--store", str(store or out / "store"), "-o", str(out / language), "--recipe", recipe]
        facts, minutes, peak = build(["--lang", language, *place, *(["--threads", str(threads)] if threads else [])])
        results[language] = facts | {"minutes": minutes, "peak_bytes": round(peak * 1e6)}
        (out / "results.json").write_text(json.dumps(results, ensure_ascii=False) + "\n", encoding="utf-8")
        print(f"{language}: {minutes:.1f} minutes, at most {peak:.0f} MB", flush=True)


if __name__ == "__main__":
    main()
