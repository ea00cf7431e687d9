"""The table of what the starter recipe makes of each language of the kit: what benchmarks/starter_run.py keeps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgeenc.record.form import parse
from edgeenc.record.latency import Ratio
from edgeenc.record.vectors import TEACHER, AcrossScore, Found, Interval, ProbeScore, VectorFigures
from edgeenc.report.draw.numbers import correlation, count, interval, percent
from edgeenc.report.finding import kept_cell, probed_on

Table = Callable[[Sequence[str], Iterable[Sequence[str]]], list[str]]

HEAD = (
    *("language", "parameters", "fp32 MB", "int8 MB", "smaller by", "nearest neighbour found", "among 10", "Spearman"),
    *("n-grams find", "topics, teacher", "topics, int8", "kept", "English, teacher", "English, int8"),
    *("times as fast", "minutes", "peak MB"),
)
INT8 = "student int8"
TOPIC = "topic"


@dataclass(frozen=True, slots=True)
class FileSizes:
    """Bytes of the exported files."""

    teacher_fp32: int
    fp32: int
    int8: int


@dataclass(frozen=True, slots=True)
class StudentSize:
    """Parameters of the student."""

    parameters: int


@dataclass(frozen=True, slots=True)
class TimeRatios:
    """Times as a share of the teacher's, by model and precision."""

    ratio: Mapping[str, Ratio]


@dataclass(frozen=True, slots=True)
class StarterBuild:
    """A build as benchmarks/starter_run.py keeps it, as far as it is shown."""

    bytes: FileSizes
    student: StudentSize
    vectors: VectorFigures
    latency: TimeRatios
    minutes: float
    peak_bytes: int


def starter_lines(table: Table, path: Path | None) -> list[str]:
    """Return the table of the raw file, one row a language."""
    if path is None:
        return []
    found = parse(dict[str, StarterBuild], path.read_bytes())
    texts = max(build.vectors.languages[0].texts for build in found.values())
    note = (
        f"`{path.name}`. Searches: {count(texts)} held-out texts of the kit, each a search for the one nearest by"
        " the untouched teacher; beside it character n-grams (TF-IDF), which know nothing of meaning. Topics: macro F1"
        f" of a logistic regression on vectors, SIB-200 ({_ways(found.values())}); kept: the teacher's share, with the"
        " interval of the paired difference where it was kept. English: how often the first of 204 English lines, by"
        " the *teacher's* vectors, is the translation of the line that is searched with. Intervals of 95 %. Minutes and"
        " memory of the whole command; Tagalog with two threads on idle cores, the others with one beside other work.\n"
    )
    return [note, *table(HEAD, [_row(language, build) for language, build in found.items()])]


def _ways(builds: Iterable[StarterBuild]) -> str:
    """Return how topics were probed, each way once: raw files of before have the sets' own parts."""
    probes = (probe for build in builds for one in build.vectors.languages for probe in one.probes)
    return "; ".join(dict.fromkeys(probed_on(probe) for probe in probes if probe.task == TOPIC))


def _row(language: str, build: StarterBuild) -> list[str]:
    sizes, one = build.bytes, build.vectors.languages[0]
    own, counted = one.of(INT8), one.of("character n-grams")
    english = {across.model if across.model == "teacher" else across.name: across for across in one.across}
    assert own is not None and counted is not None
    return [
        language,
        count(build.student.parameters),
        *(f"{size / 1e6:.2f}" for size in (sizes.fp32, sizes.int8)),
        percent(1 - sizes.int8 / sizes.teacher_fp32),
        *(_found(own.recall[0]), _found(own.recall[-1]), _interval(own.spearman, correlation)),
        _found(counted.recall[0]),
        *(_topics(one.probe(TOPIC, name)) for name in (TEACHER, INT8)),
        kept_cell(one, one.probe(TOPIC, INT8)),
        *(_first(english.get(name)) for name in ("teacher", INT8)),
        f"{1 / build.latency.ratio[INT8].median:.1f}",
        f"{build.minutes:.1f}",
        f"{build.peak_bytes / 1e6:,.0f}",
    ]


def _found(found: Found) -> str:
    return f"{percent(found.share)} ({interval(found.low, found.high)})"


def _interval(value: Interval, shown: Callable[[float], str]) -> str:
    return f"{shown(value.value)} ({shown(value.low)} to {shown(value.high)})"


def _topics(probe: ProbeScore | None) -> str:
    if probe is None:
        return "not measured"
    return f"{percent(probe.macro_f1.value)} ({interval(probe.macro_f1.low, probe.macro_f1.high)})"


def _first(across: AcrossScore | None) -> str:
    return "not measured" if across is None else _found(across.accuracy[0])
