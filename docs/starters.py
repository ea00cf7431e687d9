"""The table of what the starter recipe makes of each language of the kit: what benchmarks/starter_run.py keeps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgeenc.record.form import parse
from edgeenc.record.gates import Floor
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
KIN_HEAD = (
    *("recipe", "language", "parameters", "int8 MB", "smaller by", "nearest neighbour found", "among 10", "Spearman"),
    *("topics, int8", "kept", "English, int8", "bits per character", "floor", "times as fast", "minutes"),
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
class StepTime:
    """How long a step took, also where a later build took it from the store."""

    seconds: float


@dataclass(frozen=True, slots=True)
class KinBuild:
    """A build of another recipe of the kit, as far as it is shown.

    Attributes:
        vectors: what its vectors are worth; None of one that fills in masked words.
        floors: what it must be better than.
    """

    bytes: FileSizes
    student: StudentSize
    latency: TimeRatios
    steps: tuple[StepTime, ...]
    floors: tuple[Floor, ...]
    vectors: VectorFigures | None = None


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


def kin_lines(table: Table, paths: Sequence[Path]) -> list[str]:
    """Return the table of raw files of other recipes, one row a language of each; nothing where there are none."""
    if not paths:
        return []
    names = ", ".join(f"`{path.name}`" for path in paths)
    note = (
        f"Other recipes of the kit: {names}. Columns as above; floor: what a model that fills in masked words must be"
        " below, in bits per character of held-out text. Minutes: of all steps, measured beside other work.\n"
    )
    rows = [
        _kin(path.name.split("_")[0], language, build)
        for path in paths
        for language, build in parse(dict[str, KinBuild], path.read_bytes()).items()
    ]
    return ["", note, *table(KIN_HEAD, rows)]


def _kin(recipe: str, language: str, build: KinBuild) -> list[str]:
    sizes = build.bytes
    floor = next((floor for floor in build.floors if floor.name.startswith("bits per character")), None)
    return [
        *(f"`{recipe}`", language),
        count(build.student.parameters),
        f"{sizes.int8 / 1e6:.2f}",
        percent(1 - sizes.int8 / sizes.teacher_fp32),
        *_worth(build.vectors),
        *(("", "") if floor is None else (f"{floor.figure:.3f}", f"{floor.bound:.3f}")),
        f"{1 / build.latency.ratio[INT8].median:.1f}",
        f"{sum(step.seconds for step in build.steps) / 60:.1f}",
    ]


def _worth(vectors: VectorFigures | None) -> tuple[str, ...]:
    """Return what vectors are worth: found first and among ten, Spearman, topics, the share kept, English."""
    one = vectors.languages[0] if vectors else None
    own = one.of(INT8) if one else None
    if one is None or own is None:
        return ("",) * 6
    probe = one.probe(TOPIC, INT8)
    found = _found(own.recall[0]), _found(own.recall[-1]), correlation(own.spearman.value)
    return *found, _topics(probe), kept_cell(one, probe), _first(next((a for a in one.across if a.name == INT8), None))


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
