"""Tables of what was rehearsed at full size, from benchmarks/results."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgeenc.record.form import parse
from edgeenc.record.gates import Gate
from edgeenc.record.latency import Ratio

Table = Callable[[Sequence[str], Sequence[Sequence[str]]], list[str]]
"""From a head and rows to the lines of a Markdown table."""

RESULTS = Path(__file__).resolve().parent.parent / "benchmarks" / "results"
HEADS = {
    "sizes": ("recipe", "parameters", "file", "bytes", "predicted", "off by", "time per sentence", "gates passed"),
}


@dataclass(frozen=True, slots=True)
class RehearsedStep:
    """A step of a rehearsal; bytes and parameters where it made a model or a file."""

    step: str
    peak_mb: int
    parameters: int | None
    bytes: int | None
    predicted_bytes: int | None


@dataclass(frozen=True, slots=True)
class PairedTimes:
    """Times as a share of the teacher's, by model and precision."""

    ratio: Mapping[str, Ratio]


@dataclass(frozen=True, slots=True)
class RehearsedReport:
    """The part of a rehearsal's report that is shown."""

    latency: PairedTimes
    gates: tuple[Gate, ...]


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What benchmarks/full_size.py writes, as far as it is shown."""

    recipe_name: str
    optimiser_steps: int
    batch_tokens: int
    threads: int
    steps: tuple[RehearsedStep, ...]
    report: RehearsedReport


def rehearsal_lines(table: Table) -> list[str]:
    """Return the sizes and latencies of every rehearsal beside the plan's prediction, and the peak of every step."""
    found = [parse(Rehearsal, path.read_bytes()) for path in sorted(RESULTS.glob("full-size-*.json"))]
    asked = sorted({(one.optimiser_steps, one.batch_tokens, one.threads) for one in found})
    how = "; ".join(f"{steps} steps of {batch} tokens, {threads} thread" for steps, batch, threads in asked)
    note = (
        f"`full-size-*.json`: random weights in the teacher's shape; each training {how}. Time per sentence:"
        " median ratio to the teacher's (ONNX fp32, batch 1). Steps that recipes of one teacher share are done once.\n"
    )
    sizes = [cells for one in found for cells in _size_rows(one)]
    peaks = [[one.recipe_name, *(f"{row.peak_mb:,}" for row in one.steps)] for one in found]
    steps = [row.step for row in found[0].steps] if found else []
    told = "\nPeak memory of each step's process, MB:\n"
    return [note, *table(HEADS["sizes"], sizes), told, *table(("recipe", *steps), peaks)]


def _size_rows(found: Rehearsal) -> list[list[str]]:
    """Return a row for each exported file of a rehearsal."""
    gates, ratios = found.report.gates, found.report.latency.ratio
    passed = f"{sum(gate.passed for gate in gates)} of {len(gates)}"
    files = {"teacher fp32": "export:teacher", "student fp32": "export", "student int8": "quantize"}
    rows = []
    for file, name in files.items():
        row = next(row for row in found.steps if row.step == name)
        assert row.bytes is not None and row.predicted_bytes is not None
        ratio = f"{ratios[file].median:.3f}" if file in ratios else "1"
        off = f"{100 * (row.bytes / row.predicted_bytes - 1):+.4f} %"
        of_student = passed if file == "student int8" else ""
        made, predicted = f"{row.bytes:,}", f"{row.predicted_bytes:,}"
        rows.append([found.recipe_name, f"{row.parameters:,}", file, made, predicted, off, ratio, of_student])
    return rows
