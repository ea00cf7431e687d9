"""Times: what a build measured on its own host, and what `edgeenc bench` measured."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from edgeenc.bench.turns import NOISY
from edgeenc.record.latency import Latency
from edgeenc.record.rows import Row
from edgeenc.report.conditions import device_words, place_words, runtime_words
from edgeenc.report.draw.blocks import Bar, Picture, Section, Table, without_empty
from edgeenc.report.draw.numbers import MISSING, count, megabytes, milliseconds, percent, rate, ratio
from edgeenc.report.draw.plot import Plot, Point, Series, linear_axis


def latency_section(latency: Latency) -> Section:
    """Return milliseconds per sentence, with their noise."""
    models = latency.models
    bars = tuple(
        Bar(
            name,
            f"p50 {milliseconds(m.p50)} ms, p90 {milliseconds(m.p90)} ms",
            (m.p50, m.p90 - m.p50),
        )
        for name, m in models.items()
    )
    head = ("Model", "MB", "Tokens per sentence", "p50 ms", "p90 ms", "Spread of rounds", "Tokenizer p50 ms")
    rows = tuple(
        (
            name,
            megabytes(m.bytes),
            f"{m.tokens_per_sentence:,.1f}",
            *map(milliseconds, (m.p50, m.p90)),
            percent(m.spread),
            milliseconds(m.tokenizer_p50),
        )
        for name, m in models.items()
    )
    compared = tuple(
        f"{name} takes {ratio(r.median)} of the time of {latency.baseline} on the same sentence; for the middle"
        f" half of the sentences it is between {ratio(r.q25)} and {ratio(r.q75)}."
        for name, r in latency.ratio.items()
    )
    rough = (f"The rounds differ by more than {percent(NOISY)}: this host was busy, take these times as rough.",)
    return Section(
        "Latency",
        text=(*compared, *(rough if latency.noisy else ())),
        pictures=(Picture("Milliseconds per sentence", ("up to p50", "from p50 to p90"), bars),),
        tables=(Table("Milliseconds per sentence of real text", head, "l" + "r" * 6, rows),),
        notes=(
            f"{latency.runtime}, threads: {latency.threads}, batch: {latency.batch}, sentences:"
            f" {count(latency.sentences)}, rounds: {latency.rounds}. Models are interleaved, sentence by sentence, in"
            " one fresh process, each with its own tokenizer, whose time is apart. p50 and p90 are over the"
            " sentences; spread is slowest less fastest round of a sentence over its median."
            " Raw samples are in report.json.",
        ),
    )


def speed_section(rows: Sequence[Row]) -> Section:
    """Return the times of a benchmark: lines over the sequence length, and a table for each runtime and device."""
    measured = [row for row in rows if row.measured]
    noisy = [row for row in measured if row.noisy]
    rough = (
        f"Rough: {len(noisy)} of {len(measured)} measurements, whose rounds differ too widely to conclude from them;"
        " they are marked in the table."
    )
    return Section(
        "Latency and throughput",
        text=(rough,) if noisy else (),
        pictures=tuple(plot for plot in (length_plot(group) for group in _by_runtime(measured)) if plot is not None),
        tables=tuple(_speed_table(group) for group in _by_runtime(measured)),
        notes=(
            "Milliseconds of one run of a batch; its tokenization, the loading of the file and the cold start (from the"
            " start of a process to its first result) are apart. Spread is slowest less fastest round over p50."
            " Raw samples are in bench.json.",
        ),
    )


def length_plot(rows: Sequence[Row]) -> Plot | None:
    """Return p50 over the sequence length, a line a model, at the smallest batch and the fewest threads.

    None where no model was measured at two lengths.
    """
    fixed = [row for row in rows if row.seq_len is not None]
    if not fixed:
        return None
    batch = min(row.batch for row in fixed)
    threads = min(row.threads for row in fixed if row.batch == batch)
    lines: dict[str, dict[int, float]] = {}
    for row in fixed:
        if (row.batch, row.threads) == (batch, threads) and row.seq_len is not None and row.p50_ms is not None:
            lines.setdefault(row.name, {})[row.seq_len] = row.p50_ms
    if max(map(len, lines.values()), default=0) < 2:
        return None
    series = tuple(
        Series(
            name, tone, tuple(Point(n, ms, f"{n} tokens {milliseconds(ms)} ms") for n, ms in sorted(line.items())), True
        )
        for tone, (name, line) in enumerate(lines.items())
    )
    points = [point for line in series for point in line.points]
    place = place_words(replace(fixed[0].condition, batch=batch, threads=threads))
    return Plot(
        f"Milliseconds over the sequence length: {place}",
        linear_axis("tokens", [0.0, *(point.x for point in points)]),
        linear_axis("ms, p50", [0.0, *(point.y for point in points)]),
        series,
    )


def unrun_section(rows: Sequence[Row]) -> Section:
    """Return what was asked for and not measured, with the reason."""
    reasons: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows:
        if not row.measured:
            reasons.setdefault(
                (
                    row.name,
                    f"{runtime_words(row.condition)}, {device_words(row.condition)}",
                    row.reason or "no reason given",
                ),
                [],
            ).append(row)
    cells = tuple(
        (name, place, count(len(found)), found[0].status, reason) for (name, place, reason), found in reasons.items()
    )
    head = ("Model", "Runtime and device", "Rows", "State", "Reason")
    return Section("Not run", tables=(Table("Asked for, not measured", head, "llrll", cells),))


def _by_runtime(rows: Iterable[Row]) -> list[list[Row]]:
    """Group rows by runtime and device, in the order they come."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.runtime, row.device), []).append(row)
    return list(groups.values())


def _speed_table(rows: Sequence[Row]) -> Table:
    head = (
        *(
            "Model",
            "Threads",
            "Batch",
            "Sequence length",
            "p50 ms",
            "p90 ms",
            "p99 ms",
            "Spread",
            "Sentences/s",
            "Tokens/s",
        ),
        *("Tokenizer ms", "Load ms", "Cold start ms", "GFLOP/s", "GB/s", "Roofline utilisation", "Bound by"),
    )
    cells = tuple(
        (
            row.name,
            count(row.threads),
            count(row.batch),
            "own" if row.seq_len is None else count(row.seq_len),
            *(milliseconds(ms) for ms in (row.p50_ms, row.p90_ms, row.p99_ms)),
            f"{percent(row.spread)}{' (rough)' if row.noisy else ''}",
            *(rate(found) for found in (row.sentences_per_s, row.tokens_per_s)),
            *(milliseconds(ms) for ms in (row.tokenizer_ms, row.load_ms, row.cold_start_ms)),
            *(rate(found) for found in (row.gflops, row.gbytes_per_s)),
            percent(row.share_of_peak),
            row.bound or MISSING,
        )
        for row in rows
    )
    first = rows[0].condition
    return without_empty(Table(f"{runtime_words(first)}, {device_words(first)}", head, "l" + "r" * 15 + "l", cells))
