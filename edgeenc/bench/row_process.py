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
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from edgeenc.bench.engines import engines
from edgeenc.bench.engines.engine import LoadedModel
from edgeenc.bench.settings import Device
from edgeenc.machine.memory import peak_resident_bytes, resident_bytes
from edgeenc.record.form import plain
from edgeenc.text.whole import padded

if TYPE_CHECKING:
    from tokenizers import Tokenizer

WARM_UP = 3
"""Runs before the first sample: the first ones allocate memory and touch every page of the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowRequest:
    """What to measure: `batches` of texts, each run in turn; at least `runs` samples and `seconds` of them.

    Attributes:
        path: the file that the runtime loads.
        opener: where what runs it lies, as its target says; "" where none does.
        tokenizer: its file.
        pad: id that batches are filled up with.
        max_length: to how many tokens the tokenizer truncates a text.
        lengths: those of the run that shows what memory is kept, or empty.
    """

    runtime: str
    device: Device
    precision: str
    threads: int
    path: str
    opener: str
    tokenizer: str
    pad: int
    max_length: int
    batches: Sequence[Sequence[str]]
    lengths: Sequence[int]
    runs: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What was measured: milliseconds, bytes, and when the first result was there on the clock of all processes.

    Attributes:
        output, width: first output of the model, and its last dimension.
        tokens: those of the sentences of each batch, without padding.
        vram: peak bytes allocated and reserved on the GPU.
        The others as in `record.rows.Row`.
    """

    output: str
    width: int
    clock: Literal["wall", "events"]
    tokens: tuple[tuple[int, ...], ...]
    samples_ms: tuple[float, ...]
    tokenizer_ms: tuple[float, ...]
    load_ms: float
    first_result_ns: int
    base_rss_bytes: int
    peak_rss_bytes: int
    steady_rss_bytes: int
    retained_bytes: int | None
    vram: tuple[int, int] | None


def measure(request: RowRequest) -> Taken:
    """Load one model, run it, and return every sample."""
    from tokenizers import Tokenizer

    runtime = engines()[request.runtime]
    runtime.start(request.device)
    base = resident_bytes()
    tokenizer = Tokenizer.from_file(request.tokenizer)
    tokenizer.no_padding()
    tokenizer.enable_truncation(request.max_length)
    start = time.perf_counter_ns()
    model = runtime.open(Path(request.path), request.device, request.precision, request.threads, request.opener)
    load_ms = (time.perf_counter_ns() - start) / 1e6
    first = padded(_encode(tokenizer, request.batches[0]), request.pad)
    model.bind(*first)()
    first_result_ns = time.monotonic_ns()
    batches = [_encode(tokenizer, batch) for batch in request.batches]
    runs = [model.bind(*padded(rows, request.pad)) for rows in batches]
    for number in range(max(WARM_UP, len(runs))):
        runs[number % len(runs)]()
    gc.collect()
    gc.disable()
    samples = sampled(runs, request.runs, request.seconds)
    steady, peak = resident_bytes(), peak_resident_bytes()
    texts = [lambda batch=batch: _clocked(tokenizer, batch) for batch in request.batches]
    width = model.run(*first).shape[-1]
    vram = model.vram()  # before the last step, whose batches may be larger than those of this row
    return Taken(
        output=model.output,
        width=width,
        clock=model.clock,
        tokens=tuple(tuple(len(ids) for ids in rows) for rows in batches),
        samples_ms=tuple(samples),
        tokenizer_ms=tuple(sampled(texts, request.runs, 0.0)),
        load_ms=round(load_ms, 3),
        first_result_ns=first_result_ns,
        base_rss_bytes=base,
        peak_rss_bytes=peak,
        steady_rss_bytes=steady,
        vram=vram,
        retained_bytes=_retained(model, first[0], request.lengths) if request.lengths else None,
    )


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
    """Return `count` lengths up to `longest`, the longest first, then in turn from both ends.

    Worked example: for 80 tokens the lengths are 10, 20, ..., 80, in the order 80, 10, 70, 20, 60, 30, 50, 40.
    """
    lengths = [max(1, round(longest * (number + 1) / count)) for number in range(count)]
    return [lengths[-1 - i // 2] if i % 2 == 0 else lengths[i // 2] for i in range(count)]


def _encode(tokenizer: Tokenizer, batch: Sequence[str]) -> list[list[int]]:
    return [encoding.ids for encoding in tokenizer.encode_batch(batch)]


def _clocked(tokenizer: Tokenizer, batch: Sequence[str]) -> float:
    start = time.perf_counter_ns()
    _encode(tokenizer, batch)
    return (time.perf_counter_ns() - start) / 1e6


def _retained(model: LoadedModel, ids_BT: np.ndarray, lengths: Sequence[int]) -> int:
    """Return how many bytes more the process holds after it has run batches of other lengths than before."""
    before = resident_bytes()
    for length in lengths:
        other_BT = np.stack([np.resize(ids_T, length) for ids_T in ids_BT])
        model.bind(other_BT, np.ones_like(other_BT))()
    gc.collect()
    return resident_bytes() - before


if __name__ == "__main__":
    sys.stdout.write(json.dumps(plain(measure(RowRequest(**json.load(sys.stdin))))) + "\n")
