"""Read what `edgeenc report` is given: bundles by their facts, benchmark results by their rows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from edgeenc.errors import InputError, UsageError
from edgeenc.recipe import stage_kinds
from edgeenc.record.facts import Facts
from edgeenc.record.form import parse
from edgeenc.record.rows import Bench, Condition, Row
from edgeenc.record.scores import Score
from edgeenc.report.conditions import condition_words, plainness
from edgeenc.report.measured import FIRST, TEACHER, TRIM_ONLY, Candidate, Measured
from edgeenc.report.title import title
from edgeenc.targets.target import targets

FACTS = ("report/report.json", "report.json")
BENCH = "bench.json"
FLOAT = 4
"""Bytes of a float32 weight."""


def read(folder: Path) -> Measured:
    """Return what a bundle or the result of a benchmark tells; both may lie in one folder.

    Raises:
        InputError: there is neither, or one of them is damaged.
    """
    facts = next((path for name in FACTS if is_of_build(path := folder / name)), None)
    bench = folder / BENCH
    if facts is None and not bench.is_file():
        raise InputError(
            f"{folder}: has neither {FACTS[0]} nor {BENCH}; a bundle or what `edgeenc bench -o` wrote is expected"
        )
    built = None if facts is None else _built(facts)
    if not bench.is_file():
        assert built is not None
        return built
    timed = _benched(bench, folder.resolve().name)
    return timed if built is None else _joined(built, timed)


def is_of_build(path: Path) -> bool:
    """Tell whether a `report.json` is there and is of a build; one over several folders has `results`."""
    try:
        return "results" not in json.loads(path.read_bytes())
    except OSError:
        return False
    except (ValueError, TypeError, RecursionError):
        return True  # damaged: whoever reads it says so


def check_place(folder: Path) -> None:
    """See to it that a report over several folders does not take the place of a build's own.

    Raises:
        UsageError: `folder` holds the report of a build.
    """
    if any(is_of_build(folder / name) for name in FACTS):
        raise UsageError(
            f"{folder}: holds a build's own report, which is not overwritten; choose another folder with -o"
        )


def of_facts(facts: Facts) -> Measured:
    """Return what the facts of a build tell of teacher and student.

    The file of a model that was merely trimmed is never made; its size follows from its parameters.
    """
    files, language = facts.files, facts.language
    sizes: dict[str, int] = {
        f"{TEACHER} {files.first}": files.teacher,
        **{f"student {name}": size for name, size in files.made.items()},
    }
    latency, scores = facts.latency, facts.tasks
    kinds = stage_kinds()
    trimmed = next((step.parts for step in facts.steps if step.kind in kinds and kinds[step.kind].trims), None)
    if trimmed is not None and any(score.model == TRIM_ONLY for score in scores):
        sizes[f"{TRIM_ONLY} {files.first}"] = FLOAT * (trimmed.embeddings + trimmed.layers)
    times = {} if latency is None else latency.models
    sizes |= {name: timing.bytes for name, timing in times.items()}
    ratios = {} if latency is None else latency.ratio
    candidates = [
        Candidate(
            *_parted(name),
            bytes=size,
            computed=name.startswith(TRIM_ONLY) and name not in times,
            ms=times[name].p50 if name in times else None,
            share=ratios[name].median if name in ratios else None,
            rough=latency is not None and latency.noisy and name in times,
        )
        for name, size in sizes.items()
    ]
    candidates += _scored_only(scores, candidates, files.first)
    timed = ""
    if latency is not None:
        timed = f"{latency.runtime}, threads: {latency.threads}, batch {latency.batch}, sentences of real text"
    return Measured(
        name=title(facts) if scores else f"{language.name} ({language.tag})",
        candidates=_by_size(candidates),
        first=files.first,
        scores=scores,
        differences=facts.differences,
        timed=timed,
        facts=facts,
        host=facts.host,
        versions={"edgeenc": facts.edgeenc, **facts.versions},
    )


def of_bench(bench: Bench, name: str) -> Measured:
    """Return what a benchmark tells; times and memory of the models are those of one condition, the same for all."""
    measured = [row for row in bench.rows if row.measured]
    condition = shared_condition(measured)
    at = {row.name: row for row in measured if row.condition == condition}
    first = _first_of(at.values())
    teacher = at.get(f"{TEACHER} {first}")
    candidates = [
        Candidate(
            row.model,
            row.precision,
            bytes=row.file_bytes,
            ms=row.p50_ms,
            share=row.p50_ms / teacher.p50_ms
            if row is not teacher and teacher and teacher.p50_ms and row.p50_ms
            else None,
            rough=row.noisy,
            peak_bytes=_above_base(row),
        )
        for row in at.values()
    ]
    elsewhere = {row.name: Candidate(row.model, row.precision) for row in measured if row.name not in at}
    candidates += elsewhere.values()
    candidates += _scored_only(bench.tasks, candidates, first)
    return Measured(
        name=name,
        candidates=_by_size(candidates),
        first=first,
        scores=bench.tasks,
        differences=bench.differences,
        timed="" if condition is None else condition_words(condition),
        rows=bench.rows,
        host=bench.host,
        versions=bench.host.versions,
        peaks=bench.host.peaks,
    )


def shared_condition(rows: Sequence[Row]) -> Condition | None:
    """Return the condition under which most models were measured; among equals the plainest.

    The plainest is ONNX Runtime, CPU, the smallest batch, the fewest threads, sentences at their own length.
    """
    models: dict[Condition, set[str]] = {}
    for row in rows:
        models.setdefault(row.condition, set()).add(row.name)
    return min(models, key=lambda condition: (-len(models[condition]), *plainness(condition)), default=None)


def _above_base(row: Row) -> int | None:
    """Return the bytes that a model costs at its peak, the interpreter with its runtime taken off."""
    if row.peak_rss_bytes is None or row.base_rss_bytes is None:
        return None
    return row.peak_rss_bytes - row.base_rss_bytes


def _built(path: Path) -> Measured:
    try:
        return of_facts(parse(Facts, json.loads(path.read_text(encoding="utf-8"))))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(
            f"{path}: not the report of a build ({type(error).__name__}: {error}); build it again with this version"
        ) from None


def _benched(path: Path, name: str) -> Measured:
    try:
        return of_bench(parse(Bench, path.read_bytes()), name)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None
    except ValueError as error:
        raise InputError(f"{path}: {error}; measure again with `edgeenc bench`") from None


def _joined(built: Measured, timed: Measured) -> Measured:
    """Return a build with its benchmark: sizes and scores of the build first, times and memory of the benchmark."""
    found = {candidate.name: candidate for candidate in timed.candidates}
    known = {candidate.name for candidate in built.candidates}
    merged = [
        replace(found.get(c.name, Candidate(c.model, c.precision)), bytes=c.bytes, computed=c.computed)
        for c in built.candidates
    ]
    return Measured(
        name=built.name,
        candidates=_by_size([*merged, *(c for c in timed.candidates if c.name not in known)]),
        first=built.first,
        scores=built.scores or timed.scores,
        differences=built.differences or timed.differences,
        timed=timed.timed,
        rows=timed.rows,
        facts=built.facts,
        host=timed.host,
        versions=timed.versions or built.versions,
        peaks=timed.peaks,
    )


def _by_size(candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """Sort from the largest file to the smallest, the teacher first."""
    return tuple(sorted(candidates, key=lambda c: (c.model != TEACHER, -(c.bytes or 0))))


def _first_of(rows: Iterable[Row]) -> str:
    """Return the first precision of the target whose files were run, which the others are held against."""
    ran = {row.precision for row in rows}
    return next((target.first.name for target in targets() if ran.intersection(target.names)), FIRST)


def _scored_only(scores: Sequence[Score], known: Sequence[Candidate], first: str) -> list[Candidate]:
    """Return the models that have a score and nothing else; one that was scored in PyTorch counts as the `first`."""
    names = dict.fromkeys((s.model, first if s.precision == "torch" else s.precision) for s in scores)
    return [Candidate(*name) for name in names if name not in {(c.model, c.precision) for c in known}]


def _parted(name: str) -> tuple[str, str]:
    model, _, precision = name.rpartition(" ")
    return model, precision
