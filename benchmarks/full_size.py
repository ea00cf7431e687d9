"""Rehearse a recipe at full size: random weights in a published shape, few training steps, every step its own process.

    python benchmarks/full_size.py OUT [--shape NAME] [--recipe NAME|PATH] [--lang TAG] [--steps N] [--batch TOKENS]

OUT gets the store, the shortened recipe, the bundle and `results.json`: for each step its seconds and the peak memory
of its process, for each file its bytes beside the plan's, and the latencies with their raw samples and the host.
Without --recipe it is the published order with 564 channels (arXiv:2505.16956: the last layers of mBERT, every second
one of XLM-R), the vocabulary last.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import click
import yaml

PUBLISHED_ORDER = """
name: full-size
teacher: starter
seed: 1
stages:
  - {kind: adapt}
  - {kind: drop-layers, layers: 6, rule: RULE}
  - {kind: distill, teacher: adapt}
  - {kind: prune-ffn, width: 2048}
  - {kind: truncate-hidden, hidden: 564, method: leading}
  - {name: again, kind: distill, teacher: distill}
  - {kind: trim-vocab, size: 40000}
"""
MOST_MB = 8000
"""No step may take more memory than this."""


def shortened(recipe: str, steps: int, batch: int) -> str:
    """Return a recipe whose trainings take `steps` steps of `batch` tokens; all else is as it was."""
    fields = yaml.safe_load(recipe)
    for stage in fields["stages"]:
        if stage["kind"] in ("adapt", "distill"):
            stage |= {"tokens": steps * batch, "batch_tokens": batch, "lengths": [64, 64, 128], "looks": 1}
        if stage["kind"] in ("prune-ffn", "truncate-hidden") and stage.get("method") != "leading":
            stage |= {"batches": 2}
    return yaml.safe_dump(fields, sort_keys=False)


def plan_of(out: Path, language: str, shape: str, threads: int):  # noqa: ANN201
    """Return plan, store and runtime of the rehearsal in `out`."""
    from edgeenc.build import Ask, request_for
    from edgeenc.plan import make_plan
    from edgeenc.runtime import Runtime
    from edgeenc.store import Store

    ask = Ask(language, str(out / "recipe.yaml"), shape, random_teacher=True)
    runtime = Runtime(threads=threads)
    return make_plan(request_for(ask, offline=True), runtime), Store(out / "store"), runtime


def one_step(out: Path, language: str, shape: str, threads: int, number: int) -> None:
    """Do the step with that number; those before it are done."""
    from edgeenc.pipeline import run
    from edgeenc.plan import Plan

    plan, store, runtime = plan_of(out, language, shape, threads)
    run(Plan(plan.request, plan.steps[: number + 1]), store, runtime)


def measured(arguments: list[str]) -> tuple[int, float, float]:
    """Return exit code, seconds, and peak memory in MB of the largest process, of this script run with `arguments`."""
    start = time.monotonic()
    process = subprocess.Popen([sys.executable, __file__, *arguments])
    _, status, usage = os.wait4(process.pid, 0)
    return os.waitstatus_to_exitcode(status), time.monotonic() - start, usage.ru_maxrss * 1024 / 1e6


def rehearse(out: Path, language: str, shape: str, threads: int) -> dict:
    """Do every step in a process of its own and return what was measured."""
    plan, store, _ = plan_of(out, language, shape, threads)
    rows = []
    for number, step in enumerate(plan.steps):
        again = [str(out), "--lang", language, "--shape", shape, "--threads", str(threads), "--only", str(number)]
        code, seconds, peak = measured(again)
        if code:
            raise SystemExit(f"{step.name}: exit {code} after {seconds:.0f} s at {peak:.0f} MB")
        manifest = store.manifest(step.key, step.name)
        assert manifest is not None
        made = manifest.figures.get("bytes") if step.predicted_bytes else None
        rows.append(
            {
                "step": step.name,
                "seconds": round(manifest.seconds, 1),
                "process_seconds": round(seconds, 1),
                "peak_mb": round(peak),
                "parameters": step.shape.parameters if step.shape else None,
                "bytes": made,
                "predicted_bytes": step.predicted_bytes if made else None,
            }
        )
        print(json.dumps(rows[-1]), flush=True)
    return {"steps": rows, "report": finished(out, plan, store)}


def finished(out: Path, plan, store) -> dict:  # noqa: ANN001
    """Copy the bundle beside the store and return its facts."""
    last = store.folder(plan.bundle.key, plan.bundle.name) / "bundle"
    shutil.copytree(last, out / "bundle", dirs_exist_ok=True)
    return json.loads((out / "bundle" / "report" / "report.json").read_text(encoding="utf-8"))


def table(found: dict) -> str:
    """Return the steps as a Markdown table."""
    lines = ["| step | parameters | seconds | peak MB | bytes | predicted |", "|---|---|---|---|---|---|"]
    for row in found["steps"]:
        sizes = [f"{row[name]:,}" if row[name] else "" for name in ("parameters", "bytes", "predicted_bytes")]
        lines.append(
            f"| {row['step']} | {sizes[0]} | {row['seconds']} | {row['peak_mb']:,} | {sizes[1]} | {sizes[2]} |"
        )
    return "\n".join(lines)


@click.command()
@click.argument("out", type=click.Path(path_type=Path, file_okay=False))
@click.option("--shape", default="bert-base-multilingual-cased", show_default=True)
@click.option("--recipe", help="Name or path; its stages in their order, its trainings shortened.")
@click.option("--lang", default="tl", show_default=True)
@click.option("--steps", default=3, show_default=True, help="Optimiser steps of every training.")
@click.option("--batch", default=1024, show_default=True, help="Tokens of a step.")
@click.option("--threads", default=1, show_default=True)
@click.option("--only", type=int, hidden=True)
def main(  # noqa: PLR0913
    out: Path, shape: str, recipe: str | None, lang: str, steps: int, batch: int, threads: int, only: int | None
) -> None:
    """Rehearse, print a table, and write what was measured."""
    if only is not None:
        return one_step(out, lang, shape, threads, only)
    from edgeenc.recipe import find_recipe

    out.mkdir(parents=True, exist_ok=True)
    own = PUBLISHED_ORDER.replace("RULE", "stride" if "xlm" in shape else "last")
    asked = find_recipe(recipe).read_text(encoding="utf-8") if recipe else own
    (out / "recipe.yaml").write_text(shortened(asked, steps, batch), encoding="utf-8")
    found = {"shape": shape, "lang": lang, "optimiser_steps": steps, "batch_tokens": batch, "threads": threads}
    found |= {"recipe": (out / "recipe.yaml").read_text(encoding="utf-8")} | rehearse(out, lang, shape, threads)
    (out / "results.json").write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(table(found))
    highest = max(row["peak_mb"] for row in found["steps"])
    if highest > MOST_MB:
        raise SystemExit(f"a step took {highest:,} MB, more than {MOST_MB:,}")


if __name__ == "__main__":
    main()
