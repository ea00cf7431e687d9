"""`edgeenc report`: bundles and benchmarks on one page; what was not measured is said, never shown as a figure."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from line import edgeenc
from shown import DATA, Page, folders

from edgeenc.errors import InputError
from edgeenc.record.rows import Condition, Row
from edgeenc.report.draw.blocks import Table, without_empty
from edgeenc.report.measured import Measured
from edgeenc.report.overview import html_overview, markdown_overview, overview_of
from edgeenc.report.reading import read, shared_condition
from edgeenc.report.sections.peak_memory import memory_bars, memory_section, vram_bars
from edgeenc.report.sections.times import length_plot, speed_section, unrun_section

NAME = "Tagalog topic classifier and part-of-speech tagger (tl)"


@pytest.fixture
def built(tmp_path: Path) -> Measured:
    """Return what a made-up bundle tells."""
    return read(folders(tmp_path)[0])


@pytest.fixture
def timed(tmp_path: Path) -> Measured:
    """Return what a made-up benchmark tells: four models at five lengths, PyTorch, and no GPU."""
    return read(folders(tmp_path)[1])


def test_a_benchmark_is_read_at_one_condition_for_all_models(timed: Measured) -> None:
    assert [c.name for c in timed.candidates] == ["teacher fp32", "trim-only fp32", "student fp32", "student int8"]
    assert timed.timed == "ONNX Runtime, CPU, 1 thread, batch 1, sentences at their own length"
    student = timed.candidates[-1]
    assert (student.bytes, student.ms, student.peak_bytes) == (2731008, 0.41, 92000000 - 71000000)
    assert student.share == pytest.approx(0.41 / 3.0)
    assert timed.candidates[0].share is None
    assert {score.seeds for score in timed.scores} == {3}  # listed in the file, counted here


def test_the_answers_stand_first(built: Measured, timed: Measured) -> None:
    overview = overview_of([built, timed])
    assert overview.leads[0].startswith(
        f"{NAME}: int8 student: 2.73 MB, 7.8 times as fast as the teacher, keeps 96.55 %"
    )
    # 3.0 / 0.41 = 7.317
    assert overview.leads[1].startswith("timed: int8 student: 2.73 MB, 7.3 times as fast as the teacher, keeps 96.55 %")
    page = html_overview(overview)
    assert page.index("int8 student: 2.73&nbsp;MB") < page.index("<h2") < page.index("<svg")


def test_one_folder_has_tiles_and_no_prefix(built: Measured) -> None:
    overview = overview_of([built])
    assert overview.leads[0].startswith("int8 student: 2.73 MB")
    assert [row[:2] for row in overview.tiles.rows] == [
        ("Size", "2.73 MB"),
        ("Speed", "7.8 ×"),
        ("Macro F1 on topic", "81.22 %"),
        ("Token accuracy on pos", "91.05 %"),
    ]
    assert [section.title for section in overview.sections] == [
        *("Comparison", "Tasks", "Sizes", "Quality", "Gates", "Latency", "Host and versions"),
    ]


def test_models_stand_side_by_side_and_gaps_are_named(built: Measured) -> None:
    section = overview_of([built]).sections[0]
    (table,) = section.tables
    assert table.head == ("Model", "MB", "p50 ms", "Times as fast", "topic: macro F1, %", "pos: token accuracy, %")
    assert table.rows[1] == ("trim-only fp32", "27.67", "not run", "not run", "84.05", "not run")
    assert table.rows[3] == ("student int8", "2.73", "0.408", "7.8", "81.22", "91.05")
    notes = " ".join(section.notes)
    assert "Without a column, since no folder has it: Peak MB above the runtime." in notes
    assert "not run: the folder holds no such measurement of this model." in notes


def test_a_column_without_a_figure_is_left_out() -> None:
    table = Table("t", ("", "a", "b"), "lrr", (("x", "–", "1"), ("y", "–", "–")))
    assert without_empty(table) == Table("t", ("", "b"), "lr", (("x", "1"), ("y", "–")))


def test_what_was_not_run_stands_with_its_reason_and_nowhere_else(timed: Measured) -> None:
    (table,) = unrun_section(timed.rows).tables
    assert table.rows == (
        ("teacher fp32", "PyTorch, GPU", "1", "not run", "this machine has no GPU"),
        ("student fp32", "PyTorch, GPU", "1", "not run", "this machine has no GPU"),
    )
    assert [t.caption for t in speed_section(timed.rows).tables] == ["ONNX Runtime, CPU", "PyTorch, CPU"]
    assert "| CPU | 1 | product, fp32 | numpy | 81.2 GFLOP/s |" in markdown_overview(overview_of([timed]))
    assert "| gpu | none |" in markdown_overview(overview_of([timed]))
    assert all("GPU" not in head for table in overview_of([timed]).sections[0].tables for head in table.head)


def test_latency_is_drawn_over_the_length(timed: Measured) -> None:
    plot = length_plot([row for row in timed.rows if row.runtime == "ort"])
    assert plot is not None
    assert plot.title == "Milliseconds over the sequence length: ONNX Runtime, CPU, 1 thread, batch 1"
    student = plot.series[3]
    assert (student.label, student.joined) == ("student int8", True)
    assert [(p.x, p.y) for p in student.points] == [(16, 0.27), (64, 1.0), (128, 2.2), (256, 5.6)]
    assert length_plot([row for row in timed.rows if row.runtime == "torch"]) is None
    assert length_plot([row for row in timed.rows if row.seq_len == 64]) is None


def test_rough_rows_are_counted_and_marked(timed: Measured) -> None:
    section = speed_section(timed.rows)
    assert section.text[0].startswith("Rough: 1 of 22 measurements")
    rough = [row for row in section.tables[0].rows if "31.00 % (rough)" in row]
    assert [row[:4] for row in rough] == [("student int8", "1", "1", "16")]


def test_a_rough_time_is_called_so_in_the_answer(tmp_path: Path) -> None:
    _, place = folders(tmp_path)
    bench = json.loads((place / "bench.json").read_text("utf-8"))
    for row in bench["rows"]:
        row["noisy"] = row["model"] == "student"
    (place / "bench.json").write_text(json.dumps(bench), "utf-8")
    overview = overview_of([read(place)])
    assert "7.3 times as fast as the teacher (roughly: the rounds differ widely), keeps" in overview.leads[0]
    assert "Rough times, whose rounds differ widely: student fp32, student int8." in overview.sections[0].notes


def test_a_model_measured_elsewhere_only_has_no_time_here(tmp_path: Path) -> None:
    _, place = folders(tmp_path)
    bench = json.loads((place / "bench.json").read_text("utf-8"))
    bench["rows"] = [row for row in bench["rows"] if (row["model"], row["runtime"]) != ("teacher", "ort")]
    bench["tasks"] = []
    (place / "bench.json").write_text(json.dumps(bench), "utf-8")
    overview = overview_of([read(place)])
    assert overview.leads == ("int8 student: 2.73 MB, 0.410 ms a run.",)
    assert overview.sections[0].tables[0].rows[0] == ("teacher fp32", "not run", "not run", "not run")


def test_memory_bars_begin_with_the_bare_process(timed: Measured) -> None:
    picture = memory_bars([row for row in timed.rows if row.runtime == "ort"])
    assert picture is not None
    # 71 MB bare, 86 MB steady, 92 MB at the peak
    assert picture.bars[-1].segments == pytest.approx((71.0, 15.0, 6.0))
    assert picture.bars[-1].text == "bare 71.00, steady 86.00, peak 92.00 MB"
    section = memory_section(timed.rows)
    assert section is not None
    assert len(section.pictures) == 2  # ONNX Runtime and PyTorch, each with its own bare process
    assert "GPU reserved MB" not in section.tables[0].head
    assert memory_section([replace(row, peak_rss_bytes=None) for row in timed.rows]) is None


def test_gpu_memory_is_shown_where_there_is_one() -> None:
    row = Row(
        model="teacher",
        runtime="torch",
        device="cuda",
        precision="bf16",
        threads=1,
        batch=8,
        p50_ms=1.0,
        vram_allocated_bytes=30_000_000,
        vram_reserved_bytes=46_000_000,
    )
    picture = vram_bars([row])
    assert picture is not None
    assert picture.bars[0].segments == pytest.approx((30.0, 16.0))


def test_the_shared_condition_is_the_one_of_most_models_then_the_plainest() -> None:
    def row(model: str, threads: int, seq_len: int | None, runtime: str = "ort") -> Row:
        return Row(
            model=model, runtime=runtime, device="cpu", precision="fp32", threads=threads, batch=1, seq_len=seq_len
        )

    rows = [row("a", 2, 64), row("b", 2, 64), row("a", 1, 64), row("a", 2, 32, "torch"), row("b", 2, 32, "torch")]
    assert shared_condition(rows) == Condition("ort", "cpu", 2, 1, 64)
    assert shared_condition([row("a", 1, 64), row("a", 1, None)]) == Condition("ort", "cpu", 1, 1, None)
    assert shared_condition([]) is None


def test_bundle_and_benchmark_in_one_folder_are_one(tmp_path: Path) -> None:
    built, _ = folders(tmp_path)
    (built / "bench.json").write_bytes((DATA / "bench.json").read_bytes())
    one = read(built)
    assert one.name == NAME
    assert [(c.name, c.ms) for c in one.candidates][-1] == ("student int8", 0.41)
    assert len(one.differences) == 4


def test_html_and_markdown_have_the_same_cells(built: Measured, timed: Measured) -> None:
    overview = overview_of([built, timed])
    page = Page(html_overview(overview))
    lines = [
        ln for ln in markdown_overview(overview).splitlines() if ln.startswith("|") and not re.match(r"^\| :?-", ln)
    ]
    cells = [[re.sub(r"\\(.)", r"\1", c.strip()) for c in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    assert page.rows == cells
    assert len(cells) > 80
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))
    assert set(page.labels) <= set(page.ids)


def test_the_page_needs_nothing_from_outside(built: Measured, timed: Measured) -> None:
    text = html_overview(overview_of([built, timed]))
    assert not re.search(r"https?:|//[a-z]|<script|<link|<img|src=|@import|url\(", text)


def test_names_cannot_become_markup(tmp_path: Path) -> None:
    _, timed = folders(tmp_path)
    text = (timed / "bench.json").read_text("utf-8").replace('"student"', '"<i>x|y</i>"')
    (timed / "bench.json").write_text(text, "utf-8")
    overview = overview_of([read(timed)])
    assert "<i>" not in html_overview(overview)
    assert r"\<i\>x\|y\</i\> int8" in markdown_overview(overview)


def test_the_command_writes_three_files_and_prints_the_answers(tmp_path: Path) -> None:
    one, two = folders(tmp_path)
    done = edgeenc("report", str(one), str(two), "-o", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{NAME}: int8 student: 2.73 MB")
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["report.html", "report.json", "report.md"]
    found = json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))
    assert found["answers"][0] in done.stdout
    assert found["results"][1]["candidates"][-1]["ms"] == 0.41
    assert len(found["results"][1]["rows"]) == 24


def test_a_report_may_lie_beside_its_benchmark_but_never_over_a_build(tmp_path: Path) -> None:
    built, timed = folders(tmp_path)
    for _ in range(2):  # the second time its own report.json is there already
        assert edgeenc("report", str(timed), "-o", str(timed)).returncode == 0
    before = (built / "report" / "report.json").read_bytes()
    for place in (built, built / "report"):
        done = edgeenc("report", str(timed), "-o", str(place))
        assert done.returncode == 2
        assert "holds a build's own report, which is not overwritten; choose another folder with -o" in done.stderr
    assert (built / "report" / "report.json").read_bytes() == before
    assert read(built / "report").name == NAME


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        (
            "other.json",
            "{}",
            "has neither report/report.json nor bench.json; a bundle or what `edgeenc bench -o` wrote",
        ),
        (
            "report.json",
            "{}",
            "report.json: not the report of a build (ValueError: edgeenc: Field required); build it again",
        ),
        ("report.json", "[1", "report.json: not the report of a build (JSONDecodeError"),
        ("bench.json", '{"host": {}}', "bench.json: rows: Field required; measure again with `edgeenc bench`"),
        (
            "bench.json",
            '{"host": {}, "rows": [{"model": 3}]}',
            "bench.json: rows.0.model: Input should be a valid string",
        ),
    ],
)
def test_damaged_input_is_named(tmp_path: Path, name: str, text: str, words: str) -> None:
    (tmp_path / name).write_text(text, "utf-8")
    with pytest.raises(InputError, match=re.escape(words)):
        read(tmp_path)


def test_a_benchmark_without_any_figure_says_so(tmp_path: Path) -> None:
    _, timed = folders(tmp_path)
    bench = json.loads((timed / "bench.json").read_text("utf-8"))
    bench["rows"], bench["tasks"] = bench["rows"][-2:], []
    (timed / "bench.json").write_text(json.dumps(bench), "utf-8")
    overview = overview_of([read(timed)])
    assert overview.leads == ("Nothing was measured.",)
    assert [section.title for section in overview.sections] == ["Not run", "Host and versions"]
