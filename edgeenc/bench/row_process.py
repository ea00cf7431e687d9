"""The process of one measurement: reads a request on stdin, writes one JSON object as the last line of stdout.

    python -m edgeenc.bench.row_process < request.json

Under ONNX Runtime it holds what an app holds: numpy, tokenizers, onnxruntime. Axis letters: B batch, T tokens.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypedDict

import numpy as np

from edgeenc.bench.engines import Engine, import_runtime, open_engine, padded
from edgeenc.machine.memory import peak_resident_bytes, resident_bytes
from edgeenc.record.old_rows import Device, Precision, RuntimeName

if TYPE_CHECKING:
    from tokenizers import Tokenizer

WARM_UP = 3
"""Runs before the first sample: the first ones allocate memory and touch every page of the file."""


class Request(TypedDict):
    """What to measure: `batches` of texts, each run in turn; at least `runs` samples and `seconds` of them.

    `cut` is where the tokenizer cuts a text; `lengths` are those of the run that shows what memory is kept, or empty.
    """

    runtime: RuntimeName
    device: Device
    precision: Precision
    threads: int
    path: str
    tokenizer: str
    pad: int
    cut: int
    batches: list[list[str]]
    lengths: list[int]
    runs: int
    seconds: float


class Taken(TypedDict):
    """What was measured: milliseconds, bytes, and when the first result was there on the clock of all processes.

    `tokens` are those of the sentences of each batch, without padding.
    """

    output: str
    width: int
    clock: Literal["wall", "events"]
    tokens: list[list[int]]
    samples_ms: list[float]
    tokenizer_ms: list[float]
    load_ms: float
    first_result_ns: int
    base_rss_bytes: int
    peak_rss_bytes: int
    steady_rss_bytes: int
    retained_bytes: int | None
    vram: tuple[int, int] | None


def measure(request: Request) -> Taken:
    """Load one model, run it, and return every sample."""
    from tokenizers import Tokenizer

    import_runtime(request["runtime"], request["device"])
    base = resident_bytes()
    tokenizer = Tokenizer.from_file(request["tokenizer"])
    tokenizer.no_padding()
    tokenizer.enable_truncation(request["cut"])
    start = time.perf_counter_ns()
    engine = _open(request)
    load_ms = (time.perf_counter_ns() - start) / 1e6
    first = padded(_encode(tokenizer, request["batches"][0]), request["pad"])
    engine.bind(*first)()
    first_result_ns = time.monotonic_ns()
    batches = [_encode(tokenizer, batch) for batch in request["batches"]]
    runs = [engine.bind(*padded(rows, request["pad"])) for rows in batches]
    for number in range(max(WARM_UP, len(runs))):
        runs[number % len(runs)]()
    gc.collect()
    gc.disable()
    samples = sampled(runs, request["runs"], request["seconds"])
    steady, peak = resident_bytes(), peak_resident_bytes()
    texts = [lambda batch=batch: _clocked(tokenizer, batch) for batch in request["batches"]]
    return {
        "output": engine.output,
        "width": engine.run(*first).shape[-1],
        "clock": engine.clock,
        "tokens": [[len(ids) for ids in rows] for rows in batches],
        "samples_ms": samples,
        "tokenizer_ms": sampled(texts, request["runs"], 0.0),
        "load_ms": round(load_ms, 3),
        "first_result_ns": first_result_ns,
        "base_rss_bytes": base,
        "peak_rss_bytes": peak,
        "steady_rss_bytes": steady,
        "vram": engine.vram(),  # before the last step, whose batches may be larger than those of this row
        "retained_bytes": _retained(engine, first[0], request["lengths"]) if request["lengths"] else None,
    }


def sampled(runs: Sequence[Callable[[], float]], least: int, seconds: float) -> list[float]:
    """Return the milliseconds of whole passes over `runs`: at least `least` samples, and `seconds` of the clock.

    Whole passes, since batches of other lengths have other times, and each should count as often as any other.
    """
    end = time.perf_counter() + seconds
    samples: list[float] = []
    while len(samples) < least or time.perf_counter() < end:
        samples.extend([round(run(), 5) for run in runs])
    return samples


def up_and_down(longest: int, count: int = 8) -> list[int]:
    """Return `count` lengths up to `longest`, the longest first, then by turns from both ends.

    Worked example: for 80 pieces the lengths are 10, 20, ..., 80, in the order 80, 10, 70, 20, 60, 30, 50, 40.
    """
    lengths = [max(1, round(longest * (number + 1) / count)) for number in range(count)]
    return [lengths[-1 - i // 2] if i % 2 == 0 else lengths[i // 2] for i in range(count)]


def _open(request: Request) -> Engine:
    path = Path(request["path"])
    return open_engine(request["runtime"], path, request["device"], request["precision"], request["threads"])


def _encode(tokenizer: Tokenizer, batch: list[str]) -> list[list[int]]:
    return [encoding.ids for encoding in tokenizer.encode_batch(batch)]


def _clocked(tokenizer: Tokenizer, batch: list[str]) -> float:
    start = time.perf_counter_ns()
    _encode(tokenizer, batch)
    return (time.perf_counter_ns() - start) / 1e6


def _retained(engine: Engine, ids_BT: np.ndarray, lengths: Sequence[int]) -> int:
    """Return how many bytes more the process holds after it has run batches of other lengths than before."""
    before = resident_bytes()
    for length in lengths:
        other_BT = np.stack([np.resize(ids_T, length) for ids_T in ids_BT])
        engine.bind(other_BT, np.ones_like(other_BT))()
    gc.collect()
    return resident_bytes() - before


if __name__ == "__main__":
    sys.stdout.write(json.dumps(measure(json.load(sys.stdin))) + "\n")
