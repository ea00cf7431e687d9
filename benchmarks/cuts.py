"""Which truncation loses least right after the cut, before any training: the table in LOG.md.

    python benchmarks/cuts.py [--store DIR] [--recipe NAME|PATH] [LANGUAGE ...]

Needs finished builds of the starter recipe in the store. Every method cuts the same pruned model to the recipe's
hidden size; bits per character are of the same held-out words. Prints a Markdown table.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click
import torch

from edgeenc.asked import plan_for, runtime_for
from edgeenc.compress.importance import calibration
from edgeenc.compress.truncate_hidden import truncate_hidden
from edgeenc.model.bits import bits_per_character
from edgeenc.model.encoder import load_encoder
from edgeenc.planned import CORPUS, ENCODER
from edgeenc.record.ask import Ask
from edgeenc.stages.truncate_hidden import TruncateHidden
from edgeenc.store import Store, default_root
from edgeenc.text.corpus import load_corpus

METHODS = ("leading", "importance", "heads", "svd", "pca")


def losses(language: str, store: Store, recipe: str) -> dict[str, float]:
    """Return the bits per character of the pruned model, and of each way to cut it."""
    runtime = runtime_for(store, None)
    torch.set_num_threads(runtime.threads)
    plan = plan_for(Ask(language, recipe), store)
    cut = next(step for step in plan.steps if isinstance(step.stage, TruncateHidden))
    folders = {role: store.folder(plan.step(name).key, name) for role, name in cut.inputs.items()}
    encoder, corpus = load_encoder(folders[ENCODER]), load_corpus(folders[CORPUS])
    batches = calibration(encoder, corpus, cut.stage.calibration_batches, cut.seed)
    models = {"uncut": encoder} | {
        m: truncate_hidden(encoder, batches, hidden=cut.stage.hidden_size, method=m) for m in METHODS
    }
    return {
        name: bits_per_character(model, corpus.test, characters=corpus.characters, seed=0)
        for name, model in models.items()
    }


@click.command()
@click.option("--store", "root", type=click.Path(path_type=Path))
@click.option("--recipe", default="starter")
@click.argument("languages", nargs=-1)
def main(root: Path | None, recipe: str, languages: tuple[str, ...]) -> None:
    """Print the table."""
    print("| language | uncut | " + " | ".join(METHODS) + " |\n|" + "---|" * (2 + len(METHODS)))
    for language in languages or ("tl", "mt", "sk", "sw"):
        found = losses(language, Store(root or default_root()), recipe)
        print(f"| {language} | " + " | ".join(f"{found[name]:.3f}" for name in ("uncut", *METHODS)) + " |")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
