"""From raw samples to the values of a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from edgeenc.bench.engines import engines
from edgeenc.bench.matrix import Case
from edgeenc.bench.roofline import highest, least_bytes, operations, standing
from edgeenc.bench.row_process import Taken
from edgeenc.bench.subject import stored_bytes
from edgeenc.record.host import Peak
from edgeenc.record.rows import Row, Status

TOO_WIDE = 0.1
"""Where the medians of the rounds are more than a tenth apart, models that differ by a tenth cannot be told apart."""


@dataclass(frozen=True)
class BenchText:
    """Texts in batches, and where they come from."""

    name: str
    batches: list[list[str]]


@dataclass(frozen=True)
class Round:
    """What one process measured, and when it was started on the clock of `Taken.first_result_ns`."""

    taken: Taken
    started_ns: int

    @property
    def cold_start_ms(self) -> float:
        """Start of the process to its first result."""
        return round((self.taken.first_result_ns - self.started_ns) / 1e6, 3)


def empty_row(case: Case, status: Status, reason: str) -> Row:
    """Return the row of a case that was not measured."""
    return Row(
        model=case.subject.name,
        runtime=case.runtime,
        device=case.device,
        precision=case.precision,
        threads=case.threads,
        batch=case.batch,
        seq_len=case.length,
        status=status,
        reason=reason,
    )


def measured_row(case: Case, rounds: Sequence[Round], text: BenchText, peaks: Sequence[Peak]) -> Row:
    """Return the row of a case from its rounds, the text it was measured on, and the machine's peaks."""
    taken = [one.taken for one in rounds]
    row = with_content(empty_row(case, "measured", ""), case, taken[0], text)
    row = with_memory(with_times(row, case, rounds), taken)
    return with_standing(row, case, taken[0], peaks)


def with_content(row: Row, case: Case, taken: Taken, text: BenchText) -> Row:
    """Return the row with what was run."""
    file = case.subject.file(case.runtime, case.precision)
    return replace(
        row,
        text=text.name,
        output=taken.output,
        tokens_per_sentence=_round(np.mean([tokens for batch in taken.tokens for tokens in batch])),
        characters_per_sentence=_round(np.mean([len(line) for batch in text.batches for line in batch])),
        file_bytes=stored_bytes(file) if file is not None else None,
    )


def with_times(row: Row, case: Case, rounds: Sequence[Round]) -> Row:
    """Return the row with the milliseconds and rates of all rounds."""
    samples = [one.taken.samples_ms for one in rounds]
    every = tuple(sample for one in samples for sample in one)
    p50, p90, p99 = percentiles(every)
    apart = spread(samples)
    sentences, tokens = throughput(every, [sum(batch) for batch in rounds[0].taken.tokens], case.batch)
    tokenizer = tuple(sample for one in rounds for sample in one.taken.tokenizer_ms)
    load, cold = tuple(one.taken.load_ms for one in rounds), tuple(one.cold_start_ms for one in rounds)
    first_counts = engines()[case.runtime].start_that_counts == "first"
    return replace(
        row,
        p50_ms=p50,
        p90_ms=p90,
        p99_ms=p99,
        samples_ms=every,
        samples_per_round=tuple(len(one) for one in samples),
        clock=rounds[0].taken.clock,
        spread=apart,
        noisy=apart is not None and apart > TOO_WIDE,
        sentences_per_s=sentences,
        tokens_per_s=tokens,
        tokenizer_ms=_round(np.median(tokenizer)),
        tokenizer_samples_ms=tokenizer,
        load_ms=_round(np.median(load)),
        load_samples_ms=load,
        cold_start_ms=cold[0] if first_counts else _round(np.median(cold)),
        cold_start_samples_ms=cold,
    )


def with_memory(row: Row, rounds: Sequence[Taken]) -> Row:
    """Return the row with the bytes of the worst round; of the base, those of the median round."""
    vram = [one.vram for one in rounds if one.vram is not None]
    return replace(
        row,
        base_rss_bytes=sorted(one.base_rss_bytes for one in rounds)[len(rounds) // 2],
        peak_rss_bytes=max(one.peak_rss_bytes for one in rounds),
        steady_rss_bytes=max(one.steady_rss_bytes for one in rounds),
        peak_above_base_bytes=max(one.peak_rss_bytes - one.base_rss_bytes for one in rounds),
        steady_above_base_bytes=max(one.steady_rss_bytes - one.base_rss_bytes for one in rounds),
        retained_bytes=rounds[0].retained_bytes,
        vram_allocated_bytes=max((allocated for allocated, _ in vram), default=None),
        vram_reserved_bytes=max((reserved for _, reserved in vram), default=None),
    )


def with_standing(row: Row, case: Case, taken: Taken, peaks: Sequence[Peak]) -> Row:
    """Return the row with operations and rates of a mean run, its sentences padded to the longest of their batch."""
    shape, output = case.subject.shape, taken.width if taken.output == "logits" else 0
    lengths = [max(batch) for batch in taken.tokens]
    run_operations = [operations(shape, case.batch, length, output) for length in lengths]
    run_bytes = [least_bytes(shape, case.batch, length, case.precision, output) for length in lengths]
    rates = highest(peaks, case.device, case.threads, case.precision)
    found = standing(float(np.mean(run_operations)), float(np.mean(run_bytes)), row.p50_ms or 0.0, rates)
    return replace(
        row,
        gflop=found.gflop,
        gflops=found.gflops,
        gbytes_per_s=found.gbytes_per_s,
        compute_share=found.compute_share,
        bandwidth_share=found.bandwidth_share,
        share_of_peak=found.share_of_peak,
        bound=found.bound,
    )


def percentiles(samples: Sequence[float]) -> tuple[float, float, float]:
    """Return the 50th, 90th and 99th percentile, linear between neighbouring samples.

    Worked example: of 1, 2, ..., 11 the 50th is sample 6, the 90th sample 10, the 99th nine tenths of the way from 10
    to 11: 6, 10, 10.9.
    """
    p50, p90, p99 = np.quantile(samples, (0.5, 0.9, 0.99))
    return _round(p50), _round(p90), _round(p99)


def throughput(samples: Sequence[float], tokens: Sequence[int], batch: int) -> tuple[float, float]:
    """Return sentences and tokens per second over all samples (ms); sample i ran batch i modulo their number.

    Worked example: samples of 10, 30, 20 and 40 ms over two batches of 2 sentences with 7 and 13 tokens: 8 sentences
    and 40 tokens in 0.1 s are 80 and 400 per second.
    """
    seconds = sum(samples) / 1e3
    passes = len(samples) / len(tokens)
    return _round(batch * len(samples) / seconds), _round(passes * sum(tokens) / seconds)


def spread(rounds: Sequence[Sequence[float]]) -> float | None:
    """Return how far the medians of the rounds lie apart, as a share of the median of all samples; None for one round.

    Worked example: rounds (1, 2, 3) and (3, 4, 5) have medians 2 and 4, all six have 3: 2 / 3.
    """
    if len(rounds) < 2:
        return None
    medians = [float(np.median(samples)) for samples in rounds]
    return _round((max(medians) - min(medians)) / np.median(np.concatenate([np.asarray(one) for one in rounds])))


def _round(value: float | np.floating) -> float:
    return round(float(value), 4)
