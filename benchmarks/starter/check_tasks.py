"""Check the starter teacher's second floor on the kit's tasks that `check_teacher.py` leaves out: words and sentiment.

    python benchmarks/starter/check_tasks.py TEACHER OUT.json [--seeds 5] [--examples 500] [SET ...]

Teacher and random weights of the same shape learn each set by the project's own task tuning, alike: all weights, 6
epochs, rate 3e-4, at most 500 training (or EXAMPLES), 200 validation and 500 test items. The teacher's mean must be
more than two standard deviations above; the larger of the two sample deviations counts. OUT.json is written after each
set; one thread.
"""

from __future__ import annotations

import json
import statistics
from dataclasses import replace
from pathlib import Path

import click
import torch

from edgeenc.compress.trim_vocab import keep_tokens
from edgeenc.machine.describe import describe, versions
from edgeenc.machine.runtime import Runtime, faster_dtype
from edgeenc.model.encoder import Encoder, load_encoder
from edgeenc.model.random import random_like
from edgeenc.record.form import plain
from edgeenc.targets.sessions.torch_session import TorchSession
from edgeenc.tasks.encode import encode
from edgeenc.tasks.scores.predict import predict
from edgeenc.tasks.spec import TaskSpec
from edgeenc.tasks.task import Task, open_task
from edgeenc.tasks.tuning.fine_tuning import FineTuning
from edgeenc.tasks.tuning.tune import chosen, tune
from edgeenc.text.vocabulary import choose, count_tokens
from edgeenc.training_loop import Job

SETS = ("pos-tl", "pos-mt", "ner-sk", "sentiment-sw")
OPTIONS = FineTuning(epochs=6, lr=3e-4)
SEED = 13


def bounded(name: str) -> Task:
    """Return a set of the kit with its validation and test parts drawn down."""
    task = open_task(TaskSpec(name=name.rpartition("-")[0], data=f"starter:{name}"), seed=SEED)
    data = replace(task.data, validation=chosen(task.data.validation, 200), test=chosen(task.data.test, 500))
    return replace(task, data=data)


def only_tokens_of(encoder: Encoder, task: Task) -> Encoder:
    """Return `encoder` with only the tokens of the set: the others learn nothing and cost much of the time."""
    parts = (task.data.train, task.data.validation, task.data.test)
    texts = [" ".join(item.words) for items in parts for item in items]
    tokenizer = encoder.tokenizer
    return keep_tokens(encoder, choose(count_tokens(texts, tokenizer), tokenizer, frozenset(), coverage=1.0))


def score_of(encoder: Encoder, task: Task, options: FineTuning, job: Job) -> float:
    """Tune with one seed and return the metric on the test part, in percent."""
    model, _ = tune(encoder, task.data, options, job, task.judge)
    encoded = encode(task.data.test, task.data.kind, model.tokenizer, min(options.max_length, model.positions))
    said = predict(TorchSession(model.logits, model.purpose), encoded, model.labels)
    return 100 * task.metric.score(task.data.test, said)


@click.command()
@click.argument("teacher", type=click.Path(path_type=Path, exists=True))
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--seeds", default=5)
@click.option("--examples", default=500, show_default=True, help="Training examples at most.")
@click.argument("sets", nargs=-1)
def main(teacher: Path, out: Path, seeds: int, examples: int, sets: tuple[str, ...]) -> None:
    """Check every set and print a line of each."""
    torch.set_num_threads(1)
    runtime, options = Runtime(threads=1, dtype=faster_dtype(1)), OPTIONS.model_copy(update={"examples": examples})
    found: dict[str, dict] = {}
    for name in sets or SETS:
        task = bounded(name)
        own = only_tokens_of(load_encoder(teacher), task)
        models = {"teacher": own, "random": random_like(own, SEED)}
        runs = {
            role: [score_of(model, task, options, Job(s, runtime)) for s in range(seeds)]
            for role, model in models.items()
        }
        apart = statistics.mean(runs["teacher"]) - statistics.mean(runs["random"])
        deviation = max(statistics.stdev(values) for values in runs.values())
        found[name] = {"metric": task.metric.name, **runs, "deviations": apart / deviation}
        whole = {
            "tuning": options.model_dump(mode="json"),
            "sets": found,
            "host": plain(describe()),
            "versions": versions(),
        }
        out.write_text(json.dumps(whole, ensure_ascii=False) + "\n", encoding="utf-8")
        means = " / ".join(f"{statistics.mean(v):.1f} ± {statistics.stdev(v):.1f}" for v in runs.values())
        print(f"{name}: {task.metric.name}, teacher / random {means}, {apart / deviation:.1f} deviations", flush=True)
    if any(row["deviations"] <= 2 for row in found.values()):
        raise SystemExit("the floor of two deviations is missed")


if __name__ == "__main__":
    main()
