"""Build the starter recipe for all four languages, and print the table of LOG.md.

    python benchmarks/starter_run.py OUT [--store DIR] [--recipe NAME|PATH] [--threads N] [LANGUAGE ...]

Each build is a process of its own, in a store of its own unless --store is given. OUT gets the bundles, `table.md`,
and `results.json` with the facts of every report (raw latency samples and the host among them). Minutes are those of
the whole command.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import click

COLUMNS = (
    "language", "parameters", "fp32 MB", "int8 MB", "compression", "teacher", "unigram", "random", "cut", "student",
    "advantage kept", "unknown", "latency ratio", "minutes", "peak MB",
)  # fmt: skip


def build(arguments: list[str]) -> tuple[dict, float, float]:
    """Return the facts of one build, its minutes, and the peak memory of its largest process in MB."""
    start = time.monotonic()
    process = subprocess.Popen([sys.executable, "-m", "edgeenc", "build", *arguments, "--json"], stdout=subprocess.PIPE)
    out = process.stdout.read() if process.stdout else b""
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"edgeenc build {' '.join(arguments)}: exit {os.waitstatus_to_exitcode(status)}")
    return json.loads(out), (time.monotonic() - start) / 60, usage.ru_maxrss * 1024 / 1e6


def row(language: str, facts: dict, minutes: float, peak: float) -> list[str]:
    """Return one row of the table; bits per character on held-out text."""
    bits, sizes = facts["bits_per_character"], facts["bytes"]
    kept = (bits["unigram"] - bits["student"]) / (bits["unigram"] - bits["teacher"])
    shown = [
        f"{bits[name]:.3f}" if bits[name] is not None else "-"
        for name in ("teacher", "unigram", "random", "cut", "student")
    ]
    ratio = facts["latency"]["ratio"]["student int8"]["median"]
    return [
        language,
        f"{facts['student']['parameters']:,}",
        f"{sizes['fp32'] / 1e6:.2f}",
        f"{sizes['int8'] / 1e6:.2f}",
        f"{100 * facts['compression']:.1f} %",
        *shown,
        f"{100 * kept:.0f} %",
        f"{100 * facts['tokenizer']['after']['unknown_rate']:.4f} %",
        f"{ratio:.3f}",
        f"{minutes:.1f}",
        f"{peak:.0f}",
    ]


@click.command()
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--store", type=click.Path(path_type=Path))
@click.option("--recipe", default="starter")
@click.option("--threads", type=int)
@click.argument("languages", nargs=-1)
def main(out: Path, store: Path | None, recipe: str, threads: int | None, languages: tuple[str, ...]) -> None:
    """Build, and print the table."""
    out.mkdir(parents=True, exist_ok=True)
    rows, results = [], {}
    for language in languages or ("tl", "mt", "sk", "sw"):
        place = ["--store", str(store or out / "store"), "-o", str(out / language), "--recipe", recipe]
        facts, minutes, peak = build(["--lang", language, *place, *(["--threads", str(threads)] if threads else [])])
        results[language] = facts | {"minutes": minutes, "peak_bytes": round(peak * 1e6)}
        rows.append(row(language, facts, minutes, peak))
        table = [COLUMNS, ["---"] * len(COLUMNS), *rows]
        text = "\n".join("| " + " | ".join(cells) + " |" for cells in table) + "\n"
        (out / "table.md").write_text(text, encoding="utf-8")
        (out / "results.json").write_text(json.dumps(results, ensure_ascii=False) + "\n", encoding="utf-8")
    print((out / "table.md").read_text(encoding="utf-8"), end="")


if __name__ == "__main__":
    main()
