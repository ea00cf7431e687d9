"""The report: figures by hand, HTML and Markdown with the same cells, pictures to scale, nothing from outside."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from shown import DATA, Page, changed, plain_facts

from edgeenc.record.facts import Facts
from edgeenc.record.form import as_object, parse
from edgeenc.report import html_report, json_report, markdown_report, write_report
from edgeenc.report.draw import numbers as written
from edgeenc.report.draw.bars_svg import bars
from edgeenc.report.draw.blocks import Bar, Mark, Picture, Table, markdown_table
from edgeenc.report.draw.page import words
from edgeenc.report.headline import headline
from edgeenc.report.sections.of_build import sections


@pytest.fixture
def facts() -> Facts:
    """Return made-up facts of a whole build."""
    return plain_facts()


def markdown_cells(text: str) -> list[list[str]]:
    """Return the cells of all tables of a Markdown text, rules left out, escapes undone."""
    lines = [line for line in text.splitlines() if line.startswith("|") and not re.match(r"^\| :?-", line)]
    cells = [re.split(r"(?<!\\)\|", line)[1:-1] for line in lines]
    return [[re.sub(r"\\(.)", r"\1", cell.strip()) for cell in row] for row in cells]


def test_the_answer_stands_first(facts: Facts) -> None:
    # 1 - 2,731,008 / 50,241,536 = 0.94564; (3.2104 - 2.4419) / (3.2104 - 2.2071) = 0.76597; 1 / 0.12811 = 7.806
    assert headline(facts) == (
        "2.73 MB (int8), 94.56 % smaller than its teacher of 50.24 MB; a sentence takes 0.128 of the teacher's time"
        " (7.8 times as fast); 76.60 % of the teacher's gain over the unigram baseline is retained (2.442 bits per"
        " character, the untouched teacher 2.207); all 4 gates passed."
    )
    page = html_report(facts)
    assert page.index("2.73&nbsp;MB (int8)") < page.index("<svg")


def test_what_was_not_measured_is_not_said(facts: Facts) -> None:
    for place in ("latency", "bytes.int8", "bits_per_character.cut", "bits_per_character.random"):
        facts = changed(facts, place, None)
    facts = changed(facts, "floors", ())
    assert headline(facts).startswith("10.41 MB (fp32), ")
    assert "times as fast" not in headline(facts)
    text = markdown_report(facts)
    assert "## Latency" not in text
    assert "int8 file" not in html_report(facts)
    assert "| Relative latency | – | not measured |" in text
    assert "random weights" not in text


def test_files_are_read_by_the_names_of_any_target(facts: Facts) -> None:
    """Of ONNX files a report has the words that it always had; of none it says so."""
    assert list(facts.bytes) == ["teacher_fp32", "fp32", "int8"]
    assert facts.files.written == facts.bytes and facts.files.shipped == (facts.bytes["int8"], "int8")
    other = replace(facts, bytes={"teacher_whole": 50, "whole": 10, "half": 6, "packed": 2, "bits": None})
    assert (other.files.first, other.files.teacher, other.files.shipped) == ("whole", 50, (2, "packed"))
    assert other.files.written == other.bytes
    rows = [row[0] for row in markdown_cells(markdown_report(other)) if row[0].startswith(("Teacher,", "Student,"))]
    assert rows[: rows.index("Student, packed") + 1] == [
        "Teacher, whole",
        "Student, whole",
        "Student, half",
        "Student, packed",
    ]
    for wrong in ({}, {"fp32": 1}, {"teacher_fp32": 1, "fp32": None}):
        with pytest.raises(ValueError, match="teacher's file"):
            parse(Facts, json.dumps(as_object(facts) | {"bytes": wrong}))


def test_a_failed_gate_is_named_in_the_first_sentence(facts: Facts) -> None:
    facts = changed(changed(facts, "gates.1.figure", 3e-3), "gates.1.passed", False)
    assert headline(facts).endswith("; 1 of 4 gates failed: PyTorch against ONNX fp32.")
    assert "| PyTorch against ONNX fp32 | 0.0030 | largest difference | ≤ 1.0e-4 | failed |" in markdown_report(facts)
    assert "1 of 4 gates failed: PyTorch against ONNX fp32." in markdown_report(facts).split("## Gates")[1]


def test_a_teacher_without_advantage_has_no_share_to_keep(facts: Facts) -> None:
    facts = changed(facts, "bits_per_character.teacher", 3.3)
    assert facts.bits_per_character.advantage_kept(facts.bits_per_character.student) is None
    assert "2.442 bits per character, the untouched teacher 3.300, the unigram baseline 3.210" in headline(facts)


def test_a_student_better_than_its_teacher_is_called_so(facts: Facts) -> None:
    facts = changed(facts, "bits_per_character.teacher", 2.5)
    assert "the untouched teacher 2.500: better on this language than its teacher" in headline(facts)


def test_html_and_markdown_have_the_same_cells(facts: Facts) -> None:
    answers = 6  # in HTML the table of answers is a list of tiles
    cells = markdown_cells(markdown_report(facts))
    assert Page(html_report(facts)).rows == cells[answers:]
    assert cells[0] == ["", "Value", "Meaning"]
    assert [row[0] for row in cells[1:answers]] == [
        "Size",
        "Compression",
        "Relative latency",
        "Bits per character",
        "Gates",
    ]
    assert len(cells) > 50


def test_every_tag_is_closed_and_every_label_exists(facts: Facts) -> None:
    page = Page(html_report(facts))
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))
    assert page.labels
    assert set(page.labels) <= set(page.ids)


def test_every_picture_has_a_title_and_its_figures_in_words(facts: Facts) -> None:
    text = html_report(facts)
    svgs = re.findall(r"<svg.*?</svg>", text, flags=re.DOTALL)
    assert len(svgs) == 3
    assert all(
        re.search(r'role="img"[^>]*>\n<title id="[^"]+">[^<]+</title>\n<desc id="[^"]+">[^<]+</desc>', s) for s in svgs
    )
    assert "Student: 2.442; " in svgs[1]
    assert "trim-vocab: 6.99 M parameters, 27.97 MB" in svgs[0]


def test_the_page_needs_nothing_from_outside(facts: Facts) -> None:
    text = html_report(facts)
    assert not re.search(r"https?:|//[a-z]|<script|<link|<img|src=|@import|url\(", text)
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in text
    assert "@media (prefers-color-scheme: dark)" in text


def test_text_of_a_corpus_cannot_become_markup(facts: Facts) -> None:
    facts = changed(facts, "gates.0.worst", "<b>bold</b> | `code` *x* & co")
    assert "<b>" not in html_report(facts)
    assert "&lt;b&gt;bold&lt;/b&gt; | `code` *x* &amp; co" in html_report(facts)
    assert r"| \<b\>bold\</b\> \| \`code\` \*x\* & co |" in markdown_report(facts)
    facts = changed(facts, "gates.0.worst", "a" * 200)
    assert f"| {'a' * 89}… |" in markdown_report(facts)


def test_sizes_are_drawn_for_steps_that_change_them_and_told_for_all(facts: Facts) -> None:
    section = sections(facts)[0]
    picture, table = section.pictures[0], section.tables[0]
    changing = ["teacher", "trim-vocab", "drop-layers", "prune-ffn", "truncate-hidden", "int8 file"]
    assert [bar.label for bar in picture.bars] == changing
    assert len(table.rows) == 8
    assert table.rows[0] == ("teacher", "7,812,096", "4,738,560", "96,304", "12,646,960", "50.59")
    assert picture.bars[0].segments == pytest.approx((31.248384, 18.95424, 0.385216))
    assert picture.bars[-1].length == pytest.approx(2.731008)


def test_bars_are_to_scale() -> None:
    picture = Picture("t", ("a", "b"), (Bar("x", "4", (3, 1)), Bar("y", "1", (0, 1), strong=False)), (Mark("half", 2),))
    svg = bars(picture, "p")
    rects = re.findall(r'<rect class="([^"]+)" x="([\d.]+)%" y="\d+" width="([\d.]+)%"', svg)
    assert rects == [("k0", "0.00", "75.00"), ("k1", "75.00", "25.00"), ("k1 weak", "0.00", "25.00")]
    assert set(re.findall(r'<line class="mark" x1="([\d.]+%)"', svg)) == {"50.00%"}
    assert "<desc" in svg
    assert "x: 4; y: 1; line at half" in svg


def test_a_value_that_does_not_fit_beside_its_label_stands_below_all_of_them() -> None:
    short, long = Bar("x", "1 MB", (1,)), Bar("a name of thirty-two characters", "12.34 MB and more", (2,))
    assert re.findall(r'y="(\d+)"', bars(Picture("t", ("a",), (short,)), "p")) == ["14", "14", "20"]
    assert len(long.label) + len(long.text) > 44
    heights = re.findall(r'y="(\d+)"', bars(Picture("t", ("a",), (short, long)), "p"))
    assert heights == ["14", "31", "37", "71", "88", "94"]


def test_bits_are_drawn_with_the_floors(facts: Facts) -> None:
    picture = sections(facts)[1].pictures[0]
    assert [bar.label for bar in picture.bars if bar.strong] == ["Student"]
    # (3.2104 + 2.2071) / 2 = 2.70875
    assert [mark.at for mark in picture.marks] == pytest.approx([2.70875, 3.2104])
    assert picture.marks[0].text == "2.709: half of the teacher's gain"


def test_noise_is_shown(facts: Facts) -> None:
    assert "Spread of rounds" in markdown_report(facts)
    assert "this host was busy" not in markdown_report(facts)
    facts = changed(facts, "latency.noisy", True)
    assert "this host was busy" in markdown_report(facts)
    assert "this host was busy" in html_report(facts)


def test_numbers_are_written_one_way() -> None:
    assert written.count(12634112) == "12,634,112"
    assert written.megabytes(3_141_592) == "3.14"
    assert written.megabytes(1_234_567_890) == "1,234.57"
    assert written.millions(12_634_112) == "12.63 M"
    assert written.percent(0.9381) == "93.81 %"
    assert written.rare(0.00012) == "0.012 %"
    assert written.bits(1.98765) == "1.988"
    assert written.milliseconds(2.41349) == "2.413"
    assert written.seconds(1234.56) == "1,234.6"
    assert written.ratio(0.12345) == "0.123"
    assert [written.points(x) for x in (-0.0213, 0.004, 0.00001, -0.00001, None)] == [
        "−2.13",
        "+0.40",
        "0.00",
        "0.00",
        "–",
    ]
    assert written.interval(0.771, 0.8692) == "77.10 to 86.92 %"
    assert [written.times(x) for x in (0.2, 0.12811, None)] == ["5.0", "7.8", "–"]
    assert [written.rate(x) for x in (1234.567, None)] == ["1,234.6", "–"]
    assert [written.duration(s) for s in (9.4, 75.2, 3600)] == ["9 s", "1 min 15 s", "60 min 0 s"]
    figures = (0.99987, 3.14e-6, 0.0, 12.0, 1e-4, -2.5e-5, float("inf"), None)
    assert [written.figure(f) for f in figures] == ["0.9999", "3.1e-6", "0", "12", "1.0e-4", "-2.5e-5", "inf", "–"]


def test_no_line_ends_between_number_and_unit() -> None:
    assert words("3.14 MB of 5 % in 2 min 3 s, 12 sentences") == (
        "3.14&nbsp;MB of 5&nbsp;% in 2&nbsp;min 3&nbsp;s, 12 sentences"
    )


def test_a_table_with_a_missing_cell_is_refused() -> None:
    with pytest.raises(ValueError, match=r"table 'pets': 2 columns expected, found \('cat',\)"):
        Table("pets", ("", "Age"), "lr", (("cat",),))
    table = Table("pets", ("", "Age"), "lr", (("cat", "3"),))
    assert markdown_table(table) == "|  | Age |\n| :--- | ---: |\n| cat | 3 |"


def test_the_json_is_the_facts_with_numbers_in_one_line(facts: Facts) -> None:
    text = json_report(facts)
    assert json.loads(text) == json.loads((DATA / "report_facts.json").read_text("utf-8"))
    assert parse(Facts, text) == facts
    assert re.search(r'"tokens": \[ 14, 25, 44 \]', text)
    broken = changed(facts, "compression", float("nan"))
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_report(broken)


def test_the_same_facts_give_the_same_three_files(facts: Facts, tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_report(facts, tmp_path / name / "report")
    files = {p.name: p.read_bytes() for p in (tmp_path / "one" / "report").iterdir()}
    assert set(files) == {"report.html", "report.md", "report.json"}
    assert files == {p.name: p.read_bytes() for p in (tmp_path / "two" / "report").iterdir()}
