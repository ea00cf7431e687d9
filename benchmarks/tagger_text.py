"""How a tagger should read words: a linear probe on the states of an encoder, words encoded in three ways.

    nice python benchmarks/tagger_text.py CHECKPOINT TRAIN.jsonl[.gz] TEST.jsonl[.gz]

Rows of the answer: how words were encoded in training; columns: in the test. Token accuracy, 0..1. `words`: one by one;
`spaced`: one text with a space between all words; `natural`: as a text is written (`edgeenc.tasks.tags.running_text`).
"""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from tokenizers import Tokenizer
from transformers import AutoModel, PreTrainedModel

from edgeenc.tasks.tags.running_text import running_text

FORMS = ("words", "spaced", "natural")
TRAIN, TEST, LONGEST = 400, 200, 256
"""Sentences of each part, and tokens of one."""

Sentence = tuple[list[str], list[str]]


def sentences(path: Path, most: int) -> list[Sentence]:
    """Return words and tags of the first sentences of a file with `tokens` and `tags` in each line."""
    with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for _, line in zip(range(most), file, strict=False)]
    return [(row["tokens"], row["tags"]) for row in rows]


def first_tokens(tokenizer: Tokenizer, words: list[str], form: str) -> tuple[list[int], list[int | None]]:
    """Return the ids of a sentence, and for each word the place of its first token, None where it is cut off."""
    if form == "words":
        read = tokenizer.encode(words, is_pretokenized=True)
        return read.ids, [next((t for t, own in enumerate(read.word_ids) if own == n), None) for n in range(len(words))]
    text, starts = running_text(words, [True] * len(words) if form == "spaced" else ())
    read = tokenizer.encode(text)
    spans = list(enumerate(read.offsets))
    ends = zip(starts, words, strict=True)
    return read.ids, [
        next((t for t, (a, b) in spans if a < b and a < at + len(word) and b > at), None) for at, word in ends
    ]


def features(
    model: PreTrainedModel, tokenizer: Tokenizer, rows: list[Sentence], form: str
) -> Iterator[NDArray[np.float32]]:
    """Yield the last hidden state (H,) at each word's first token; zeros where there is none."""
    for words, _ in rows:
        ids, places = first_tokens(tokenizer, words, form)
        with torch.no_grad():
            states_TH = model(input_ids=torch.tensor([ids])).last_hidden_state[0].numpy()
        yield from (np.zeros(states_TH.shape[1], np.float32) if t is None else states_TH[t] for t in places)


def main() -> None:
    """Print the accuracies of every pair of ways."""
    folder, train, test = map(Path, sys.argv[1:4])
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(LONGEST)
    model = AutoModel.from_pretrained(folder, local_files_only=True).eval()
    learnt, asked = sentences(train, TRAIN), sentences(test, TEST)
    tags = [tag for _, row in learnt for tag in row]
    right = np.array([tag for _, row in asked for tag in row])
    tested = {form: np.array(list(features(model, tokenizer, asked, form))) for form in FORMS}
    for form in FORMS:
        probe = LogisticRegression(C=1, max_iter=300).fit(
            np.array(list(features(model, tokenizer, learnt, form))), tags
        )
        print(form, {other: round(float((probe.predict(x) == right).mean()), 4) for other, x in tested.items()})


if __name__ == "__main__":
    main()
