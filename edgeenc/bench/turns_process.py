"""The process that measures: reads a request on stdin, writes one JSON object as the last line of stdout.

    python -m edgeenc.bench.turns_process < request.json

It imports numpy, tokenizers and the runtime of the files and nothing larger, so that what it measures is what an app
would see.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from edgeenc.bench.turns import TurnsRequest
from edgeenc.record.form import plain
from edgeenc.record.latency import Samples
from edgeenc.targets.target import open_by_name

WARM_UP = 3
"""Runs of each model before the first sample: the first ones allocate memory and touch every page of the file."""


class Contestant:
    """A model with its own tokenizer, and the samples taken of both."""

    def __init__(self, name: str, request: TurnsRequest) -> None:
        self.session = open_by_name(request.openers[name], Path(request.models[name]), request.threads)
        self.tokenizer = Tokenizer.from_file(request.tokenizers[name])
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(request.longest)
        self.tokens: list[int] = [0] * len(request.sentences)
        self.model_ms: list[list[float]] = [[] for _ in request.sentences]
        self.tokenizer_ms: list[list[float]] = [[] for _ in request.sentences]

    def run(self, sentence: str) -> tuple[int, float, float]:
        """Return the tokens of `sentence`, and the milliseconds its tokenizer and its model took."""
        start = time.perf_counter_ns()
        ids = self.tokenizer.encode(sentence).ids
        between = time.perf_counter_ns()
        ids_BT = np.asarray([ids], dtype=np.int64)
        attend_BT = np.ones_like(ids_BT)
        ready = time.perf_counter_ns()
        self.session(ids_BT, attend_BT)
        end = time.perf_counter_ns()
        return len(ids), (between - start) / 1e6, (end - ready) / 1e6

    def sample(self, index: int, sentence: str) -> None:
        """Take one sample of the sentence at `index`."""
        self.tokens[index], tokenizer_ms, model_ms = self.run(sentence)
        self.tokenizer_ms[index].append(round(tokenizer_ms, 5))
        self.model_ms[index].append(round(model_ms, 5))

    def samples(self) -> Samples:
        """Return what was measured."""
        return Samples(
            tokens=tuple(self.tokens),
            model_ms=tuple(map(tuple, self.model_ms)),
            tokenizer_ms=tuple(map(tuple, self.tokenizer_ms)),
        )


def turns(names: Sequence[str], number: int) -> list[str]:
    """Return the order of the models at turn `number`: turned round each time, so that none always comes second.

    Worked example: for ``teacher, student`` turn 0 gives ``teacher, student`` and turn 1 ``student, teacher``.
    """
    return list(names) if number % 2 == 0 else list(reversed(names))


def measure(request: TurnsRequest) -> dict[str, Samples]:
    """Run every model on every sentence, `rounds` times, sentence by sentence, and return the samples by name."""
    models = {name: Contestant(name, request) for name in request.models}
    sentences = request.sentences
    for sentence in sorted(sentences, key=len)[-WARM_UP:]:
        for model in models.values():
            model.run(sentence)
    gc.collect()
    gc.disable()
    for number in range(request.rounds):
        for index, sentence in enumerate(sentences):
            for name in turns(list(models), number + index):
                models[name].sample(index, sentence)
    return {name: model.samples() for name, model in models.items()}


if __name__ == "__main__":
    print(json.dumps(plain(measure(TurnsRequest(**json.load(sys.stdin))))))
