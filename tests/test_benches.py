"""The benchmark of all languages: its matrix, what it keeps of a result, and the tables that are made of it."""

from __future__ import annotations

import importlib.util
import json
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
import yaml
from shown import DATA

from edgeenc.bench.matrix import Matrix
from edgeenc.record.form import parse
from edgeenc.record.rows import Bench

ROOT = Path(__file__).resolve().parent.parent


def loaded(path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(Path(path).stem, ROOT / path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[module.__name__] = module  # where dataclasses look for the names in their annotations
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def benches() -> ModuleType:
    return loaded("docs/benches.py")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Two languages with the made-up benchmark of the tests: four models at five lengths, and no GPU."""
    made = json.loads((DATA / "bench.json").read_text("utf-8"))
    for language in ("tl", "mt"):
        (tmp_path / "bench_here_2026-11-21" / language).mkdir(parents=True)
        (tmp_path / "bench_here_2026-11-21" / language / "bench.json").write_text(json.dumps(made), "utf-8")
    return tmp_path / "bench_here_2026-11-21"


def cells(lines: list[str], table: int) -> list[list[str]]:
    """Return the cells below the head of one table."""
    tables = "\n".join(lines).split("| language |")[1:]
    rows = [line for line in tables[table].splitlines()[2:] if line.startswith("|")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def test_tables_by_hand(benches: ModuleType, run: Path) -> None:
    lines = benches.bench_tables(run)
    latency = cells(lines, 0)
    assert [row[:2] for row in latency[:4]] == [
        *(["mt", "teacher fp32"], ["mt", "trim-only fp32"], ["mt", "student fp32"], ["mt", "student int8"]),
    ]
    assert [row[0] for row in latency] == ["mt"] * 4 + ["tl"] * 4
    rows = json.loads((DATA / "bench.json").read_text("utf-8"))["rows"]
    own = {f"{r['model']} {r['precision']}": r for r in rows if r["seq_len"] is None and r["runtime"] == "ort"}
    assert latency[0][2] == f"{own['teacher fp32']['p50_ms']:.2f}"
    assert latency[3][2] == "0.41 (7.3)"  # 3.0 / 0.41
    assert latency[3][3].startswith("~0.27")  # 16 tokens, the only rough row
    memory = cells(lines, 2)
    assert all(len(row) == 9 for row in memory)
    assert "GPU: not run: this machine has no GPU." in lines
    measured = sum(row.get("p50_ms") is not None for row in rows)
    assert f"{2} of {2 * measured}." in lines[0]


def test_a_gpu_has_a_table_of_its_own(benches: ModuleType, run: Path) -> None:
    place = run / "tl" / "bench.json"
    made = json.loads(place.read_text("utf-8"))
    for row in made["rows"]:
        if row["device"] == "cuda":
            row.update(status="measured", p50_ms=1.5, noisy=False, vram_allocated_bytes=300_000_000)
    place.write_text(json.dumps(made), "utf-8")
    lines = benches.bench_tables(run)
    assert "GPU.\n" in lines
    assert cells(lines, 3)[0][-2:] == ["1.50", "300.0"]


def test_the_starts_by_hand(benches: ModuleType, tmp_path: Path) -> None:
    start = lambda value: {"value": value, "deviation": 0.012}  # noqa: E731
    found = {"starts": {"plain": start(0.44), "mean": start(0.58)}}
    found["mean less plain"] = {"value": 0.14, "low": 0.081, "high": 0.2, "seen": True}
    (tmp_path / "starts.json").write_text(json.dumps({"languages": {"tl": found}}), "utf-8")
    assert benches.starts_table(tmp_path / "starts.json")[-1] == (
        "| tl | 44.0 ± 1.2 | 58.0 ± 1.2 | +14.0 (+8.1 to +20.0) |"
    )


def test_the_matrix_is_read_and_samples_lose_their_nanoseconds() -> None:
    bench = loaded("benchmarks/bench.py")
    matrix = yaml.safe_load((ROOT / "benchmarks" / "bench.yaml").read_text("utf-8"))
    first, *_, gpu = bench.parts_of(matrix)
    assert list(matrix["sets"]) == ["tl", "mt", "sk", "sw"]
    assert first == Matrix(
        runtimes=("ort",), lengths=(None, 16, 64, 128, 256), rounds=matrix["rounds"], runs=matrix["runs"], seconds=0.0
    )
    assert (gpu.devices, gpu.precisions) == (("cuda",), ("fp32", "bf16"))
    made = parse(Bench, (DATA / "bench.json").read_text("utf-8"))
    row = replace(made.rows[0], p50_ms=1.23456, samples_ms=(1.23456, 2.0), load_samples_ms=(3.99999,))
    slim = replace(row, samples_ms=(1.235, 2.0), load_samples_ms=(4.0,))
    assert bench.slim(replace(made, rows=(row,))).rows == (slim,)
