"""What a build says first: the answer in one sentence, and the values a reader looks for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from edgeenc.record.facts import UNTRAINED, BitsPerCharacter, Facts
from edgeenc.record.gates import Floor, Gate
from edgeenc.record.latency import Latency
from edgeenc.record.vectors import VectorFigures
from edgeenc.report.answer import answer, task_tiles
from edgeenc.report.draw.blocks import Table
from edgeenc.report.draw.numbers import MISSING, bits, count, megabytes, percent, ratio, times
from edgeenc.report.finding import finds, unbeaten, vector_tiles
from edgeenc.report.reading import of_facts


def headline(facts: Facts) -> str:
    """Return the answer in one sentence: size, compression, latency, tasks, bits per character, gates."""
    if facts.tasks:
        return _task_headline(facts)
    if facts.vectors is not None:
        return _vector_headline(facts, facts.vectors)
    size, precision = shipped(facts)
    parts = [
        f"{megabytes(size)} MB ({precision}), {percent(facts.compression)} smaller than its teacher"
        f" of {megabytes(facts.files.teacher)} MB"
    ]
    if (share := time_share(facts.latency)) is not None:
        faster = f"{1 / share:,.1f} times as fast{_rough(facts)}"
        parts.append(f"a sentence takes {ratio(share)} of the teacher's time ({faster})")
    parts.append(_quality(facts))
    return "; ".join([*parts, outcome(facts.gates, "gate")]) + "."


def _task_headline(facts: Facts) -> str:
    """Return the answer of a build that was scored on tasks."""
    measured = of_facts(facts)
    parts = [answer(measured, candidate) for candidate in measured.shipped]
    saved = f"{percent(facts.compression)} smaller than its teacher of {megabytes(facts.files.teacher)} MB"
    parts += [*warning(facts), saved, f"as a language model {_quality(facts)}", outcome(facts.gates, "gate")]
    return "; ".join(parts) + "."


def _vector_headline(facts: Facts, vectors: VectorFigures) -> str:
    """Return the answer of a build of sentence vectors: size, what it finds, how fast, and what else is known."""
    size, precision = shipped(facts)
    name, share = f"student {precision}", time_share(facts.latency)
    first = [f"{precision}: {megabytes(size)} MB", finds(vectors, name)]
    first += [] if not share else [f"{times(share)} times as fast as the teacher{_rough(facts)}"]
    saved = f"{percent(facts.compression)} smaller than its teacher of {megabytes(facts.files.teacher)} MB"
    parts = [", ".join(filter(None, first)), *filter(None, [unbeaten(vectors, name)]), saved]
    parts += [_quality(facts)] if says_bits(facts) else []
    return "; ".join([*parts, outcome(facts.gates, "gate")]) + "."


def says_bits(facts: Facts) -> bool:
    """Tell whether bits per character are shown: of sentence vectors only where the student has a head that counts."""
    measured = facts.bits_per_character
    return measured is not None and (facts.vectors is None or measured.student is not None)


def warning(facts: Facts) -> tuple[str, ...]:
    """Return what a reader must not miss: a model that may know no more than which label is the most frequent."""
    constant, scores = facts.constant, facts.tasks
    if constant is None or not scores or scores[-1].low > constant.value:
        return ()
    return (
        "WARNING: not seen to be better than the majority baseline,"
        f" always {constant.label!r} ({percent(constant.value)})",
    )


def _quality(facts: Facts) -> str:
    """Return how the student stands to its teacher, in words that hold whichever of the two is better."""
    measured = facts.bits_per_character
    if measured is None or measured.student is None:
        return UNTRAINED
    kept = measured.advantage_kept(measured.student)
    if measured.teacher is None:
        return f"{bits(measured.student)} bits per character; of the untouched teacher, {UNTRAINED}"
    pair = f"{bits(measured.student)} bits per character, the untouched teacher {bits(measured.teacher)}"
    if kept is None:
        return f"{pair}, the unigram baseline {bits(measured.unigram)}"
    if kept > 1:
        return f"{pair}: better on this language than its teacher"
    return f"{percent(kept)} of the teacher's gain over the unigram baseline is retained ({pair})"


def answers(facts: Facts) -> Table:
    """Return the values a reader looks for first."""
    size, precision = shipped(facts)
    measured, share, rough = facts.bits_per_character, time_share(facts.latency), _rough(facts)
    passed = sum(gate.passed for gate in facts.gates)
    rows = (
        *vector_tiles(facts),
        ("Size", f"{megabytes(size)} MB", f"{precision} file; {count(facts.student.parameters)} parameters"),
        ("Compression", percent(facts.compression), f"of {megabytes(facts.files.teacher)} MB saved"),
        (
            "Relative latency",
            MISSING if share is None else f"{ratio(share)} ×",
            "not measured" if share is None else f"the teacher's time; {1 / share:,.1f} times as fast{rough}",
        ),
        *([("Bits per character", bits(measured.student), _beside(measured))] if measured and says_bits(facts) else []),
        *_task_answers(facts),
        ("Gates", f"{passed} of {len(facts.gates)}", "passed"),
    )
    return Table("Summary", ("", "Value", "Meaning"), "lrl", rows)


def _beside(measured: BitsPerCharacter) -> str:
    """Return what a student's bits are read beside."""
    if measured.student is None:
        return UNTRAINED
    teacher = UNTRAINED if measured.teacher is None else bits(measured.teacher)
    return f"the untouched teacher {teacher}, the unigram baseline {bits(measured.unigram)}"


def _task_answers(facts: Facts) -> Iterator[tuple[str, str, str]]:
    """Yield the score of what is shipped on each task."""
    measured = of_facts(facts)
    for candidate in measured.shipped:
        yield from task_tiles(measured, candidate)


def time_share(latency: Latency | None) -> float | None:
    """Return the shipped model's time as a share of the baseline's; the shipped model is the last one compared."""
    if latency is None or not latency.ratio:
        return None
    return list(latency.ratio.values())[-1].median


def _rough(facts: Facts) -> str:
    """Return what to add to a speed that was taken on a busy host."""
    return ", roughly: the rounds differ widely" if facts.latency and facts.latency.noisy else ""


def shipped(facts: Facts) -> tuple[int, str]:
    """Return bytes and precision of the smallest exported file."""
    return facts.files.shipped


def outcome(checks: Sequence[Floor | Gate], noun: str) -> str:
    """Return how many checks passed, or the names of those that failed."""
    failed = [check.name for check in checks if not check.passed]
    if failed:
        return f"{len(failed)} of {len(checks)} {noun}s failed: {', '.join(failed)}"
    return f"all {len(checks)} {noun}s passed" if checks else f"no {noun}s"
