"""Compare two bundles: sizes and bits as stored, latency measured now, interleaved, scores paired over test examples.

A bundle of a task carries `report/predictions.json`: the gold labels of the test examples and what each model said of
them, seed by seed. Two bundles that have the same examples are compared example by example.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from edgeenc.bench.turns import compare_latency
from edgeenc.bundle.assemble import check, longest_read, read_golden
from edgeenc.bundle.compare_vectors import compared_vectors
from edgeenc.bundle.compared import LOW, ComparedBundle, Line, stored, words
from edgeenc.bundle.paired_answers import paired_line, unlike
from edgeenc.errors import InputError
from edgeenc.record.bundle import Predictions
from edgeenc.record.form import parse
from edgeenc.record.latency import Latency
from edgeenc.record.scores import metric_words
from edgeenc.report.kept import NOTHING_SEEN
from edgeenc.report.reading import read

PREDICTIONS = "report/predictions.json"


def open_bundle(folder: Path) -> ComparedBundle:
    """Return a bundle whose every file has its hash.

    Raises:
        InputError: it is no bundle, or files are missing or changed.
    """
    check(folder)
    measured = read(folder)
    if measured.facts is None or not measured.shipped:
        raise InputError(f"{folder}: report/report.json names no student; build it again with this version")
    return ComparedBundle(folder, measured.facts, measured, measured.shipped[0])


def compare(
    a: ComparedBundle, b: ComparedBundle, rounds: int, threads: int
) -> tuple[tuple[Line, ...], tuple[str, ...]]:
    """Return every figure that both have, b against a, and notes on what could not be compared or is rough."""
    latency = _latency(a, b, rounds, threads)
    lines = [*_sizes(a, b), _timed(latency)]
    notes = ["The rounds differ widely: this host was busy, take the times as rough."] if latency.noisy else []
    texts = [f"{one.facts.language.tag} ({one.facts.corpus})" for one in (a, b)]
    if texts[0] == texts[1]:
        lines += _bits(a, b)
    elif all(one.facts.bits_per_character for one in (a, b)):
        notes.append(f"Bits per character are not compared: the texts are {texts[0]} and {texts[1]}.")
    tables = [one.facts.bits_per_character.unigram for one in (a, b) if one.facts.bits_per_character]
    if texts[0] == texts[1] and len(tables) == 2 and abs(tables[0] - tables[1]) > LOW:
        notes.append(
            "Bits per character: the unigram baselines differ, so test split or teacher differ; take it as rough."
        )
    scored = list(_scores(a, b))
    unlike = dict.fromkeys(task for task in (*a.measured.tasks, *b.measured.tasks) if task not in _both(a, b))
    of_vectors, more = compared_vectors(a, b)
    lines += of_vectors
    notes += more
    notes += [f"{task} is not compared: one of the two has no score on it." for task in unlike]
    return (*lines, *scored), tuple(notes)


def _sizes(a: ComparedBundle, b: ComparedBundle) -> Iterator[Line]:
    yield stored("bytes", f"file ({_either(a.shipped.precision, b.shipped.precision)})", "bytes", _bytes(a), _bytes(b))
    parameters = (one.facts.student.parameters for one in (a, b))
    yield stored("parameters", "parameters", "parameters", *parameters)


def _bytes(one: ComparedBundle) -> int:
    return one.file.stat().st_size


def _bits(a: ComparedBundle, b: ComparedBundle) -> Iterator[Line]:
    """Yield the line of bits per character, where both have a masked-LM head that was trained."""
    both = [each.facts.bits_per_character for each in (a, b)]
    known = [each.student for each in both if each is not None and each.student is not None]
    if len(known) == 2:
        yield stored("bits", "bits per character", "bits", *known)


def _either(a: str, b: str) -> str:
    return a if a == b else f"{a}, {b}"


def _latency(a: ComparedBundle, b: ComparedBundle, rounds: int, threads: int) -> Latency:
    """Measure both on the golden texts of both, interleaved; texts are truncated to the shorter of the two lengths."""
    texts = dict.fromkeys(row.text for one in (a, b) for row in read_golden(one.folder))
    longest = min(longest_read(one.folder) for one in (a, b))
    return compare_latency(
        {"A": a.file, "B": b.file},
        {"A": a.folder, "B": b.folder},
        tuple(texts),
        rounds=rounds,
        threads=threads,
        longest=longest,
    )


def _timed(latency: Latency) -> Line:
    ratio, (a, b) = latency.ratio["B"], (latency.models[name].p50 for name in "AB")
    return Line(
        metric="latency",
        what=f"latency, p50 (threads: {latency.threads}, texts: {latency.sentences})",
        unit="ms",
        a=a,
        b=b,
        change=b - a,
        words=words(ratio.median - 1) if not ratio.q25 <= 1 <= ratio.q75 else NOTHING_SEEN,
        share=ratio.median,
        low=ratio.q25,
        high=ratio.q75,
        how="share of A's time on the same text: median, middle half of the texts (seen where that leaves out 1)",
    )


def _both(a: ComparedBundle, b: ComparedBundle) -> tuple[str, ...]:
    """Return the tasks on which both shipped models have a score of the same metric."""
    pairs = ((task, *(one.measured.score(task, one.shipped) for one in (a, b))) for task in a.measured.tasks)
    return tuple(task for task, x, y in pairs if x is not None and y is not None and x.metric == y.metric)


def _scores(a: ComparedBundle, b: ComparedBundle) -> Iterator[Line]:
    """Yield the scores of both on the tasks that they share, paired over the examples where both tell their answers."""
    for task in _both(a, b):
        x, y = (one.measured.score(task, one.shipped) for one in (a, b))
        assert x is not None and y is not None
        line = stored(x.metric, f"{task}, {metric_words(x.metric)}", "share", x.value, y.value)
        of_a, of_b = _answers(a, task), _answers(b, task)
        why = _unpaired(of_a, of_b)
        if isinstance(of_a, Predictions) and isinstance(of_b, Predictions) and not why:
            yield paired_line(line, (of_a, of_b), (a.shipped.name, b.shipped.name))
        else:
            reason = f"compared unpaired, without a confidence interval: {why}"
            yield Line(line.metric, line.what, line.unit, line.a, line.b, line.change, words(line.worse_by), how=reason)


def _answers(one: ComparedBundle, task: str) -> Predictions | str:
    """Return what a bundle's models said of the test examples, or why that is not known."""
    path = one.folder / PREDICTIONS
    if not path.is_file():
        return f"{one.folder} has no {PREDICTIONS}"
    try:
        found = parse(Predictions, path.read_bytes())
    except ValueError as error:
        raise InputError(f"{path}: {error}; build the bundle again") from None
    if found.task != task:
        return f"{path} is about {found.task}"
    if one.shipped.name not in found.models:
        return f"{path} has no answers of {one.shipped.name}"
    return found


def _unpaired(a: Predictions | str, b: Predictions | str) -> str:
    """Return why two bundles cannot be compared example by example, or nothing where they can."""
    reasons = [answer for answer in (a, b) if isinstance(answer, str)]
    if not reasons and isinstance(a, Predictions) and isinstance(b, Predictions):
        return unlike(a, b)
    return "; ".join(reasons)
