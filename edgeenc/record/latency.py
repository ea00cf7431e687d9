"""Milliseconds per sentence of models that ran interleaved, and every raw sample.

Axis letters of samples: S sentences, R rounds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """Raw samples of one model: tokens of each sentence (S), milliseconds (S, R) of the model and of its tokenizer."""

    tokens: tuple[int, ...]
    model_ms: tuple[tuple[float, ...], ...]
    tokenizer_ms: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """One model: milliseconds per sentence at batch 1, over the sentences' medians, and every raw sample.

    Attributes:
        bytes: of the file.
        tokens_per_sentence: mean.
        p50, p90: milliseconds, over the sentences' medians.
        spread: the noise: slowest less fastest round of a sentence as a share of its median; of that the median.
        tokenizer_p50: milliseconds from text to ids, median.
        tokens, model_ms, tokenizer_ms: the `Samples`.
    """

    bytes: int
    tokens_per_sentence: float
    p50: float
    p90: float
    spread: float
    tokenizer_p50: float
    tokens: tuple[int, ...]
    model_ms: tuple[tuple[float, ...], ...]
    tokenizer_ms: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """Time of a model as a share of the baseline's on the same sentence: median and quartiles over the sentences."""

    median: float
    q25: float
    q75: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """A comparison; `models` by name and precision (`student int8`), `ratio` has every model but the baseline."""

    unit: str
    runtime: str
    threads: int
    batch: int
    rounds: int
    sentences: int
    baseline: str
    models: Mapping[str, Timing]
    ratio: Mapping[str, Ratio]
    noisy: bool
