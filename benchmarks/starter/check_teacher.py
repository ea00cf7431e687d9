"""Compare the starter kit's teacher with the untouched model, and print one JSON object.

    python benchmarks/starter/check_teacher.py WHOLE [--teacher FOLDER]

WHOLE is what `make_teacher.py --whole` writes. On each classification set of the kit a linear probe (logistic
regression, C 10) is fitted to the sentence vectors of the training part, and its macro F1 on the test part is given in
percent; texts begin with "query: ". Of the held-out lines of each language it is told how many have other tokens than
they had. Ends with exit code 1 if a probe loses more than 0.5 points.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import click
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score

from edgeenc.model.embed import Vectors, embed, forward_of
from edgeenc.model.encoder import Encoder, load_encoder
from edgeenc.model.sentence_head import SentenceHead
from edgeenc.tasks.read import read_task
from edgeenc.tasks.spec import TaskSpec
from edgeenc.text.corpus import read_lines

KIT = Path(__file__).parents[2] / "edgeenc" / "starter"
SETS = ("topic-tl", "topic-mt", "topic-sk", "topic-sw", "sentiment-sw")
LANGUAGES = ("tl", "mt", "sk", "sw")
MOST_LOST = 0.5
QUERY = "query: "
HEAD = SentenceHead()
LONGEST = 512


@dataclass(frozen=True)
class Pair:
    """The kit's teacher and the untouched model, whose weights are equal but for the tokens that are left out."""

    teacher: Encoder
    untouched: Encoder

    def vectors(self, texts: list[str]) -> tuple[Vectors, Vectors, list[int]]:
        """Return the vectors (N, D) of texts as queries by both, and which texts have other tokens than they had.

        Equal weights give equal tokens equal vectors, so the untouched model computes those of the others only.
        """
        asked = [QUERY + text for text in texts]
        own, old = (one.tokenizer.encode_batch(asked) for one in (self.teacher, self.untouched))
        other = [place for place, pair in enumerate(zip(own, old, strict=True)) if pair[0].tokens != pair[1].tokens]
        found = embed(forward_of(self.teacher, HEAD), self.teacher.tokenizer, asked, longest=LONGEST)
        before = found.copy()
        if other:
            again = [asked[place] for place in other]
            before[other] = embed(forward_of(self.untouched, HEAD), self.untouched.tokenizer, again, longest=LONGEST)
        return found, before, other

    def require_equal_weights(self) -> None:
        """Refuse a teacher one of whose weights differs from the untouched model's."""
        own, old = (one.model.state_dict() for one in (self.teacher, self.untouched))
        vocab = self.untouched.tokenizer.get_vocab()
        tokens = sorted(self.teacher.tokenizer.get_vocab().items(), key=lambda item: item[1])
        rows = torch.tensor([vocab[token] for token, _ in tokens])
        for name, tensor in own.items():
            cut = tensor.shape[:1] != old[name].shape[:1]
            assert torch.equal(tensor, old[name][rows] if cut else old[name]), name


def probe(pair: Pair, name: str) -> dict[str, float]:
    """Return the macro F1 of a linear probe on the test part of a set by both, in percent, and what is lost."""
    data, _ = read_task(TaskSpec(name=name.partition("-")[0], data=f"starter:{name}"), 0)
    train, test = (pair.vectors([item.words[0] for item in part]) for part in (data.train, data.test))
    labels, right = ([item.labels[0] for item in part] for part in (data.train, data.test))
    scores = []
    for learnt, asked in ((train[0], test[0]), (train[1], test[1])):
        said = LogisticRegression(C=10, max_iter=2000).fit(learnt, labels).predict(asked)
        scores.append(100 * float(f1_score(right, said, average="macro")))
    other = len(train[2]) + len(test[2])
    return {
        "teacher": round(scores[0], 2),
        "untouched": round(scores[1], 2),
        "lost": round(scores[1] - scores[0], 2),
    } | {
        "texts": len(labels) + len(right),
        "texts_with_other_tokens": other,
    }


def same_lines(pair: Pair, language: str) -> dict[str, int]:
    """Return how many held-out lines of a language there are, and how many have other tokens than they had."""
    lines = read_lines(KIT / "text" / f"{language}.heldout.txt.xz")
    own, old = (one.tokenizer.encode_batch(lines) for one in (pair.teacher, pair.untouched))
    other = sum(a.tokens != b.tokens for a, b in zip(own, old, strict=True))
    return {"lines": len(lines), "lines_with_other_tokens": other}


@click.command()
@click.argument("whole", type=click.Path(path_type=Path, exists=True))
@click.option("--teacher", type=click.Path(path_type=Path, exists=True), default=KIT / "model")
def main(whole: Path, teacher: Path) -> None:
    """Compare and print."""
    torch.set_num_threads(1)
    pair = Pair(load_encoder(teacher), load_encoder(whole))
    pair.require_equal_weights()
    held = {one: same_lines(pair, one) for one in LANGUAGES}
    probes = dict[str, dict[str, float]]()
    for name in SETS:
        probes[name] = probe(pair, name)
        print(f"{name}: {probes[name]}", flush=True)
    sizes = {
        role: {"tokens": one.shape.vocab, "parameters": one.shape.encoder_parameters}
        for role, one in (("teacher", pair.teacher), ("untouched", pair.untouched))
    }
    stored = sum(path.stat().st_size for path in teacher.rglob("*") if path.is_file())
    print(json.dumps({"bytes": stored, "sizes": sizes, "macro_f1": probes, "heldout": held}))
    if any(row["lost"] > MOST_LOST for row in probes.values()):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
