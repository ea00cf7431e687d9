"""Two bundles' probes compared: text by text where both were asked about the same texts, else said why not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from shown import plain_facts

from edgeenc.bundle.compare_vectors import compared_vectors
from edgeenc.bundle.compared import ComparedBundle
from edgeenc.record.form import plain
from edgeenc.record.vectors import (
    Agreement,
    Interval,
    LanguageSearches,
    LanguageVectors,
    ProbeScore,
    Searches,
    VectorFigures,
    found_in,
)
from edgeenc.report.measured import Candidate
from edgeenc.report.reading import of_facts
from edgeenc.tasks.examples import TaskData
from edgeenc.tasks.item import Item
from edgeenc.tasks.kinds.classify import CLASSIFY
from edgeenc.tasks.vectors.probe import Probe, Told, predictions, probe_of, score

ROWS = tuple(Item((f"{word} {number}",), (word,)) for number in range(40) for word in ("aso", "pusa"))
NAME = "student int8"


def probe_on(rows: tuple[Item, ...]) -> Probe:
    found = probe_of("animal", TaskData(CLASSIFY, ("aso", "pusa"), rows, (), ()))
    assert found is not None
    return found


def told(probe: Probe, wrong: int) -> Told:
    """Return what a model tells that is wrong of the first texts."""
    labels = [item.labels if place >= wrong else ("isda",) for place, item in enumerate(probe.items)]
    return Told("student", "int8", labels)


def bundle(folder: Path, probe: ProbeScore, searches: LanguageSearches) -> ComparedBundle:
    half = Interval(value=0.5, low=0.4, high=0.6)
    agreement = Agreement(model="student", precision="int8", spearman=half, recall=(found_in(1, 1, 1),))
    one = LanguageVectors(language="tl", texts=12, agreement=(agreement,), probes=(probe,))
    vectors = VectorFigures(dimensions=2, teacher_dimensions=2, query="", passage="", languages=(one,))
    facts = replace(plain_facts(), vectors=vectors)
    (folder / "report").mkdir(parents=True)
    (folder / "report" / "searches.json").write_text(json.dumps(plain(Searches(languages={"tl": searches}))), "utf-8")
    return ComparedBundle(folder, facts, of_facts(facts), Candidate("student", "int8"))


def kept(probe: Probe, wrong: int) -> LanguageSearches:
    return LanguageSearches(texts="", places={NAME: (1,)}, probes=(predictions(probe, [told(probe, wrong)]),))


def test_probes_on_the_same_texts_are_compared_text_by_text(tmp_path: Path) -> None:
    probe = probe_on(ROWS)
    one, other = (
        bundle(tmp_path / str(wrong), score(probe, told(probe, wrong)), kept(probe, wrong)) for wrong in (2, 30)
    )
    lines, notes = compared_vectors(one, other)
    (line,) = [line for line in lines if line.metric == "probe"]
    assert line.what == "tl: probe on animal, macro F1" and line.how == "points, 95 % CI, paired over 80 examples"
    assert line.change == line.b - line.a < 0 and line.words == "worse"
    assert line.low is not None and line.high is not None and line.low < line.change < line.high < 0
    assert notes == ()


def test_probes_on_other_texts_are_compared_without_an_interval(tmp_path: Path) -> None:
    probe, fewer = probe_on(ROWS), probe_on(ROWS[:60])
    unlike = LanguageSearches(texts="", places={NAME: (1,)})
    first = bundle(tmp_path / "a", score(probe, told(probe, 2)), kept(probe, 2))
    for place, own, searches, why in (
        ("b", fewer, kept(fewer, 2), "the gold labels of the test examples differ (80 and 60 examples)"),
        ("c", probe, unlike, "not both have the answers in report/searches.json"),
    ):
        lines, _ = compared_vectors(first, bundle(tmp_path / place, score(own, told(own, 2)), searches))
        (line,) = [line for line in lines if line.metric == "probe"]
        assert (line.low, line.how) == (None, f"compared unpaired, without a confidence interval: {why}")


def test_probes_that_were_made_in_two_ways_are_not_compared(tmp_path: Path) -> None:
    """A bundle of an earlier version was asked by the parts of its set."""
    probe = probe_on(ROWS)
    now = score(probe, told(probe, 2))
    before = replace(now, folds=None, train=40, n=20)
    bundles = [bundle(tmp_path / str(one.folds), one, kept(probe, 2)) for one in (now, before)]
    lines, notes = compared_vectors(*bundles)
    assert "probe" not in {line.metric for line in lines}
    assert notes == (
        "tl: the probe on animal is not compared, since it was made in two ways: 5-fold cross-validation over 80 texts"
        " and learnt from 40 texts, tested on 20 others.",
    )
