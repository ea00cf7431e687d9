"""Compare the starter kit's teacher with the untouched model, and print one JSON object.

    python benchmarks/starter/check_teacher.py WHOLE [--teacher FOLDER] [--lines 200]

WHOLE is what `make_teacher.py --whole` writes. On each classification set of the kit a linear probe (logistic
regression, C 10) is fitted to the sentence vectors of the training part, and its macro F1 on the test part is given in
percent; texts begin with "query: ". On held-out lines of each language: how many have the tokens that they had, and the
mean cosine of the two vectors. Ends with exit code 1 if a probe loses more than 0.5 points.
"""

from __future__ import annotations

import json
from pathlib import Path

import click
import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score

from edgeenc.model.embed import Vectors, embed, forward_of
from edgeenc.model.encoder import Encoder, load_encoder
from edgeenc.tasks.read import read_task
from edgeenc.tasks.spec import TaskSpec
from edgeenc.text.corpus import read_lines

KIT = Path(__file__).parents[2] / "edgeenc" / "starter"
SETS = ("topic-tl", "topic-mt", "topic-sk", "topic-sw", "sentiment-sw")
LANGUAGES = ("tl", "mt", "sk", "sw")
MOST_LOST = 0.5


def vectors(encoder: Encoder, texts: list[str]) -> Vectors:
    """Return the vectors (N, D) of texts as queries."""
    assert encoder.sentence is not None
    asked = [encoder.sentence.prompt("query") + text for text in texts]
    return embed(forward_of(encoder), encoder.tokenizer, asked, longest=encoder.shape.longest)


def probe(encoder: Encoder, name: str) -> float:
    """Return the macro F1 of a linear probe on the test part of a set, in percent."""
    data, _ = read_task(TaskSpec(name=name.partition("-")[0], data=f"starter:{name}"), 0)
    learnt, asked = (
        (vectors(encoder, [item.words[0] for item in part]), [item.labels[0] for item in part])
        for part in (data.train, data.test)
    )
    said = LogisticRegression(C=10, max_iter=2000).fit(*learnt).predict(asked[0])
    return 100 * float(f1_score(asked[1], said, average="macro"))


def compare_lines(teacher: Encoder, whole: Encoder, language: str, count: int) -> dict[str, float]:
    """Return which share of held-out lines has its tokens, and the mean cosine of the vectors."""
    lines = read_lines(KIT / "text" / f"{language}.heldout.txt.xz")[:count]
    own, old = (encoder.tokenizer.encode_batch(lines) for encoder in (teacher, whole))
    same = np.mean([a.tokens == b.tokens for a, b in zip(own, old, strict=True)])
    cosine = (vectors(teacher, lines) * vectors(whole, lines)).sum(1)
    return {"lines": len(lines), "same_tokens": float(same), "mean_cosine": round(float(cosine.mean()), 6)}


@click.command()
@click.argument("whole", type=click.Path(path_type=Path, exists=True))
@click.option("--teacher", type=click.Path(path_type=Path, exists=True), default=KIT / "model")
@click.option("--lines", default=200, show_default=True, help="Held-out lines of each language.")
def main(whole: Path, teacher: Path, lines: int) -> None:
    """Compare and print."""
    torch.set_num_threads(1)
    models = {"teacher": load_encoder(teacher), "untouched": load_encoder(whole)}
    probes: dict[str, dict[str, float]] = {}
    for name in SETS:
        found = {role: probe(encoder, name) for role, encoder in models.items()}
        probes[name] = {role: round(score, 2) for role, score in (found | {"lost": _lost(found)}).items()}
        print(f"{name}: {probes[name]}", flush=True)
    held = {one: compare_lines(models["teacher"], models["untouched"], one, lines) for one in LANGUAGES}
    sizes = {role: {"tokens": one.shape.vocab, "parameters": one.shape.parameters} for role, one in models.items()}
    stored = sum(path.stat().st_size for path in teacher.rglob("*") if path.is_file())
    print(json.dumps({"bytes": stored, "sizes": sizes, "macro_f1": probes, "heldout": held}))
    if any(row["lost"] > MOST_LOST for row in probes.values()):
        raise SystemExit(1)


def _lost(found: dict[str, float]) -> float:
    return found["untouched"] - found["teacher"]


if __name__ == "__main__":
    main()
