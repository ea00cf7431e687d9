"""What a classifier of texts gains by starting as the mean: `pooling: mean` against `pooling: cls`, all else equal.

    python benchmarks/starts.py OUT.json [--store DIR] [--recipe NAME|PATH] [LANGUAGE ...]

Needs finished builds of the recipe in the store. Its student is tuned on the kit's topics of each language as the
recipe tunes, three seeds of each start, and scored in PyTorch on the test part; one thread. OUT.json gets scores with
their intervals, every seed's, and the difference paired over test items; a Markdown table is printed.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click
import torch

from edgeenc.asked import plan_for, runtime_for
from edgeenc.machine.describe import describe, versions
from edgeenc.model.encoder import Encoder, load_encoder
from edgeenc.record.ask import Ask
from edgeenc.record.form import plain
from edgeenc.store import Store, default_root
from edgeenc.targets.sessions.torch_session import TorchSession
from edgeenc.tasks.encode import encode
from edgeenc.tasks.scores.bootstrap import estimate, paired
from edgeenc.tasks.scores.predict import predict
from edgeenc.tasks.spec import TaskSpec
from edgeenc.tasks.task import Task, open_task
from edgeenc.tasks.tuning.fine_tuning import FineTuning
from edgeenc.tasks.tuning.tune import tune
from edgeenc.training_loop import Job

STARTS = {"plain": "cls", "mean": "mean"}
"""Values of `pooling`, by what the results call them."""


def said(encoder: Encoder, task: Task, options: FineTuning, seed: int) -> tuple[tuple[str, ...], ...]:
    """Tune with one seed and return the labels of the test items."""
    model, _ = tune(encoder, task.data, options, Job(seed), task.judge)
    encoded = encode(task.data.test, task.data.kind, model.tokenizer, min(options.max_length, model.positions))
    return predict(TorchSession(model.logits, model.purpose), encoded, model.labels)


def compared(language: str, store: Store, recipe: str) -> dict:
    """Return the scores of both starts in one language, and their difference."""
    plan = plan_for(Ask(language, recipe), store)
    encoder = load_encoder(store.folder(plan.student.key, plan.student.name))
    task = open_task(TaskSpec(name="topic", data=f"starter:topic-{language}"), seed=plan.request.recipe.seed)
    tuning, items = plan.request.recipe.fine_tuning, task.data.test
    by_start = {
        start: [said(encoder, task, tuning.model_copy(update={"pooling": pooling}), seed) for seed in tuning.seeds]
        for start, pooling in STARTS.items()
    }
    found = {
        start: asdict(estimate(task.metric, items, runs)) | {"by_seed": [task.metric.score(items, run) for run in runs]}
        for start, runs in by_start.items()
    }
    difference = asdict(paired(task.metric, items, by_start["mean"], by_start["plain"]))
    return {
        "metric": task.metric.name,
        "train": len(task.data.train),
        "tuning": tuning.model_dump(mode="json", exclude={"pooling"}),
        "starts": found,
        "mean less plain": difference,
    }


@click.command()
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--store", "root", type=click.Path(path_type=Path))
@click.option("--recipe", default="starter")
@click.argument("languages", nargs=-1)
def main(out: Path, root: Path | None, recipe: str, languages: tuple[str, ...]) -> None:
    """Compare both starts in every language; what was done stands in the file after each."""
    store = Store(root or default_root())
    runtime_for(store, None)
    torch.set_num_threads(1)
    found: dict[str, dict] = {}
    print("| language | plain, macro F1 | mean, macro F1 | difference, points | 95 % interval |\n|---|---|---|---|---|")
    for language in languages or ("tl", "mt", "sk", "sw"):
        found[language] = row = compared(language, store, recipe)
        whole = {"recipe": recipe, "languages": found, "host": plain(describe()), "versions": versions()}
        out.write_text(json.dumps(whole, ensure_ascii=False) + "\n", encoding="utf-8")
        gain, shown = row["mean less plain"], [f"{100 * row['starts'][start]['value']:.1f}" for start in STARTS]
        interval = f"{100 * gain['low']:+.1f} to {100 * gain['high']:+.1f}"
        print(f"| {language} | {' | '.join(shown)} | {100 * gain['value']:+.1f} | {interval} |")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
