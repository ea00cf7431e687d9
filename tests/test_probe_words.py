"""What a report says of a probe: how it was made, and how much of the teacher's macro F1 is kept."""

from __future__ import annotations

import json

from edgeenc.record.form import parse, plain
from edgeenc.record.scores import Difference
from edgeenc.record.vectors import Agreement, Interval, LanguageVectors, ProbeScore, VectorFigures, found_in
from edgeenc.report.draw.numbers import MISSING
from edgeenc.report.finding import kept_cell
from edgeenc.report.sections.sentence_vectors import vectors_section


def probed(model: str, value: float, **more: int) -> ProbeScore:
    interval = Interval(value=value, low=value - 0.03, high=value + 0.03)
    return ProbeScore(
        task="topic", model=model, precision="torch", macro_f1=interval, **({"train": 803, "n": 1004} | more)
    )


def of_probes(*probes: ProbeScore, differences: tuple[Difference, ...] = ()) -> VectorFigures:
    agreement = Agreement(
        model="student",
        precision="torch",
        spearman=Interval(value=0.5, low=0.4, high=0.6),
        recall=(found_in(1, 2, 4), found_in(10, 3, 4)),
    )
    one = LanguageVectors(language="tl", texts=12, agreement=(agreement,), probes=probes, probe_differences=differences)
    return VectorFigures(dimensions=2, teacher_dimensions=2, query="", passage="", languages=(one,))


def test_a_report_says_how_much_of_the_teachers_macro_f1_is_kept() -> None:
    """0.741 / 0.775 = 0.9561; 1 - 0.055 / 0.775 = 0.9290; 1 - 0.012 / 0.775 = 0.9845."""
    differs = Difference(
        task="topic",
        metric="macro_f1",
        model="student",
        precision="torch",
        baseline="teacher torch",
        difference=-0.034,
        low=-0.055,
        high=-0.012,
        seen=True,
    )
    probes = (probed("teacher", 0.775, folds=5), probed("student", 0.741, folds=5, left_out=3))
    section = vectors_section(of_probes(*probes, differences=(differs,)))
    assert (
        "tl, student torch, by a probe (5-fold cross-validation over 1,004 texts): keeps 95.61 % of the teacher's macro"
        " F1 on topic (95 % CI 92.90 to 98.45 %, of the paired difference: worse)."
    ) in section.text
    table = next(table for table in section.tables if "regression" in table.caption)
    assert [row[3:] for row in table.rows] == [
        (MISSING, MISSING, MISSING, "803", "1,004", "5"),
        ("95.61 %", "92.90 to 98.45 %", "worse", "803", "1,004", "5"),
    ]
    notes = " ".join(section.notes)
    assert "learnt from the other folds" in notes and "fewer texts than there are folds: 3 of topic" in notes


def test_figures_of_before_are_read_and_said_to_be_of_the_sets_own_parts() -> None:
    """Such a raw file has no folds and no paired differences."""
    old = plain(of_probes(probed("teacher", 0.8, train=701, n=204), probed("student", 0.6, train=701, n=204)))
    text = json.dumps(old)
    assert "folds" not in text and "probe_differences" not in text
    read = parse(VectorFigures, text.replace(', "left_out": 0', ""))
    section = vectors_section(read)
    assert (
        "tl, student torch, by a probe (learnt from 701 texts, tested on 204 others): keeps 75.00 % of the teacher's"
        " macro F1 on topic (not compared text by text)."
    ) in section.text
    assert "learnt from the other folds" not in " ".join(section.notes)
    one = read.languages[0]
    assert [kept_cell(one, probe) for probe in (*one.probes, None)] == ["", "75.00 %", ""]
