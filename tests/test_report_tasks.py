"""Scores in a build's report: the sentence at the top in each case, tables, pictures, model card."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from shown import Page, changed, plain_facts, task_facts

from edgeenc.model.purpose import purpose_named
from edgeenc.record.facts import Facts
from edgeenc.record.scores import Difference, MajorityBaseline
from edgeenc.report import html_report, markdown_report
from edgeenc.report.answer import answer
from edgeenc.report.card import Shipped, model_card
from edgeenc.report.headline import headline
from edgeenc.report.licence import attribution, licence, licence_words
from edgeenc.report.reading import of_facts
from edgeenc.report.sections.accuracy import scores_section, sentence, size_plot, time_plot
from edgeenc.report.title import title
from edgeenc.screen.build_lines import last_line
from edgeenc.targets.onnx import FP32, INT8, ONNX
from edgeenc.targets.target import Precision


@pytest.fixture
def facts() -> Facts:
    """Return made-up facts of a build with two tasks."""
    return task_facts()


def shipped(purpose: str, precision: Precision, positions: int) -> Shipped:
    return Shipped(ONNX, precision, purpose_named(purpose), positions)


def said(facts: Facts, low: float, high: float, value: float) -> str:
    """Return the answer where int8 on topic differs from the teacher by `value`, between `low` and `high`."""
    facts = changed(facts, "tasks", tuple(s for s in facts.tasks if s.task == "topic"))
    facts = changed(facts, "tasks.-1.value", facts.tasks[1].value + value)
    seen = not low <= 0 <= high
    differences = tuple(
        replace(d, difference=value, low=low, high=high, seen=seen) if (d.task, d.precision) == ("topic", "int8") else d
        for d in facts.differences
    )
    measured = of_facts(changed(facts, "differences", differences))
    return answer(measured, measured.shipped[0])


def test_no_difference_is_seen_where_the_interval_contains_zero(facts: Facts) -> None:
    # 0.8122 / 0.8412 = 0.96553; 1 - 0.0712 / 0.8412 = 0.91536; 1 + 0.0131 / 0.8412 = 1.01557; 1 / 0.12811 = 7.806
    assert said(facts, -0.0712, 0.0131, -0.0290) == (
        "int8 student: 2.73 MB, 7.8 times as fast as the teacher, keeps 96.55 % of the teacher's macro F1 on topic"
        " (95 % CI 91.54 to 101.56 %, of the paired difference: no difference seen)"
    )


def test_worse_and_better_are_said_where_they_are_seen(facts: Facts) -> None:
    # 1 - 0.042 / 0.8412 = 0.95007; 1 + 0.042 / 0.8412 = 1.04993
    assert (
        "keeps 95.01 % of the teacher's macro F1 on topic (95 % CI 90.01 to 98.81 %,"
        " of the paired difference: worse)" in said(facts, -0.084, -0.010, -0.042)
    )
    assert (
        "reaches 104.99 % of the teacher's macro F1 on topic (95 % CI 101.19 to 109.99 %,"
        " of the paired difference: better)" in said(facts, 0.010, 0.084, 0.042)
    )


def test_without_paired_differences_the_two_intervals_stand_side_by_side(facts: Facts) -> None:
    facts = changed(facts, "differences", ())
    assert (
        "keeps 96.55 % of the teacher's macro F1 on topic (81.22 % against 84.12 %, 95 % CIs 75.66 to 86.33 %"
        " and 78.93 to 88.71 %; not compared example by example)"
    ) in headline(facts)


def test_without_a_teacher_the_score_stands_alone(facts: Facts) -> None:
    facts = changed(facts, "tasks", tuple(s for s in facts.tasks if s.model != "teacher"))
    assert "times as fast as the teacher, 81.22 % macro F1 on topic (95 % CI 75.66 to 86.33 %)" in headline(facts)


def test_what_was_not_timed_is_not_said_to_be_fast(facts: Facts) -> None:
    facts = changed(facts, "latency", None)
    assert headline(facts).startswith("int8 student: 2.73 MB, keeps 96.55 %")


def test_a_teacher_scored_in_pytorch_alone_counts_as_fp32(facts: Facts) -> None:
    facts = changed(facts, "tasks", tuple(s for s in facts.tasks if s.name != "teacher fp32"))
    assert "keeps 96.55 % of the teacher's macro F1" in headline(facts)


def test_the_headline_goes_on_with_size_quality_and_gates(facts: Facts) -> None:
    assert headline(facts).endswith(
        "token accuracy on pos (95 % CI 97.21 to 98.34 %, of the paired difference: worse);"
        " 94.56 % smaller than its teacher of 50.24 MB;"
        " as a language model 76.60 % of the teacher's gain over the unigram baseline is retained (2.442 bits per"
        " character, the untouched"
        " teacher 2.207); all 4 gates passed."
    )
    assert "| Macro F1 on topic | 81.22 % | student int8; teacher 84.12 %; no difference seen |" in markdown_report(
        facts
    )


def test_a_build_for_a_task_is_called_what_it_is(facts: Facts) -> None:
    topic, pos = facts.tasks[0], facts.tasks[-1]
    ner, names = replace(pos, metric="span_f1"), {}
    for name, score in (("topic", topic), ("hate-speech", topic), ("pos", pos), ("ner", ner)):
        facts = changed(facts, "tasks", (replace(score, task=name),))
        names[name] = title(facts)
    assert names == {
        "topic": "Tagalog topic classifier (tl)",
        "hate-speech": "Tagalog hate speech classifier (tl)",
        "pos": "Tagalog part-of-speech tagger (tl)",
        "ner": "Tagalog named-entity tagger (tl)",
    }
    assert title(plain_facts()) == "Tagalog encoder (tl)"
    assert "# Tagalog named-entity tagger (tl)" in model_card(facts, shipped("token-classification", FP32, 64))
    assert "<title>Tagalog named-entity tagger (tl)</title>" in html_report(facts)


def test_a_difference_in_words() -> None:
    found = Difference(
        task="topic",
        metric="macro_f1",
        model="student",
        precision="int8",
        baseline="teacher fp32",
        difference=-0.0312,
        low=-0.08,
        high=0.02,
        seen=False,
    )
    assert sentence(found) == (
        "topic, student int8 against teacher fp32: no difference seen (macro F1 −3.12 points, 95 % CI −8.00 to +2.00)."
    )


def test_scores_stand_in_tables_with_their_intervals(facts: Facts) -> None:
    scores, differences = scores_section(of_facts(facts)).tables
    assert scores.rows[4] == (*("topic: student int8", "81.22 %", "75.66 to 86.33 %", "1.49", "204", "3", "macro F1"),)
    assert len(scores.rows) == 8
    assert differences.rows[1] == (
        *("topic: student int8", "−2.90", "−7.12 to +1.31", "no difference seen", "teacher fp32", "macro F1"),
    )
    assert [row[3] for row in differences.rows] == ["no difference seen"] * 2 + ["worse"] * 2
    facts = changed(facts, "tasks.0.deviation", None)
    assert scores_section(of_facts(facts)).tables[0].rows[0][3] == "–"


def test_accuracy_is_drawn_against_size_and_latency(facts: Facts) -> None:
    measured = of_facts(facts)
    size, time = size_plot(measured, "topic"), time_plot(measured, "topic")
    assert size is not None and time is not None
    assert [s.label for s in size.series] == ["teacher fp32", "trim-only fp32", "student fp32", "student int8"]
    # trim-only without its head: 6,918,656 parameters of 4 bytes
    assert size.series[1].points[0].x == pytest.approx(4 * 6_918_656 / 1e6)
    assert size.series[1].points[0].text == "27.67 MB (computed), 84.05 %"
    assert [y for _, y in size.front] == pytest.approx([81.22, 81.6, 84.05, 84.12])
    assert [x for x, _ in size.front] == pytest.approx([2.731008, 10.412032, 27.674624, 50.241536])
    assert [s.label for s in time.series] == ["teacher fp32", "student int8"]
    assert [s.tone for s in time.series] == [0, 3]  # as in the other picture
    notes = " ".join(scores_section(measured).notes)
    assert "Not in the plot against latency, which was not measured of them: trim-only fp32, student fp32." in notes


def test_one_point_is_no_picture(facts: Facts) -> None:
    facts = changed(facts, "tasks", facts.tasks[4:5])
    assert size_plot(of_facts(facts), "topic") is None
    assert scores_section(of_facts(facts)).pictures == ()


def test_the_page_of_a_build_has_tasks_first_and_closes_every_tag(facts: Facts) -> None:
    page = Page(html_report(facts))
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))
    assert set(page.labels) <= set(page.ids)
    assert [row[0] for row in page.rows][:2] == ["Task and model", "topic: teacher torch"]
    text = html_report(facts)
    assert len(re.findall(r'<svg[^>]* role="img"', text)) == 3 + 4
    assert not re.search(r"https?:|//[a-z]|<script|<link|<img|src=|@import|url\(", text)


def test_names_of_tasks_cannot_become_markup(facts: Facts) -> None:
    named = tuple(replace(score, task=score.task.replace("topic", "<b>t|opic</b>")) for score in facts.tasks)
    facts = changed(facts, "tasks", named)
    facts = changed(facts, "differences", ())
    assert "<b>" not in html_report(facts)
    assert r"| \<b\>t\|opic\</b\>: teacher torch |" in markdown_report(facts)


def test_the_card_tells_the_scores_and_a_build_without_tasks_does_not(facts: Facts) -> None:
    card = model_card(facts, shipped("feature-extraction", INT8, 512))
    assert "int8 student: 2.73 MB, 7.8 times as fast as the teacher, keeps 96.55 %" in card
    assert "| topic: student int8 | 81.22 % | 75.66 to 86.33 % | 1.49 | 204 | 3 | macro F1 |" in card
    plain = model_card(plain_facts(), shipped("feature-extraction", INT8, 512))
    assert "## Tasks" not in plain
    assert "## Tasks" not in markdown_report(plain_facts())


def test_facts_without_tasks_are_read_too() -> None:
    measured = of_facts(plain_facts())
    assert [c.name for c in measured.candidates] == ["teacher fp32", "student fp32", "student int8"]
    assert answer(measured, measured.shipped[0]) == "int8 student: 2.73 MB, 7.8 times as fast as the teacher"


def test_of_another_teacher_or_text_no_licence_is_claimed() -> None:
    facts = plain_facts()
    assert licence(facts) == "cc-by-sa-4.0" and attribution(facts) is not None
    for other in (
        changed(facts, "teacher.source", "my/teacher"),
        changed(facts, "corpus", "mine.txt"),
    ):
        assert licence(other) is None and attribution(other) is None
        assert "edgeenc knows neither" in licence_words(other)
    tagged = task_facts()
    assert licence(tagged) is None and attribution(tagged) is not None
    assert "heed the licence of the task's data too" in licence_words(tagged)
    card = model_card(changed(facts, "student.family", "xlm-roberta"), shipped("feature-extraction", FP32, 512))
    assert "xlm-roberta" in card.split("---")[1]


def test_a_model_that_may_know_only_the_most_frequent_label_is_warned_of(facts: Facts) -> None:
    shipped = facts.tasks[-1]
    told = MajorityBaseline(task=shipped.task, label="po", value=shipped.low)
    weak = changed(facts, "constant", told)
    assert "WARNING: not seen to be better than the majority baseline, always 'po'" in headline(weak)
    assert "the majority baseline, always 'po'" in last_line("out", weak)
    strong = changed(weak, "constant.value", shipped.low - 0.01)
    assert "WARNING" not in headline(strong) + headline(facts)
