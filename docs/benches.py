"""Tables of latency, throughput, memory and size, made from the raw results of benchmarks/bench.py."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from edgeenc.record.form import parse
from edgeenc.record.rows import Bench, Row

FORMS = (("teacher", "fp32"), ("trim-only", "fp32"), ("student", "fp32"), ("student", "int8"))
RUNTIME = "ort"
"""The runtime whose rows are shown."""
MEMORY_AT = 128
"""Tokens of the sentences at which memory is shown; batch 1."""
NOT_RUN = "not run"


@dataclass(frozen=True, slots=True)
class MeanScore:
    """Mean and sample deviation over seeds, 0 to 1."""

    value: float
    deviation: float


@dataclass(frozen=True, slots=True)
class Gain:
    """A paired difference with its 95 % confidence interval, 0 to 1."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class BothStarts:
    """A language in what benchmarks/starts.py writes."""

    starts: Mapping[str, MeanScore]
    gain: Annotated[Gain, Field(alias="mean less plain")]


@dataclass(frozen=True, slots=True)
class Starts:
    """What benchmarks/starts.py writes, by language."""

    languages: Mapping[str, BothStarts]


def bench_tables(folder: Path) -> list[str]:
    """Return the lines of all tables of one run: a folder a language with `bench.json`."""
    found = {path.parent.name: parse(Bench, path.read_bytes()) for path in sorted(folder.glob("*/bench.json"))}
    rows = {language: [row for row in bench.rows if row.device == "cpu"] for language, bench in found.items()}
    everything = [row for many in rows.values() for row in many]
    lengths = sorted({row.seq_len or 0 for row in everything if row.batch == 1})
    batches = sorted({row.batch for row in everything})
    at = next((row.seq_len or 0 for row in everything if row.batch == batches[-1]), 0)
    return [
        *head(folder, found),
        "",
        "Milliseconds of a sentence (p50, batch 1, one thread), over the tokens of the sentence; `own`: as long as each"
        " is. In brackets: times as fast as the teacher.\n",
        *table(
            ("language", "model", *(str(n) if n else "own" for n in lengths)),
            (
                [language, " ".join(form), *(_latency(many, form, length) for length in lengths)]
                for language, many in rows.items()
                for form in FORMS
            ),
        ),
        "",
        f"Sentences a second at {at} tokens, over the sentences of a batch.\n",
        *table(
            ("language", "model", *(f"batch {batch}" for batch in batches)),
            (
                [language, " ".join(form), *(_rate(_row(many, form, at, batch)) for batch in batches)]
                for language, many in rows.items()
                for form in FORMS
            ),
        ),
        "",
        f"Size and memory (batch 1, {MEMORY_AT} tokens), MB of 10^6 bytes: the file; resident memory at its peak and"
        " after the last run, less the interpreter with its runtime, which stands apart; what longer texts leave"
        " behind. Loading the file, and the start of a process to its first result.\n",
        *table(
            ("language", "model", "file", "peak", "steady", "interpreter", "left behind", "load, ms", "cold start, ms"),
            (
                [language, " ".join(form), *_memory(_row(many, form, MEMORY_AT, 1))]
                for language, many in rows.items()
                for form in FORMS
            ),
        ),
        "",
        *gpu_lines(found),
    ]


def head(folder: Path, found: Mapping[str, Bench]) -> list[str]:
    """Return where the figures come from, and how many of them are too noisy to conclude from."""
    host = next(iter(found.values())).host
    known = [bench.host.load for bench in found.values() if bench.host.load is not None]
    measured = [row for bench in found.values() for row in bench.rows if row.status == "measured"]
    noisy = sum(row.noisy for row in measured)
    load = f", load before each language {min(known):.1f} to {max(known):.1f}" if known else ""
    return [
        f"`{folder.name}`: {host.cpu}, {host.cores} cores{load}; ONNX Runtime {host.versions['onnxruntime']}."
        f" `~` marks rows whose rounds differ too widely to conclude from them: {noisy} of {len(measured)}."
    ]


def gpu_lines(found: Mapping[str, Bench]) -> list[str]:
    """Return the table of the GPU, or one line that says why there is none."""
    rows = [(language, row) for language, bench in found.items() for row in bench.rows if row.device == "cuda"]
    measured = [(language, row) for language, row in rows if row.status == "measured"]
    if not measured:
        reasons = sorted({row.reason for _, row in rows})
        return [f"GPU: not run: {'; '.join(reasons) or 'no GPU'}."]
    cells = (
        [language, row.name, str(row.batch), str(row.seq_len), _ms(row), _mb(row.vram_allocated_bytes)]
        for language, row in measured
    )
    return ["GPU.\n", *table(("language", "model", "batch", "tokens", "p50, ms", "allocated, MB"), cells)]


def starts_table(path: Path) -> list[str]:
    """Return how both starts of a classifier of texts compare, from what benchmarks/starts.py wrote."""
    rows = []
    for language, both in parse(Starts, path.read_bytes()).languages.items():
        starts = [both.starts[name] for name in ("plain", "mean")]
        shown = [f"{100 * start.value:.1f} ± {100 * start.deviation:.1f}" for start in starts]
        low, high = 100 * both.gain.low, 100 * both.gain.high
        rows.append([language, *shown, f"{100 * both.gain.value:+.1f} ({low:+.1f} to {high:+.1f})"])
    # the factor of the start was chosen on the test part of one of these sets, which its reader must know
    chosen = (
        "The start's factor was chosen on the test part of the Tagalog topics, so that its gain there is flattered.\n"
    )
    return [chosen, *table(("language", "as the library starts", "as the mean", "difference, points"), rows)]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a Markdown table."""
    return ["| " + " | ".join(cells) + " |" for cells in (head, ["---"] * len(head), *rows)]


def _row(rows: Sequence[Row], form: tuple[str, str], length: int, batch: int) -> Row | None:
    """Return the measured row of one model at one input; length 0 stands for sentences at their own length."""
    for row in rows:
        same = (row.model, row.precision) == form and (row.seq_len or 0, row.batch) == (length, batch)
        if same and row.runtime == RUNTIME and row.status == "measured":
            return row
    return None


def _latency(rows: Sequence[Row], form: tuple[str, str], length: int) -> str:
    row, teacher = _row(rows, form, length, 1), _row(rows, FORMS[0], length, 1)
    if row is None:
        return NOT_RUN
    if teacher is None or row is teacher or row.p50_ms is None or teacher.p50_ms is None:
        return _ms(row)
    return f"{_ms(row)} ({teacher.p50_ms / row.p50_ms:.1f})"


def _ms(row: Row) -> str:
    return f"{'~' if row.noisy else ''}{_number(row.p50_ms, '.2f')}"


def _rate(row: Row | None) -> str:
    return NOT_RUN if row is None else f"{'~' if row.noisy else ''}{_number(row.sentences_per_s, ',.0f')}"


def _memory(row: Row | None) -> list[str]:
    if row is None:
        return [NOT_RUN] * 7
    kept = (row.file_bytes, row.peak_above_base_bytes, row.steady_above_base_bytes, row.base_rss_bytes)
    times = (row.load_ms, row.cold_start_ms)
    return [*map(_mb, (*kept, row.retained_bytes)), *(_number(time, ",.0f") for time in times)]


def _mb(count: int | None) -> str:
    return NOT_RUN if count is None else f"{count / 1e6:,.1f}"


def _number(value: float | None, form: str) -> str:
    return NOT_RUN if value is None else format(value, form)
