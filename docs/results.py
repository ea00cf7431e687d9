"""The page of measured results, made from the raw files in benchmarks/results, so that no figure is typed by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

from benches import bench_tables, starts_table, table
from rehearsals import order_lines, rehearsal_lines

Raw = Mapping[str, object]
ROOT = Path(__file__).resolve().parent.parent
TASKS = "tasks_*/*.json"
MORE = (
    *("set", "teacher torch", "trim-only torch", "student int8"),
    *("teacher MB", "student fp32 MB", "student int8 MB", "time int8 / teacher"),
)
FORMS = (("teacher", "torch"), ("trim-only", "torch"), ("student", "torch"), ("student", "fp32"), ("student", "int8"))


def results_page() -> str:
    """Return docs/results.md."""
    return "\n".join(
        [
            "# Results\n",
            "Made from `benchmarks/results` by `docs/generate.py`; do not edit. How each was measured stands in"
            " `benchmarks/README.md`, what was decided from it in `LOG.md`.\n",
            "## The starter recipe in four languages\n",
            *starter_table(),
            "",
            "## Tasks: the untouched teacher, the teacher with a trimmed vocabulary, the student\n",
            *tasks_tables(),
            "",
            "## Latency, throughput, memory and start\n",
            *newest_bench(),
            "",
            "## A classifier of texts that starts as the mean\n",
            *newest_starts(),
            "",
            "## The published recipes at full size\n",
            *rehearsal_lines(table),
            "",
            "## The published order and ours on the starter teacher\n",
            *order_lines(table),
            "",
        ]
    )


def newest_bench() -> list[str]:
    """Return the tables of the newest run of benchmarks/bench.py."""
    folders = [path for path in _results("bench_*") if any(path.glob("*/bench.json"))]
    return bench_tables(folders[-1]) if folders else ["Not measured yet."]


def newest_starts() -> list[str]:
    """Return the table of the newest run of benchmarks/starts.py."""
    paths = _results("starts_*.json")
    if not paths:
        return ["Not measured yet."]
    note = (
        f"`{paths[-1].name}`: macro F1 on topics, per cent, mean of the seeds and the sample deviation over them,"
        " PyTorch; the difference is paired over test items, with its 95 % interval.\n"
    )
    return [note, *starts_table(paths[-1])]


def _results(pattern: str) -> list[Path]:
    """Return raw results, the newest date last: names end with it."""
    found = (ROOT / "benchmarks" / "results").glob(pattern)
    return sorted(found, key=lambda path: (path.stem.rsplit("_", 1)[-1], path.name))


def starter_table() -> list[str]:
    """Return sizes, bits per character and latency of every language, from the newest run with a control."""
    newest = sorted((ROOT / "benchmarks" / "results").glob("starter-control_*.json"))[-1]
    head = (
        "language",
        "parameters",
        "fp32 MB",
        "int8 MB",
        "smaller by",
        "teacher",
        "unigram",
        "random",
        "cut",
        "student",
    )
    found = cast("Mapping[str, Raw]", _read(newest))
    return [f"`{newest.name}`; bits per character on held-out text.\n", *table(head, map(_starter_row, *_pairs(found)))]


def _pairs(found: Mapping[str, Raw]) -> tuple[list[str], list[Raw]]:
    return list(found), list(found.values())


def _starter_row(language: str, facts: Raw) -> list[str]:
    sizes, bits = _numbers(facts["bytes"]), _numbers(facts["bits_per_character"])
    parameters = _numbers(facts["student"])["parameters"]
    shown = [f"{bits[name]:.3f}" for name in ("teacher", "unigram", "random", "cut", "student")]
    smaller = 100 * (1 - sizes["int8"] / sizes["teacher_fp32"])
    return [
        language,
        f"{parameters:,.0f}",
        f"{sizes['fp32'] / 1e6:.2f}",
        f"{sizes['int8'] / 1e6:.2f}",
        f"{smaller:.1f} %",
        *shown,
    ]


def tasks_tables() -> list[str]:
    """Return the scores of every task set, and the differences that decide."""
    sets = [_read(path) for path in sorted((ROOT / "benchmarks" / "results").glob(TASKS))]
    if not sets:
        return ["Not measured yet."]
    head = ("set", "metric", "test items", *(f"{model} {form}" for model, form in FORMS), "int8 less teacher, points")
    rows = [_task_row(facts) for facts in sets]
    fast = [_numbers(_ratios(facts)["student int8"])["median"] for facts in sets]
    note = (
        f"Per cent, mean of three seeds and the sample deviation over them. The last column is paired over test items,"
        f" with its 95 % interval; *none seen* where that contains 0. The int8 student takes {min(fast):.2f} to"
        f" {max(fast):.2f} of the teacher's time per text (ONNX Runtime, one thread, batch 1, a busy host). The factor"
        " of the start as the mean was chosen on the test part of tc-tl, which flatters all models of that set; the"
        " others were not looked at.\n"
    )
    more = (
        "\n95 % intervals of the scores (bootstrap over test items), sizes of the exported files, and the median of the"
        " int8 student's time per text over the teacher's.\n"
    )
    return [note, *table(head, rows), more, *table(MORE, [_more_row(facts) for facts in sets])]


def _task_row(facts: Raw) -> list[str]:
    scores = {(row["model"], row["precision"]): row for row in cast("Sequence[Raw]", facts["tasks"])}
    first = next(iter(scores.values()))
    cells = [_score(scores[form]) if form in scores else "not run" for form in FORMS]
    return [str(facts["set"]), str(first["metric"]), str(first["n"]), *cells, _difference(facts)]


def _more_row(facts: Raw) -> list[str]:
    """Return the intervals of a set's scores, the sizes in MB, and the time."""
    scores = {(row["model"], row["precision"]): row for row in cast("Sequence[Raw]", facts["tasks"])}
    shown = []
    for form in (("teacher", "torch"), ("trim-only", "torch"), ("student", "int8")):
        low, high = (100 * cast("float", scores[form][end]) for end in ("low", "high"))
        shown.append(f"{low:.1f} to {high:.1f}")
    sizes = [f"{_numbers(facts['bytes'])[name] / 1e6:.2f}" for name in ("teacher_fp32", "fp32", "int8")]
    return [str(facts["set"]), *shown, *sizes, f"{_numbers(_ratios(facts)['student int8'])['median']:.2f}"]


def _score(row: Raw) -> str:
    value, deviation = cast("float", row["value"]), cast("float | None", row["deviation"])
    return f"{100 * value:.1f}" + (f" ± {100 * deviation:.1f}" if deviation is not None else "")


def _difference(facts: Raw) -> str:
    for row in cast("Sequence[Raw]", facts["differences"]):
        if row["precision"] == "int8" and str(row["baseline"]).startswith("teacher"):
            difference, low, high = (100 * cast("float", row[name]) for name in ("difference", "low", "high"))
            return f"{difference:+.1f} ({low:+.1f} to {high:+.1f})" + ("" if row["seen"] else ", none seen")
    return "not run"


def _read(path: Path) -> Raw:
    return json.loads(path.read_text(encoding="utf-8"))


def _numbers(value: object) -> Mapping[str, float]:
    return cast("Mapping[str, float]", value)


def _ratios(facts: Raw) -> Raw:
    return cast("Raw", cast("Raw", facts["latency"])["ratio"])
