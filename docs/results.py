"""The page of measured results, made from the raw files in benchmarks/results, so that no figure is typed by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benches import bench_tables, starts_table, table
from claims import claim_lines
from peers import peer_lines
from rehearsals import rehearsal_lines
from starters import kin_lines, starter_lines

from edgeenc.record.form import parse
from edgeenc.record.latency import Ratio
from edgeenc.record.scores import Difference, Score

ROOT = Path(__file__).resolve().parent.parent
TASKS = "tasks_*/*.json"
MORE = (
    *("set", "teacher torch", "trim-only torch", "student int8"),
    *("teacher MB", "student fp32 MB", "student int8 MB", "time int8 / teacher"),
)
FORMS = (("teacher", "torch"), ("trim-only", "torch"), ("student", "torch"), ("student", "fp32"), ("student", "int8"))


@dataclass(frozen=True, slots=True)
class AllBytes:
    """Bytes of the exported files, all of them there."""

    teacher_fp32: int
    fp32: int
    int8: int


@dataclass(frozen=True, slots=True)
class Ratios:
    """Times as a share of the teacher's, by model and precision."""

    ratio: Mapping[str, Ratio]


@dataclass(frozen=True, slots=True)
class TaskSet:
    """What benchmarks/tasks.py writes of a set, as far as it is shown."""

    set: str
    tasks: tuple[Score, ...]
    differences: tuple[Difference, ...]
    bytes: AllBytes
    latency: Ratios

    @property
    def scores(self) -> Mapping[tuple[str, str], Score]:
        """Every score by model and precision."""
        return {(score.model, score.precision): score for score in self.tasks}


def results_page() -> str:
    """Return docs/results.md: a section for each kind of measurement of which there are raw files."""
    sections = (
        (
            "The starter recipe in four languages",
            [*starter_lines(table, _newest_starter()), *kin_lines(table, _newest("starter-*.json"))],
        ),
        ("Sentence vectors beside what else could be used", peer_lines(table, _newest("vectors-*.json"))),
        ("Tasks: the untouched teacher, the teacher with a trimmed vocabulary, the student", tasks_tables()),
        ("The published claim on a real teacher", claim_lines(table, _newest_claim())),
        ("Latency, throughput, memory and start", newest_bench()),
        ("A classifier of texts that starts as the mean", newest_starts()),
        ("The published recipes at full size", rehearsal_lines(table)),
    )
    head = (
        "# Results\n",
        "Made from `benchmarks/results` by `docs/generate.py`; do not edit. How each was measured stands in"
        " `benchmarks/README.md`, what was decided from it in `LOG.md`.\n",
    )
    return "\n".join([*head, *(line for title, lines in sections if lines for line in (f"## {title}\n", *lines, ""))])


def starters() -> list[str]:
    """Return the tables of the newest runs of benchmarks/starter_run.py: the starter recipe, and others of the kit."""
    return [*starter_lines(table, _newest_starter()), *kin_lines(table, _newest("starter-*.json"))]


def newest_bench() -> list[str]:
    """Return the tables of the newest run of benchmarks/bench.py."""
    folders = [path for path in _results("bench_*") if any(path.glob("*/bench.json"))]
    return bench_tables(folders[-1]) if folders else []


def newest_starts() -> list[str]:
    """Return the table of the newest run of benchmarks/starts.py."""
    paths = _results("starts_*.json")
    if not paths:
        return []
    note = (
        f"`{paths[-1].name}`: macro F1 on topics, per cent, mean of the seeds and the standard deviation over them,"
        " PyTorch; the difference is paired over test examples, with its 95 % confidence interval.\n"
    )
    return [note, *starts_table(paths[-1])]


def _newest(pattern: str) -> list[Path]:
    """Return of some raw files the newest of each name before host and date."""
    newest = {path.name.split("_")[0]: path for path in _results(pattern)}
    return [newest[name] for name in sorted(newest)]


def _results(pattern: str) -> list[Path]:
    """Return raw results, the newest date last: names end with it."""
    found = (ROOT / "benchmarks" / "results").glob(pattern)
    return sorted(found, key=lambda path: (path.stem.rsplit("_", 1)[-1], path.name))


def _newest_starter() -> Path | None:
    """Return the newest raw file of benchmarks/starter_run.py."""
    return next(iter(reversed(_results("starter_*.json"))), None)


def _newest_claim() -> Path | None:
    """Return the newest raw file of benchmarks/claim.py."""
    return next(iter(reversed(_results("claim_*.json"))), None)


def tasks_tables() -> list[str]:
    """Return the scores of every task set, and the differences that decide."""
    sets = [parse(TaskSet, path.read_bytes()) for path in sorted((ROOT / "benchmarks" / "results").glob(TASKS))]
    if not sets:
        return []
    head = (
        "set",
        "metric",
        "test examples",
        *(f"{model} {form}" for model, form in FORMS),
        "int8 less teacher, points",
    )
    rows = [_task_row(facts) for facts in sets]
    fast = [facts.latency.ratio["student int8"].median for facts in sets]
    note = (
        f"Per cent, mean of three seeds and the standard deviation over them. The last column is paired over"
        f" test examples, with its 95 % confidence interval; *none seen* where that contains 0. The int8"
        f" student takes {min(fast):.2f} to {max(fast):.2f} of the teacher's time per text"
        " (ONNX Runtime, one thread, batch 1, a busy host). The factor"
        " of the start as the mean was chosen on the test part of tc-tl, which flatters all models of that set; the"
        " others were not looked at.\n"
    )
    more = (
        "\n95 % confidence intervals of the scores (bootstrap over test examples), sizes of the exported files,"
        " and the median of the int8 student's time per text over the teacher's.\n"
    )
    return [note, *table(head, rows), more, *table(MORE, [_more_row(facts) for facts in sets])]


def _task_row(found: TaskSet) -> list[str]:
    first, scores = found.tasks[0], found.scores
    cells = [_score(scores[form]) if form in scores else "not run" for form in FORMS]
    return [found.set, first.metric, str(first.n), *cells, _difference(found)]


def _more_row(found: TaskSet) -> list[str]:
    """Return the intervals of a set's scores, the sizes in MB, and the time."""
    scores = [found.scores[form] for form in (("teacher", "torch"), ("trim-only", "torch"), ("student", "int8"))]
    shown = [f"{100 * score.low:.1f} to {100 * score.high:.1f}" for score in scores]
    sizes = [f"{size / 1e6:.2f}" for size in (found.bytes.teacher_fp32, found.bytes.fp32, found.bytes.int8)]
    return [found.set, *shown, *sizes, f"{found.latency.ratio['student int8'].median:.2f}"]


def _score(score: Score) -> str:
    return f"{100 * score.value:.1f}" + (f" ± {100 * score.deviation:.1f}" if score.deviation is not None else "")


def _difference(found: TaskSet) -> str:
    for row in found.differences:
        if row.precision == "int8" and row.baseline.startswith("teacher"):
            difference, low, high = (100 * value for value in (row.difference, row.low, row.high))
            return f"{difference:+.1f} ({low:+.1f} to {high:+.1f})" + ("" if row.seen else ", none seen")
    return "not run"
