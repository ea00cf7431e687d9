"""Tables of what was rehearsed at full size, and of the published order beside ours, from benchmarks/results."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import cast

Raw = Mapping[str, object]
Table = Callable[[Sequence[str], Sequence[Sequence[str]]], list[str]]
"""From a head and rows to the lines of a Markdown table."""

RESULTS = Path(__file__).resolve().parent.parent / "benchmarks" / "results"
HEADS = {
    "sizes": ("recipe", "parameters", "file", "bytes", "predicted", "off by", "time per sentence", "gates passed"),
    "orders": (
        "language",
        "recipe",
        "parameters",
        "tokens",
        "bits per character",
        "training min",
        "load",
        "peak MB",
    ),
}


def rehearsal_lines(table: Table) -> list[str]:
    """Return the sizes and latencies of every rehearsal beside the plan's prediction, and the peak of every step."""
    found = [_read(path) for path in sorted(RESULTS.glob("full-size-*.json"))]
    asked = sorted({(raw["optimiser_steps"], raw["batch_tokens"], raw["threads"]) for raw in found})
    how = "; ".join(f"{steps} steps of {batch} tokens, {threads} thread" for steps, batch, threads in asked)
    note = (
        f"`full-size-*.json`: random weights in the teacher's shape; each training {how}. Time per sentence:"
        " median ratio to the teacher's (ONNX fp32, batch 1). Steps that recipes of one teacher share are done once.\n"
    )
    sizes = [cells for raw in found for cells in _size_rows(raw)]
    peaks = [[cast("str", raw["recipe_name"]), *_peaks(raw)] for raw in found]
    steps = [cast("str", row["step"]) for row in _steps(found[0])] if found else []
    told = "\nPeak memory of each step's process, MB:\n"
    return [note, *table(HEADS["sizes"], sizes), told, *table(("recipe", *steps), peaks)]


def _size_rows(raw: Raw) -> list[list[str]]:
    """Return a row for each exported file of a rehearsal."""
    report = cast("Raw", raw["report"])
    ratios = cast("Mapping[str, Raw]", cast("Raw", report["latency"])["ratio"])
    gates = cast("Sequence[Raw]", report["gates"])
    passed = f"{sum(bool(gate['passed']) for gate in gates)} of {len(gates)}"
    files = {"teacher fp32": "export:teacher", "student fp32": "export", "student int8": "quantize"}
    rows = []
    for file, name in files.items():
        row = next(row for row in _steps(raw) if row["step"] == name)
        made, predicted = cast("int", row["bytes"]), cast("int", row["predicted_bytes"])
        ratio = f"{cast('float', ratios[file]['median']):.3f}" if file in ratios else "1"
        shown = [f"{value:,}" for value in (cast("int", row["parameters"]), made, predicted)]
        off = f"{100 * (made / predicted - 1):+.4f} %"
        of_student = passed if file == "student int8" else ""
        rows.append([cast("str", raw["recipe_name"]), shown[0], file, *shown[1:], off, ratio, of_student])
    return rows


def _peaks(raw: Raw) -> list[str]:
    return [f"{cast('int', row['peak_mb']):,}" for row in _steps(raw)]


def _steps(raw: Raw) -> Sequence[Raw]:
    return cast("Sequence[Raw]", raw["steps"])


def order_lines(table: Table) -> list[str]:
    """Return bits per character, minutes and memory of the published order and of ours."""
    rows, names = [], []
    for path in sorted(RESULTS.glob("orders_*.json")):
        names.append(f"`{path.name}`")
        for language, recipes in cast("Mapping[str, Mapping[str, Raw]]", _read(path)).items():
            rows += [_order_row(language, facts) for facts in recipes.values()]
    if not rows:
        return ["Not measured yet."]
    note = (
        f"{', '.join(names)}; the starter teacher to 3 x 192 with 8,000 pieces, as many training tokens in each row."
        " `starter` is ours; `orders-last` the same with the vocabulary trimmed last; `orders-published` the published"
        " order, choices and settings; `orders-rates` these with our rates, batches and masks. Minutes hang on"
        " the load when the row was done (two cores); those of trainings that rows share are counted in each.\n"
    )
    return [note, *table(HEADS["orders"], rows)]


def _order_row(language: str, facts: Raw) -> list[str]:
    trained = [step for step in cast("Sequence[Raw]", facts["steps"]) if step["tokens"]]
    seconds = sum(cast("float", step["seconds"]) for step in trained)
    bits = cast("Mapping[str, float]", facts["bits_per_character"])
    return [
        language,
        cast("str", facts["recipe"]),
        f"{cast('Mapping[str, int]', facts['student'])['parameters']:,}",
        f"{sum(cast('int', step['tokens']) for step in trained):,}",
        f"{bits['student']:.3f}",
        f"{seconds / 60:.1f}",
        f"{cast('Mapping[str, float]', facts['host'])['load']:.1f}",
        f"{cast('int', facts['peak_bytes']) / 1e6:,.0f}",
    ]


def _read(path: Path) -> Raw:
    return json.loads(path.read_text(encoding="utf-8"))
