"""Check the starter teacher against its two floors, and print one JSON object as the last line.

    python benchmarks/starter/check_teacher.py TEACHER [SEEDS] [EPOCHS]

1. Bits per character on held-out text of teacher, unigram table and random weights: the teacher needs at least 15 %
   fewer than the table in each language.
2. Macro F1 on the test part of each language's topic task after fine-tuning teacher and random weights of the same
   shape, over SEEDS (5) seeds of EPOCHS (10): the teacher's mean must be more than two standard deviations above. The
   larger of the two sample standard deviations counts.

The recipe is the same for both and nothing is chosen on the test part: mean of the hidden states, one linear layer, all
weights trained, AdamW, batch 32, warm-up over a tenth, then linear decay to zero.
"""

from __future__ import annotations

import json
import lzma
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.metrics import f1_score
from torch import Tensor, nn

from edgeenc.compress.trim_vocab import keep_tokens
from edgeenc.machine.runtime import Runtime, available_threads, faster_dtype
from edgeenc.model.bits import bits_per_character, unigram_bits
from edgeenc.model.encoder import Encoder, load_encoder
from edgeenc.model.random import random_like
from edgeenc.text.corpus import read_lines
from edgeenc.text.vocabulary import choose, count_tokens

KIT = Path(__file__).parents[2] / "edgeenc" / "starter"
LANGUAGES = ("tl", "mt", "sk", "sw")
SEED = 13
SEEN = 600
"""The first held-out lines chose the teacher's checkpoint, so they measure nothing."""
FEWER = 0.15
LR = 3e-4
BATCH = 32
LENGTH = 128
POOL = 8
"""Batches are cut from this many batches of shuffled examples, sorted by length: half the padding."""


@dataclass(frozen=True)
class Examples:
    """Texts as token ids with special tokens, and the number of each text's label."""

    ids: list[list[int]]
    labels: list[int]


def check_bits(teacher: Encoder, language: str) -> dict[str, float]:
    """Return the bits per character of teacher, unigram table and random weights."""
    train = read_lines(KIT / "text" / f"{language}.train.txt.xz")
    held = read_lines(KIT / "text" / f"{language}.heldout.txt.xz")[SEEN:]
    characters = len(set("".join(train)) - {" "})
    unigram = unigram_bits(train, teacher.tokenizer, held, characters=characters, seed=SEED)
    own = bits_per_character(teacher, held, characters=characters, seed=SEED)
    fresh = bits_per_character(random_like(teacher, SEED), held, characters=characters, seed=SEED)
    return {"teacher": own, "unigram": unigram, "random": fresh, "fewer_than_unigram": 1 - own / unigram}


def read_task(folder: Path) -> dict[str, list[dict[str, str]]]:
    """Return the examples of the train and test parts of a classification set."""
    packed = {part: (folder / f"{part}.jsonl.xz").read_bytes() for part in ("train", "test")}
    return {part: [json.loads(line) for line in lzma.decompress(raw).splitlines()] for part, raw in packed.items()}


def only_tokens_of(encoder: Encoder, texts: list[str]) -> Encoder:
    """Return `encoder` with only the tokens in `texts`: the others learn nothing and cost much of the time."""
    tokenizer = encoder.tokenizer
    return keep_tokens(encoder, choose(count_tokens(texts, tokenizer), tokenizer, frozenset(), coverage=1.0))


def batches(examples: Examples, rng: np.random.Generator) -> Iterator[list[int]]:
    """Yield the numbers of the examples of each batch of one epoch."""
    order = rng.permutation(len(examples.ids))
    found = []
    for first in range(0, len(order), POOL * BATCH):
        pool = sorted(order[first : first + POOL * BATCH].tolist(), key=lambda i: len(examples.ids[i]))
        found += [pool[at : at + BATCH] for at in range(0, len(pool), BATCH)]
    for number in rng.permutation(len(found)):
        yield found[number]


def vectors(encoder: Encoder, ids: list[list[int]]) -> Tensor:
    """Return the mean hidden state (B, H) of each text, padding left out."""
    width = max(map(len, ids))
    place = encoder.model.device
    ids_BT = torch.tensor([row + [0] * (width - len(row)) for row in ids], device=place)
    attend_BT = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in ids], device=place)
    hidden_BTH = encoder.hidden(ids_BT, attend_BT) * attend_BT[..., None]
    return hidden_BTH.sum(1) / attend_BT.sum(1, keepdim=True)


def fine_tune(encoder: Encoder, parts: dict[str, Examples], seed: int, epochs: int, runtime: Runtime) -> float:
    """Train `encoder` in place with a linear layer on `train`; return the macro F1 on `test` in percent."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    train = parts["train"]
    head = nn.Linear(encoder.shape.hidden, 1 + max(train.labels)).to(encoder.model.device)
    nn.init.normal_(head.weight, std=0.02)
    weights = [*encoder.model.base_model.parameters(), *head.parameters()]
    optimizer = torch.optim.AdamW(weights, lr=LR, weight_decay=0.01, fused=True)
    steps = epochs * -(-len(train.ids) // BATCH)
    rate = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / max(1, steps // 10), (steps - step) / (0.9 * steps))
    )
    encoder.model.train()
    for _ in range(epochs):
        for numbers in batches(train, rng):
            with runtime.autocast():
                logits_BC = head(vectors(encoder, [train.ids[i] for i in numbers]))
            right_B = torch.tensor([train.labels[i] for i in numbers], device=logits_BC.device)
            F.cross_entropy(logits_BC.float(), right_B).backward()
            nn.utils.clip_grad_norm_(weights, 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            rate.step()
    return macro_f1(encoder, head, parts["test"])


@torch.no_grad()
def macro_f1(encoder: Encoder, head: nn.Linear, test: Examples) -> float:
    """Return the macro F1 in percent."""
    encoder.model.eval()
    said: list[int] = []
    for first in range(0, len(test.ids), BATCH):
        said += head(vectors(encoder, test.ids[first : first + BATCH])).argmax(-1).tolist()
    return 100 * float(f1_score(test.labels, said, average="macro"))


def check_topic(teacher: Encoder, language: str, seeds: int, epochs: int, runtime: Runtime) -> dict[str, object]:
    """Return mean, sample standard deviation and scores of teacher and random weights, and whether the floor holds."""
    rows = read_task(KIT / "tasks" / f"topic-{language}")
    small = only_tokens_of(teacher, [row["text"] for part in rows.values() for row in part])
    labels = sorted({row["label"] for row in rows["train"]})
    parts = {}
    for part, found in rows.items():
        encoded = small.tokenizer.encode_batch([row["text"] for row in found])
        ids = [e.ids[: LENGTH - 1] + e.ids[-1:] if len(e.ids) > LENGTH else e.ids for e in encoded]
        parts[part] = Examples(ids, [labels.index(row["label"]) for row in found])
    everything = range(small.shape.vocab)
    scores: dict[str, list[float]] = {"teacher": [], "random": []}
    for seed in range(seeds):
        for name, encoder in (("teacher", keep_tokens(small, everything)), ("random", random_like(small, seed))):
            began = time.monotonic()
            scores[name].append(fine_tune(encoder, parts, seed, epochs, runtime))
            print(
                f"{language} {name} seed {seed}: {scores[name][-1]:.2f} in {time.monotonic() - began:.0f} s", flush=True
            )
    mean = {name: statistics.mean(values) for name, values in scores.items()}
    spread = {name: statistics.stdev(values) for name, values in scores.items()}
    gap = mean["teacher"] - mean["random"]
    return {
        name: {
            "mean": round(mean[name], 2),
            "sd": round(spread[name], 2),
            "macro_f1": [round(v, 2) for v in scores[name]],
        }
        for name in scores
    } | {"gap": round(gap, 2), "passed": gap > 2 * max(spread.values())}


def main(folder: Path, seeds: int, epochs: int) -> None:
    """Check both floors in the four languages."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    dtype = "bfloat16" if device == "cuda" else faster_dtype(available_threads())
    runtime = Runtime(device=device, dtype=dtype, threads=available_threads())
    torch.set_num_threads(runtime.threads)
    teacher = load_encoder(folder)
    teacher.model.to(device)
    bits, topic = {}, {}
    for language in LANGUAGES:
        found = check_bits(teacher, language)
        bits[language] = {k: round(v, 4) for k, v in found.items()} | {"passed": found["fewer_than_unigram"] >= FEWER}
        print(f"{language} bits per character {bits[language]}", flush=True)
    for language in LANGUAGES:
        topic[language] = check_topic(teacher, language, seeds, epochs, runtime)
    recipe = {"seeds": seeds, "epochs": epochs, "lr": LR, "batch": BATCH, "device": device, "dtype": dtype}
    print(json.dumps({"recipe": recipe, "bits_per_character": bits, "topic_macro_f1": topic}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), *(int(v) for v in (sys.argv[2:4] + ["5", "10"][len(sys.argv[2:4]) :])))
