"""Rehearse recipes at full size: random weights in the teacher's shape, few training steps, every step its own process.

    python benchmarks/full_size.py OUT [--recipe NAME|PATH ...] [--lang TAG] [--lines N] [--steps N] [--batch TOKENS]

OUT gets one store for all recipes, so that the steps they share are done once, the shortened recipes, the bundles, and
`RECIPE.json`: for each step its seconds and the peak memory of its process, for each file its bytes beside the plan's,
the gates, and the latencies with their raw samples and the host. Stopped, it goes on where it was.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click
import yaml

RECIPES = tuple(f"paper-{model}-{hidden}" for model in ("mbert", "xlmr") for hidden in (564, 456, 312))
MOST_MB = 8000
"""No step may take more memory than this."""


def shortened(recipe: str, steps: int, batch: int) -> str:
    """Return a recipe whose trainings take `steps` steps of `batch` tokens; all else is as it was."""
    fields = yaml.safe_load(recipe)
    for stage in fields["stages"]:
        if stage["kind"] in ("adapt", "distill"):
            stage |= {"tokens": steps * batch, "batch_tokens": batch, "sequence_lengths": [64, 64, 128]}
            stage |= {"evaluations": 1}
        if stage["kind"] in ("prune-ffn", "truncate-hidden") and stage.get("method") != "leading":
            stage |= {"calibration_batches": 1}
    return yaml.safe_dump(fields, sort_keys=False)


def write_text(out: Path, language: str, lines: int) -> None:
    """Write the first `lines` lines of the kit's text, so that what is measured on held-out lines is cheap."""
    from edgeenc.sources import starter_corpus
    from edgeenc.text.corpus import read_lines

    (out / "text.txt").write_text("\n".join(read_lines(starter_corpus(language)[0])[:lines]) + "\n", encoding="utf-8")


def plan_of(out: Path, recipe: str, language: str, threads: int):  # noqa: ANN201
    """Return plan, store and runtime of the rehearsal in `out`."""
    from edgeenc.asked import request_for
    from edgeenc.machine.runtime import Runtime
    from edgeenc.record.ask import Ask
    from edgeenc.steps.line.make import make_plan
    from edgeenc.store import Store

    ask = Ask(language, str(out / f"{recipe}.yaml"), corpus=(str(out / "text.txt"),), random_teacher=True)
    runtime = Runtime(threads=threads)
    return make_plan(request_for(ask, offline=True), runtime), Store(out / "store"), runtime


def measured(work: Callable[[], object]) -> tuple[int, float, float]:
    """Do `work` in a process of its own; return exit code, seconds, and peak memory in MB of its largest process.

    The process is a fork of this one, which has done no more than imports and plans: starting Python again took longer
    than many a step.
    """
    sys.stdout.flush()
    start = time.monotonic()
    child = os.fork()
    if not child:
        try:
            work()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    _, status, usage = os.wait4(child, 0)
    return os.waitstatus_to_exitcode(status), time.monotonic() - start, usage.ru_maxrss * 1024 / 1e6


def rehearse(out: Path, recipe: str, language: str, threads: int) -> dict:
    """Do every step in a process of its own, unless it is done, and return what was measured."""
    from edgeenc.pipeline import run
    from edgeenc.planned import Plan

    plan, store, runtime = plan_of(out, recipe, language, threads)
    rows = []
    for number, step in enumerate(plan.steps):
        note = out / "measured" / f"{step.key}.json"
        if store.manifest(step.key, step.name) is None:
            upto = Plan(plan.request, plan.steps[: number + 1])
            code, seconds, peak = measured(partial(run, upto, store, runtime))
            if code:
                raise SystemExit(f"{recipe}: {step.name}: exit {code} after {seconds:.0f} s at {peak:.0f} MB")
            note.parent.mkdir(exist_ok=True)
            note.write_text(json.dumps({"process_seconds": round(seconds, 1), "peak_mb": round(peak)}))
        manifest = store.manifest(step.key, step.name)
        assert manifest is not None
        made = manifest.figures.get("bytes") if step.predicted_bytes else None
        rows.append(
            {
                "step": step.name,
                "seconds": round(manifest.seconds, 1),
                **json.loads(note.read_text()),
                "parameters": step.shape.parameters if step.shape else None,
                "bytes": made,
                "predicted_bytes": step.predicted_bytes if made else None,
            }
        )
        print(recipe, json.dumps(rows[-1]), flush=True)
    return {"steps": rows, "report": finished(out, recipe, plan, store)}


def finished(out: Path, recipe: str, plan, store) -> dict:  # noqa: ANN001
    """Copy the bundle beside the store and return its facts."""
    last = store.folder(plan.bundle.key, plan.bundle.name) / "bundle"
    shutil.copytree(last, out / f"bundle-{recipe}", dirs_exist_ok=True)
    return json.loads((last / "report" / "report.json").read_text(encoding="utf-8"))


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
@click.option("--recipe", "recipes", multiple=True, help="Name or path; all six published ones where none is given.")
@click.option("--lang", default="tl", show_default=True)
@click.option("--lines", default=2000, show_default=True, help="Lines of text; 5 % of them are held out.")
@click.option("--steps", default=2, show_default=True, help="Optimiser steps of every training.")
@click.option("--batch", default=512, show_default=True, help="Tokens of a step.")
@click.option("--threads", default=1, show_default=True)
def main(  # noqa: PLR0913
    out: Path, recipes: tuple[str, ...], lang: str, lines: int, steps: int, batch: int, threads: int
) -> None:
    """Rehearse, print tables, and write what was measured."""
    from edgeenc.recipe import find_recipe

    out.mkdir(parents=True, exist_ok=True)
    write_text(out, lang, lines)
    highest = 0
    for path in map(find_recipe, recipes or RECIPES):
        recipe = path.stem
        text = shortened(path.read_text(encoding="utf-8"), steps, batch)
        (out / f"{recipe}.yaml").write_text(text, encoding="utf-8")
        asked = {"lang": lang, "lines": lines, "optimiser_steps": steps, "batch_tokens": batch, "threads": threads}
        found = {"recipe_name": recipe, **asked, "recipe": text} | rehearse(out, recipe, lang, threads)
        (out / f"{recipe}.json").write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        print(table(found), flush=True)
        highest = max(highest, *(row["peak_mb"] for row in found["steps"]))
    if highest > MOST_MB:
        raise SystemExit(f"a step took {highest:,} MB, more than {MOST_MB:,}")


if __name__ == "__main__":
    main()
