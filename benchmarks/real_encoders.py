"""Try a published encoder at full size: plan, inspect, a build that only trims, and how near its vectors stay.

    nice python benchmarks/real_encoders.py CHECKPOINT --lang tl --vocab-size 12000 --out benchmarks/results/NAME.json

The mean vectors of held-out lines of the corpus from the fp32 and the int8 file are compared with those of the
untouched checkpoint, which transformers alone loads: its own tokenizer file, its own class without a head.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from transformers import AutoModel

from edgeenc.asked import Ask, build, plan
from edgeenc.bundle.inspect import look
from edgeenc.machine.describe import describe
from edgeenc.record.form import plain
from edgeenc.record.host import Host
from edgeenc.store import Store
from edgeenc.text.corpus import load_corpus

RECIPE = """name: trim-real
teacher: {teacher}
seed: 0
stages:
  - {{kind: trim-vocab, vocab_size: {size}}}
bounds:
  parity: 1.0e-4
  mean_cosine: 0.98
  worst_cosine: 0.9
"""
LONGEST = 256
"""Tokens of a text at most."""

Vectors = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Nearness:
    """A file against the untouched model: its bytes, and cosines of mean vectors of held-out lines."""

    file: str
    bytes: int
    mean_cosine: float
    lowest_cosine: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What was seen of one encoder; seconds are of whole processes, on the machine of `host`, whose load it has."""

    encoder: str
    bytes: int
    notes: tuple[str, ...]
    plan_seconds: tuple[float, ...]
    inspect_seconds: float
    build_seconds: float
    lines: int
    files: tuple[Nearness, ...]
    host: Host


def main() -> None:
    """Do it, print the result and write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--lang", default="tl")
    parser.add_argument("--vocab-size", type=int, default=12_000)
    parser.add_argument("--lines", type=int, default=500)
    parser.add_argument("--work", type=Path, default=Path("real-encoder"), help="folder of store, recipe and bundle")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    recipe = given.work / "trim.yaml"
    recipe.write_text(RECIPE.format(teacher=given.checkpoint.resolve(), size=given.vocab_size), encoding="utf-8")
    ask, store = Ask(given.lang, str(recipe)), Store(given.work / "store")
    planned = tuple(timed("plan", "--lang", given.lang, "--teacher", str(given.checkpoint)) for _ in range(3))
    inspected = timed("inspect", str(given.checkpoint))
    started = time.perf_counter()
    bundle = build(ask, given.work / "bundle", store)
    spent = time.perf_counter() - started
    corpus = next(step for step in plan(ask, store).steps if step.kind == "corpus")
    lines = load_corpus(store.folder(corpus.key, corpus.name)).test[: given.lines]
    wanted = untouched(given.checkpoint, lines)
    files = sorted(bundle.rglob("*.onnx"))
    found = Result(
        encoder=given.checkpoint.name,
        bytes=(given.checkpoint / "model.safetensors").stat().st_size,
        notes=look(given.checkpoint).notes,
        plan_seconds=planned,
        inspect_seconds=inspected,
        build_seconds=round(spent, 1),
        lines=len(lines),
        files=tuple(nearness(file, of_file(file, bundle, lines), wanted) for file in files),
        host=describe(),
    )
    given.out.write_text(json.dumps(plain(found), indent=1) + "\n", encoding="utf-8")
    print(given.out.read_text(encoding="utf-8"))


def timed(*arguments: str) -> float:
    """Return the seconds of a command of ours in a fresh process."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-m", "edgeenc", *arguments], check=True, stdout=subprocess.DEVNULL)
    return round(time.perf_counter() - started, 2)


def encoded(folder: Path, lines: tuple[str, ...]) -> list[NDArray[np.int64]]:
    """Return the ids (1, T) of each line."""
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(LONGEST)
    return [np.array([one.ids], dtype=np.int64) for one in tokenizer.encode_batch(list(lines))]


def untouched(folder: Path, lines: tuple[str, ...]) -> Vectors:
    """Return the mean vectors (N, H) that transformers gives."""
    model = AutoModel.from_pretrained(folder, local_files_only=True, add_pooling_layer=False).eval()
    with torch.no_grad():
        states = [model(input_ids=torch.from_numpy(ids)).last_hidden_state for ids in encoded(folder, lines)]
    return np.stack([one[0].double().mean(0).numpy() for one in states])


def of_file(file: Path, bundle: Path, lines: tuple[str, ...]) -> Vectors:
    """Return the mean vectors (N, H) that an exported file gives."""
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    names = {one.name for one in session.get_inputs()}

    def mean(ids: NDArray[np.int64]) -> Vectors:
        fed = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        states = np.asarray(session.run(None, {name: value for name, value in fed.items() if name in names})[0])
        return states[0].astype(np.float64).mean(0)

    return np.stack([mean(ids) for ids in encoded(bundle, lines)])


def nearness(file: Path, own: Vectors, wanted: Vectors) -> Nearness:
    """Return how near the vectors of a file are to those of the untouched model."""
    cosines = (own * wanted).sum(1) / (np.linalg.norm(own, axis=1) * np.linalg.norm(wanted, axis=1))
    return Nearness(
        file=file.name,
        bytes=file.stat().st_size,
        mean_cosine=round(float(cosines.mean()), 6),
        lowest_cosine=round(float(cosines.min()), 6),
    )


if __name__ == "__main__":
    main()
