"""What a person sees while it measures: a table for each input as soon as it is there, and a moving line below it."""

from __future__ import annotations

import time
from collections.abc import Sequence

from rich.console import Console
from rich.status import Status
from rich.table import Table

from edgeenc.bench.figures import TOO_WIDE
from edgeenc.bench.harness import ProcessStart
from edgeenc.record.rows import Bench, BenchHost, Row
from edgeenc.record.scores import Score, metric_words
from edgeenc.report.draw.numbers import MISSING, count, duration, megabytes, milliseconds, percent

SPEAK_SECONDS = 20.0
"""Where nothing can move on the screen, a line is printed this often."""
COLUMNS = ("p50 ms", "p90", "p99", "spread", "sent/s", "MB", "cold\nstart s", "roofline")

LEGEND = (
    "MB: peak resident memory, less that of interpreter and runtime; cold start: process start to first result;"
    " roofline: share of the highest compute or copy rate of this machine; spread: between rounds"
)


class BenchScreen:
    """Shows tables on `out` and progress on standard error."""

    def __init__(self, out: Console) -> None:
        self._out = out
        self._moving = Console(stderr=True, highlight=False)
        self._status: Status | None = None
        self._began = self._spoke = time.monotonic()

    def process(self, progress: ProcessStart) -> None:
        """Say which process starts and how long the rest will take."""
        text = progress_line(progress, time.monotonic() - self._began)
        if not self._moving.is_terminal:
            if time.monotonic() - self._spoke > SPEAK_SECONDS:
                self._spoke = time.monotonic()
                self._moving.print(text, soft_wrap=True)
            return
        if self._status is None:
            self._status = self._moving.status(text)
            self._status.start()
        self._status.update(text)

    def rows(self, rows: Sequence[Row], result: Bench) -> None:
        """Show the table of one input."""
        self.close()
        if any(row.status == "measured" for row in rows):
            self._out.print(input_table(rows))
            self._out.print()

    def end(self, result: Bench) -> None:
        """Say what was not run and what is too noisy."""
        self.close()
        for line in (*score_notes(result.tasks), *host_notes(result.host), *notes(result.rows)):
            self._out.print(line, soft_wrap=True, markup=False)

    def close(self) -> None:
        """Take the moving line away."""
        if self._status is not None:
            self._status.stop()
            self._status = None


def progress_line(progress: ProcessStart, seconds: float) -> str:
    """Return what runs now: the case, its round, the process of all, and the time that the rest takes at this pace."""
    case = progress.case
    what = f"{case.subject.name}, {case.runtime} {case.precision} on {case.device}"
    left = f", {duration(seconds / progress.done * (progress.total - progress.done))} left" if progress.done else ""
    shown = input_name(case.threads, case.batch, case.length)
    return f"{progress.done + 1} of {progress.total}: {what}, {shown}, round {progress.number}{left}"


def input_name(threads: int, batch: int, length: int | None) -> str:
    """Return an input in words. Worked example: 1, 8 and 64 give `batch 8, 64 tokens, 1 thread`."""
    tokens = "sentences as they are" if length is None else f"{length} tokens"
    return f"batch {batch}, {tokens}, {threads} thread{'s' if threads > 1 else ''}"


def input_table(rows: Sequence[Row]) -> Table:
    """Return the measured rows of one input as a table."""
    first = rows[0]
    table = Table(
        title=input_name(first.threads, first.batch, first.seq_len),
        box=None,
        pad_edge=False,
        collapse_padding=True,
    )
    for name in ("model", "runtime"):
        table.add_column(name)  # these two are folded where the terminal is narrow, the numbers never
    for name in COLUMNS:
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        if row.status == "measured":
            table.add_row(row.model, runs_as(row), *cells(row))
    return table


def runs_as(row: Row) -> str:
    """Return runtime and precision of a row, and its device where that is not the CPU."""
    return f"{row.runtime} {row.precision}{'' if row.device == 'cpu' else ' ' + row.device}"


def cells(row: Row) -> list[str]:
    """Return the values of a measured row as they are shown, in the order of `COLUMNS`."""
    times = (row.p50_ms, row.p90_ms, row.p99_ms)
    return [
        *(MISSING if time is None else milliseconds(time) for time in times),
        share(row.spread) + ("!" if row.noisy else ""),
        count(round(row.sentences_per_s or 0.0)),
        megabytes(row.peak_above_base_bytes),
        f"{(row.cold_start_ms or 0.0) / 1e3:,.2f}",
        share(row.share_of_peak),
    ]


def share(value: float | None) -> str:
    """Write a share in whole per cent: ``0.938`` is ``94 %``."""
    return MISSING if value is None else f"{100 * value:.0f} %"


def score_notes(scores: Sequence[Score]) -> list[str]:
    """Return a line a task: the score of each model, as the bundles' reports have it."""
    lines: dict[str, list[str]] = {}
    for score in scores:
        head = f"{score.task}, {metric_words(score.metric)}"
        lines.setdefault(head, []).append(f"{score.model} {score.precision} {percent(score.value)}")
    return [f"{head}: {', '.join(found)}" for head, found in lines.items()]


def host_notes(host: BenchHost) -> list[str]:
    """Return warnings about the machine: another load than ours makes every time doubtful."""
    load = host.load
    if load is None or load < 0.5 * host.cores:
        return []
    return [
        f"warning: the load was {load:.1f} on {host.cores} cores before the first measurement; something else was"
        " running"
    ]


def notes(rows: Sequence[Row]) -> list[str]:
    """Return a line for each reason why rows were not measured, and a warning where rows are too noisy."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        if row.status != "measured":
            what = f"{row.model} {runs_as(row)}"
            places = reasons.setdefault((row.status, row.reason), [])
            if what not in places:
                places.append(what)
    lines = [LEGEND] if any(row.status == "measured" for row in rows) else []
    lines += [f"{status}: {', '.join(places)}: {reason}" for (status, reason), places in reasons.items()]
    noisy = sum(row.noisy for row in rows)
    if noisy:
        lines.append(
            f"warning: in {noisy} of {len(rows)} rows (!) the rounds are more than {100 * TOO_WIDE:.0f} % apart;"
            " differences of that size mean nothing; run it on a quiet machine, or with more --rounds and --seconds"
        )
    if any((row.compute_share or 0.0) > 1 for row in rows):
        lines.append(
            "warning: rows computed faster than the peak measured on this machine, so the peak was measured while"
            " something else was running; do not trust the column `roofline`"
        )
    if any(row.status == "measured" and row.spread is None for row in rows):
        lines.append("warning: one round shows no noise; use --rounds 3 or more to conclude anything")
    return lines
