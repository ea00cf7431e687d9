"""The measurement of all models that are compared: interleaved, each in a fresh process, in several rounds.

A round starts a fresh process of each model. Processes that lived on and were woken in turn would be cheaper, but
their idle threads and memory would lie beside what is measured, there would be one cold start instead of one a round,
and the luck of a process (where its memory lies, which core it is on) would look like a property of the model.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from edgeenc.bench.figures import BenchText, Round, empty_row, measured_row
from edgeenc.bench.fresh import Finished, run_fresh
from edgeenc.bench.matrix import Case, Matrix, contests, obstacle
from edgeenc.bench.roofline import measure_peak
from edgeenc.bench.row_process import RowRequest, Taken, up_and_down
from edgeenc.bench.sentences import bench_text, exact_batches, own_lengths
from edgeenc.bench.settings import Device, format_of
from edgeenc.bench.subject import Subject
from edgeenc.bench.taken_scores import read_scores
from edgeenc.errors import EdgeencError, HostError, InputError
from edgeenc.machine.describe import bench_host
from edgeenc.model.encoder import load_tokenizer
from edgeenc.record.form import parse, plain
from edgeenc.record.host import Peak
from edgeenc.record.rows import Bench, Row

LONGEST = 128
"""Tokens of the longest batch of the run of other lengths, where no exact length was asked for."""
PEAK_SECONDS = 0.5


@dataclass(frozen=True)
class ProcessStart:
    """A process that is about to start: the number `done` of `total`; of `case` it is round `number`, from 1."""

    done: int
    total: int
    case: Case
    number: int


@dataclass(frozen=True)
class Watch:
    """Who is told what happens: of each process before it starts, and of new rows with the whole result so far."""

    process: Callable[[ProcessStart], None] = lambda progress: None
    rows: Callable[[Sequence[Row], Bench], None] = lambda rows, result: None


@dataclass(frozen=True)
class Setup:
    """What all contests share: what was asked, the text, the peaks, and who watches."""

    ask: Matrix
    source: str
    lines: Sequence[str]
    peaks: Sequence[Peak]
    watch: Watch


def bench(subjects: Sequence[Subject], ask: Matrix, text: Path | None, watch: Watch | None = None) -> Bench:
    """Measure every combination that was asked for; return host, rows, and the scores that the bundles' reports hold.

    A process that fails gives a row that says so; the others are measured all the same.

    Args:
        subjects: the models, compared with each other at every input.
        ask: what to combine, how often, how long.
        text: a file of lines, or None for the text of the first bundle.
        watch: who is told.

    Raises:
        UsageError: nothing was asked for, a length is too short, or there is no text.
        InputError: the text or the report of a bundle cannot be read.
        HostError: the machine's peaks cannot be measured.
    """
    groups = contests(subjects, ask)
    source, lines = bench_text(subjects, text)
    check_lengths(subjects, ask, lines)
    scored = read_scores(subjects)
    host = bench_host()
    peaks = measured_peaks([case for group in groups for case in group if not obstacle(case)], ask)
    host = replace(host, peaks=tuple(peaks))
    result = Bench(host=host, rows=(), tasks=scored.tasks, differences=scored.differences)
    setup = Setup(ask, source, lines, peaks, watch or Watch())
    counts = [sum(not obstacle(case) for case in group) * ask.rounds for group in groups]
    for number, group in enumerate(groups):
        rows = run_contest(group, setup, (sum(counts[:number]), sum(counts)))
        result = replace(result, rows=(*result.rows, *rows))
        setup.watch.rows(rows, result)
    return result


def check_lengths(subjects: Sequence[Subject], ask: Matrix, lines: Sequence[str]) -> None:
    """Make a text of the shortest length with every tokenizer, so that a mistake ends the run before it begins."""
    exact = [length for length in ask.lengths if length is not None]
    for subject in subjects if exact else ():
        exact_batches(load_tokenizer(subject.folder), lines, min(exact), 1)


def measured_peaks(cases: Iterable[Case], ask: Matrix) -> list[Peak]:
    """Measure the machine's peaks for every device and number of threads that a case needs."""
    needed: dict[tuple[Device, int], list[str]] = {}
    for case in cases:
        precisions = needed.setdefault((case.device, case.threads), [])
        numbers = format_of(case.precision).name
        if numbers not in precisions:
            precisions.append(numbers)
    seconds = min(ask.seconds, PEAK_SECONDS)
    return [measure_peak(device, threads, found, seconds) for (device, threads), found in needed.items()]


def run_contest(group: Sequence[Case], setup: Setup, count: tuple[int, int]) -> list[Row]:
    """Measure the cases of a group interleaved and return their rows; `count`: processes done, and all."""
    reasons = {number: reason for number, case in enumerate(group) if (reason := obstacle(case))}
    runnable = [number for number in range(len(group)) if number not in reasons]
    texts = {number: text_of(group[number], setup) for number in runnable}
    rounds: dict[int, list[Round]] = {number: [] for number in runnable}
    failed: dict[int, str] = {}
    done, total = count
    with TemporaryDirectory(prefix="edgeenc-bench-") as scratch:
        for turn in range(setup.ask.rounds):
            # turned round each time, so that none always comes after the same neighbour
            for number in runnable if turn % 2 == 0 else reversed(runnable):
                setup.watch.process(ProcessStart(done, total, group[number], turn + 1))
                done += 1
                if number in failed:
                    continue
                finished = run_case(group[number], texts[number], setup.ask, turn, Path(scratch) / str(number))
                if finished.answer:
                    rounds[number].append(Round(parse(Taken, finished.answer), finished.started_ns))
                else:
                    failed[number] = finished.reason
    rows = []
    for number, case in enumerate(group):
        if number in reasons:
            rows.append(empty_row(case, "not run", reasons[number]))
        elif number in failed:
            rows.append(empty_row(case, "failed", failed[number]))
        else:
            rows.append(measured_row(case, rounds[number], texts[number], setup.peaks))
    return rows


def text_of(case: Case, setup: Setup) -> BenchText:
    """Return the texts of a case: exactly as long as asked for, or as they are."""
    if case.length is None:
        return BenchText(setup.source, own_lengths(setup.lines, case.batch))
    tokenizer = load_tokenizer(case.subject.folder)
    return BenchText(setup.source, exact_batches(tokenizer, setup.lines, case.length, case.batch))


def run_case(case: Case, text: BenchText, ask: Matrix, turn: int, scratch: Path) -> Finished:
    """Run one process of a case; the first one also shows what memory it keeps."""
    reads = case.subject.longest
    longest = min(reads, max((length for length in ask.lengths if length is not None), default=LONGEST))
    file = case.subject.file(case.runtime, case.precision)
    assert file is not None  # else it would have had an obstacle
    request = RowRequest(
        runtime=case.runtime,
        device=case.device,
        precision=case.precision,
        threads=case.threads,
        path=str(file),
        opener=case.subject.opener(case.precision),
        tokenizer=str(case.subject.tokenizer),
        pad=case.subject.pad,
        max_length=case.length or reads,
        batches=text.batches,
        lengths=up_and_down(longest) if turn == 0 else [],
        runs=ask.runs,
        seconds=ask.seconds,
    )
    more = {"TORCHINDUCTOR_CACHE_DIR": str(scratch)}  # empty in the first round, so that its start is a cold one
    return run_fresh("edgeenc.bench.row_process", json.dumps(plain(request)), case.threads, more)


def failure(result: Bench) -> EdgeencError | None:
    """Return the error that a result with failed rows ends with, or None."""
    failed = [row for row in result.rows if row.status == "failed"]
    if not failed:
        return None
    first = failed[0]
    words = (
        f"bench: {len(failed)} of {len(result.rows)} measurements failed; the first is {first.model},"
        f" {first.runtime} {first.precision}: {first.reason}"
    )
    return InputError(words) if all("InputError" in row.reason for row in failed) else HostError(words)
