"""Tables of latency, throughput, memory and size, made from the raw results of benchmarks/bench.py."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import cast

Raw = Mapping[str, object]
FORMS = (("teacher", "fp32"), ("trim-only", "fp32"), ("student", "fp32"), ("student", "int8"))
MEMORY_AT = 128
"""Pieces of the sentences at which memory is shown; batch 1."""
NOT_RUN = "not run"


def bench_tables(folder: Path) -> list[str]:
    """Return the lines of all tables of one run: a folder a language with `bench.json`."""
    found = {path.parent.name: _read(path) for path in sorted(folder.glob("*/bench.json"))}
    rows = {language: [row for row in _rows(raw) if row["device"] == "cpu"] for language, raw in found.items()}
    everything = [row for many in rows.values() for row in many]
    lengths = sorted({_length(row) for row in everything if row["batch"] == 1})
    batches = sorted({cast("int", row["batch"]) for row in everything})
    at = cast("int", next((row["seq_len"] for row in everything if row["batch"] == batches[-1]), 0))
    return [
        *head(folder, found),
        "",
        "Milliseconds of a sentence (p50, batch 1, one thread), over the pieces of the sentence; `own`: as long as each"
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
        f"Sentences a second at {at} pieces, over the sentences of a batch.\n",
        *table(
            ("language", "model", *(f"batch {batch}" for batch in batches)),
            (
                [language, " ".join(form), *(_rate(_row(many, form, at, batch)) for batch in batches)]
                for language, many in rows.items()
                for form in FORMS
            ),
        ),
        "",
        f"Size and memory (batch 1, {MEMORY_AT} pieces), MB of 10^6 bytes: the file; resident memory at its peak and"
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


def head(folder: Path, found: Mapping[str, Raw]) -> list[str]:
    """Return where the figures come from, and how many of them are too noisy to conclude from."""
    host = cast("Mapping[str, object]", next(iter(found.values()))["host"])
    versions = cast("Mapping[str, str]", host["versions"])
    loads = [cast("Mapping[str, float | None]", raw["host"])["load"] for raw in found.values()]
    known = [load for load in loads if load is not None]
    measured = [row for raw in found.values() for row in _rows(raw) if row["status"] == "measured"]
    noisy = sum(bool(row["noisy"]) for row in measured)
    load = f", load before each language {min(known):.1f} to {max(known):.1f}" if known else ""
    return [
        f"`{folder.name}`: {host['cpu']}, {host['cores']} cores{load}; ONNX Runtime {versions['onnxruntime']}."
        f" `~` marks rows whose rounds differ too widely to conclude from them: {noisy} of {len(measured)}."
    ]


def gpu_lines(found: Mapping[str, Raw]) -> list[str]:
    """Return the table of the GPU, or one line that says why there is none."""
    rows = [(language, row) for language, raw in found.items() for row in _rows(raw) if row["device"] == "cuda"]
    measured = [(language, row) for language, row in rows if row["status"] == "measured"]
    if not measured:
        reasons = sorted({str(row["reason"]) for _, row in rows})
        return [f"GPU: not run: {'; '.join(reasons) or 'no GPU'}."]
    cells = (
        [
            language,
            f"{row['model']} {row['precision']}",
            str(row["batch"]),
            str(row["seq_len"]),
            _ms(row),
            _mb(row["vram_allocated_bytes"]),
        ]
        for language, row in measured
    )
    return ["GPU.\n", *table(("language", "model", "batch", "pieces", "p50, ms", "allocated, MB"), cells)]


def starts_table(path: Path) -> list[str]:
    """Return how both starts of a classifier of texts compare, from what benchmarks/starts.py wrote."""
    found = cast("Mapping[str, Mapping[str, Raw]]", _read(path)["languages"])
    rows = []
    for language, raw in found.items():
        starts = cast("Mapping[str, Mapping[str, float]]", raw["starts"])
        gain = cast("Mapping[str, float]", raw["mean less plain"])
        shown = [f"{100 * s['value']:.1f} ± {100 * s['deviation']:.1f}" for s in (starts["plain"], starts["mean"])]
        low, high = 100 * gain["low"], 100 * gain["high"]
        rows.append([language, *shown, f"{100 * gain['value']:+.1f} ({low:+.1f} to {high:+.1f})"])
    # the factor of the start was chosen on the test part of one of these sets, which its reader must know
    chosen = (
        "The start's factor was chosen on the test part of the Tagalog topics, so that its gain there is flattered.\n"
    )
    return [chosen, *table(("language", "as the library starts", "as the mean", "difference, points"), rows)]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a Markdown table."""
    return ["| " + " | ".join(cells) + " |" for cells in (head, ["---"] * len(head), *rows)]


def _rows(raw: Raw) -> Sequence[Raw]:
    return cast("Sequence[Raw]", raw["rows"])


def _length(row: Raw) -> int:
    """Return the pieces of a row, 0 for sentences at their own length."""
    return cast("int | None", row["seq_len"]) or 0


def _row(rows: Sequence[Raw], form: tuple[str, str], length: int, batch: int) -> Raw | None:
    """Return the measured row of one model at one input."""
    for row in rows:
        same = (row["model"], row["precision"]) == form and (_length(row), row["batch"]) == (length, batch)
        if same and row["runtime"] == "ort" and row["status"] == "measured":
            return row
    return None


def _latency(rows: Sequence[Raw], form: tuple[str, str], length: int) -> str:
    row, teacher = _row(rows, form, length, 1), _row(rows, FORMS[0], length, 1)
    if row is None or teacher is None or row is teacher:
        return NOT_RUN if row is None else _ms(row)
    return f"{_ms(row)} ({cast('float', teacher['p50_ms']) / cast('float', row['p50_ms']):.1f})"


def _ms(row: Raw) -> str:
    return f"{'~' if row['noisy'] else ''}{cast('float', row['p50_ms']):.2f}"


def _rate(row: Raw | None) -> str:
    if row is None:
        return NOT_RUN
    return f"{'~' if row['noisy'] else ''}{cast('float', row['sentences_per_s']):,.0f}"


def _memory(row: Raw | None) -> list[str]:
    if row is None:
        return [NOT_RUN] * 7
    names = ("file", "peak_above_base", "steady_above_base", "base_rss", "retained")
    times = (cast("float", row[name]) for name in ("load_ms", "cold_start_ms"))
    return [*(_mb(row[f"{name}_bytes"]) for name in names), *(f"{time:,.0f}" for time in times)]


def _mb(count: object) -> str:
    return NOT_RUN if count is None else f"{cast('int', count) / 1e6:,.1f}"


def _read(path: Path) -> Raw:
    return json.loads(path.read_text(encoding="utf-8"))
