"""Milliseconds per sentence of real text: each model is fed what its own tokenizer makes of the sentence.

Milliseconds per token would praise a model whose tokenizer splits words into more tokens, so the sentence is the unit.
Models are interleaved in one fresh process, sentence by sentence, so that a slow moment of the machine falls on all.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgeenc.bench.fresh import run_fresh
from edgeenc.errors import HostError, InputError, UsageError
from edgeenc.record.form import parse, plain
from edgeenc.record.latency import Latency, Ratio, Samples, Timing
from edgeenc.targets.target import maker_of

NOISY = 0.25
"""A spread above this is said to be rough in reports: the same sentence then took times a quarter apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnsRequest:
    """What to measure; models and tokenizers are paths by the same names.

    Attributes:
        openers: by the same names, what runs a file, as `Precision.opener` has it.
        sentences: each is run `rounds` times by every model.
        threads: threads of ONNX Runtime within one operation.
        longest: sentences are truncated to this many tokens.
    """

    models: Mapping[str, str]
    openers: Mapping[str, str]
    tokenizers: Mapping[str, str]
    sentences: Sequence[str]
    rounds: int
    threads: int
    longest: int


def compare_latency(
    models: Mapping[str, Path],
    tokenizers: Mapping[str, Path],
    sentences: Sequence[str],
    *,
    rounds: int = 5,
    threads: int = 1,
    longest: int = 512,
) -> Latency:
    """Time exported files on the same sentences, batch 1, in one fresh process; the first model is the baseline.

    Args:
        models: exported file by name; what it is called tells its target.
        tokenizers: `tokenizer.json`, or the folder it is in, by the same names.
        sentences: real text; every sentence is run `rounds` times by every model.
        rounds: how often; the median over rounds stands for the sentence.
        threads: threads of the runtime within one operation.
        longest: sentences are truncated to this many tokens; no more than the positions of any model.

    Raises:
        UsageError: names differ, there are none, or there is nothing to run.
        InputError: a file is missing.
        HostError: the measuring process failed.
    """
    if not models or list(models) != [name for name in models if name in tokenizers] or len(tokenizers) != len(models):
        raise UsageError(
            f"latency: models are {', '.join(models) or 'none'}, tokenizers {', '.join(tokenizers) or 'none'};"
            " one tokenizer for each model is expected"
        )
    if not sentences or rounds < 1:
        raise UsageError(f"latency: {len(sentences)} sentences and {rounds} rounds; at least one of each is expected")
    files = {name: path / "tokenizer.json" if path.is_dir() else path for name, path in tokenizers.items()}
    for path in (*models.values(), *files.values()):
        if not path.is_file():
            raise InputError(f"latency: {path}: no such file")
    samples = _in_child(
        TurnsRequest(
            models={name: str(path.resolve()) for name, path in models.items()},
            openers={name: maker_of(path)[1].opener for name, path in models.items()},
            tokenizers={name: str(path.resolve()) for name, path in files.items()},
            sentences=tuple(sentences),
            rounds=rounds,
            threads=threads,
            longest=longest,
        )
    )
    timings = {name: timing(samples[name], path.stat().st_size) for name, path in models.items()}
    baseline, *others = models
    return Latency(
        unit="ms per sentence",
        runtime=maker_of(models[baseline])[0].runtime,
        threads=threads,
        batch=1,
        rounds=rounds,
        sentences=len(sentences),
        baseline=baseline,
        models=timings,
        ratio={name: paired_ratio(timings[name].model_ms, timings[baseline].model_ms) for name in others},
        noisy=any(model.spread > NOISY for model in timings.values()),
    )


def timing(samples: Samples, size: int) -> Timing:
    """Summarise the raw samples of one model whose file has `size` bytes.

    Worked example: two sentences with rounds (1, 2, 3) and (4, 4, 8) ms have medians 2 and 4, so p50 is 3 and p90 3.8;
    their spreads are (3 - 1) / 2 = 1 and (8 - 4) / 4 = 1, so the spread is 1.
    """
    ms_SR = np.asarray(samples.model_ms)
    median_S = np.median(ms_SR, axis=1)
    tokenizer_S = np.median(np.asarray(samples.tokenizer_ms), axis=1)
    return Timing(
        bytes=size,
        tokens_per_sentence=_round(np.mean(samples.tokens)),
        p50=_round(np.median(median_S)),
        p90=_round(np.quantile(median_S, 0.9)),
        spread=_round(np.median((ms_SR.max(axis=1) - ms_SR.min(axis=1)) / median_S)),
        tokenizer_p50=_round(np.median(tokenizer_S)),
        tokens=samples.tokens,
        model_ms=samples.model_ms,
        tokenizer_ms=samples.tokenizer_ms,
    )


def paired_ratio(model_ms: Sequence[Sequence[float]], baseline_ms: Sequence[Sequence[float]]) -> Ratio:
    """Return the time of a model over the baseline's: the median over rounds, then quartiles over sentences.

    Each ratio is of two runs that followed one another, so a machine that slows down for a second changes both.

    Worked example: one sentence, 1 and 2 ms against 4 and 4 ms: ratios 0.25 and 0.5, median 0.375.
    """
    ratio_S = np.median(np.asarray(model_ms) / np.asarray(baseline_ms), axis=1)
    q25, median, q75 = np.quantile(ratio_S, [0.25, 0.5, 0.75])
    return Ratio(median=_round(median), q25=_round(q25), q75=_round(q75))


def _round(value: np.floating | NDArray[np.float64]) -> float:
    return round(float(value), 5)


def _in_child(request: TurnsRequest) -> Mapping[str, Samples]:
    """Run `edgeenc.bench.turns_process` on `request` and return its samples."""
    done = run_fresh("edgeenc.bench.turns_process", json.dumps(plain(request)), request.threads)
    if not done.answer:
        raise HostError(f"latency: the measuring process {done.reason}; run it again, or free memory")
    return parse(dict[str, Samples], done.answer)
