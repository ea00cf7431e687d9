"""`edgeenc compare`: figures by hand, words in each case, exit 3 where a limit is broken, and how scores are paired."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import onnx
import pytest
from line import edgeenc
from shown import changed, plain_facts, task_facts
from test_bundle import table_graph

from edgeenc.bundle import compare as module
from edgeenc.bundle.assemble import Contents, assemble
from edgeenc.bundle.compare import Line, compare, open_bundle
from edgeenc.bundle.limits import Limit, parse_limit, require, write, write_change
from edgeenc.errors import GateError, InputError, UsageError
from edgeenc.model.encoder import Encoder, save_encoder
from edgeenc.record.facts import Facts
from edgeenc.record.latency import Latency, Ratio, Timing

PAD = 40_000
"""Bytes by which the file of B is larger."""


@pytest.fixture(scope="module")
def make(
    tiny_encoder: Encoder, sentences: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str, Facts, int], Path]:
    """Return a function that assembles a bundle from facts, its int8 file larger by some bytes of words."""
    place = tmp_path_factory.mktemp("contents")
    save_encoder(tiny_encoder, place / "student")

    def made(name: str, facts: Facts, pad: int) -> Path:
        path = table_graph(place / f"{name}.onnx", tiny_encoder, 1.0)
        model = onnx.load(path)
        model.doc_string = "x" * pad
        onnx.save(model, path)
        folder = tmp_path_factory.mktemp("out") / name
        assemble(Contents(place / "student", {"int8": path}, sentences, "name: starter\n", facts), folder)
        return folder

    return made


@pytest.fixture(scope="module")
def pair(make: Callable[[str, Facts, int], Path]) -> tuple[Path, Path]:
    """Return two bundles: B is larger, a point worse on topic, and its text costs more bits; do not change them."""
    worse = task_facts()
    worse = changed(worse, "bits_per_character.student", worse.bits_per_character.student + 0.1)
    worse = changed(worse, "student.parameters", worse.student.parameters + 1000)
    worse = changed(worse, "tasks", tuple(score for score in worse.tasks if score.task == "topic"))
    worse = changed(worse, "tasks.-1.value", worse.tasks[-1].value - 0.01)
    return make("a", task_facts(), 0), make("b", worse, PAD)


def timing(p50: float) -> Timing:
    return Timing(
        bytes=1,
        tokens_per_sentence=1,
        p50=p50,
        p90=p50,
        spread=0,
        tokenizer_p50=0,
        tokens=(),
        model_ms=(),
        tokenizer_ms=(),
    )


@pytest.fixture
def timed(monkeypatch: pytest.MonkeyPatch) -> Latency:
    """Let B take 2.2 ms, A 2 ms, and their ratio on one text be 1.2: what is told then is known."""
    latency = Latency(
        unit="ms per sentence",
        runtime="ONNX Runtime, CPU",
        threads=1,
        batch=1,
        rounds=1,
        sentences=20,
        baseline="A",
        models={"A": timing(2.0), "B": timing(2.2)},
        ratio={"B": Ratio(median=1.2, q25=1.1, q75=1.3)},
        noisy=False,
    )
    monkeypatch.setattr(module, "compare_latency", lambda *_, **__: latency)
    return latency


def lines(pair: tuple[Path, Path]) -> dict[str, Line]:
    found, _ = compare(open_bundle(pair[0]), open_bundle(pair[1]), 1, 1)
    return {line.what: line for line in found}


def test_every_figure_by_hand(pair: tuple[Path, Path], timed: Latency) -> None:
    found = lines(pair)
    assert list(found) == [
        *("file (int8)", "parameters", "latency, p50 (threads: 1, texts: 20)", "bits per character", "topic, macro F1"),
    ]
    size, parameters, latency, bits, topic = found.values()
    assert PAD <= size.change <= PAD + 10  # the length of the words stands in the file too
    assert (parameters.change, parameters.words) == (1000, "worse")
    assert (latency.a, latency.b, latency.share, latency.words) == (2.0, 2.2, 1.2, "worse")
    assert latency.worse_by == pytest.approx(0.4)  # 20 % of A's 2 ms: the ratio of turns counts, not that of the p50
    assert (write(bits, bits.a), write(bits, bits.b)) == ("2.442", "2.542")
    assert bits.worse_by == pytest.approx(0.1)
    assert topic.change == pytest.approx(-0.01)
    assert topic.worse_by == pytest.approx(0.01)
    assert write_change(topic) == "−1.00 points"


def test_the_other_way_round_is_better(
    pair: tuple[Path, Path], timed: Latency, monkeypatch: pytest.MonkeyPatch
) -> None:
    faster = replace(timed, ratio={"B": Ratio(median=0.8, q25=0.7, q75=0.9)})
    monkeypatch.setattr(module, "compare_latency", lambda *_, **__: faster)
    assert [line.words for line in lines(pair[::-1]).values()] == ["better"] * 5
    assert {line.words for what, line in lines((pair[0], pair[0])).items() if "latency" not in what} == {"equal"}


def test_a_ratio_around_one_is_no_difference(
    pair: tuple[Path, Path], timed: Latency, monkeypatch: pytest.MonkeyPatch
) -> None:
    near = replace(timed, ratio={"B": Ratio(median=1.02, q25=0.98, q75=1.05)})
    monkeypatch.setattr(module, "compare_latency", lambda *_, **__: near)
    assert lines(pair)["latency, p50 (threads: 1, texts: 20)"].words == "no difference seen"


def test_what_cannot_be_compared_is_said(
    pair: tuple[Path, Path],
    timed: Latency,
    make: Callable[[str, Facts, int], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    facts = changed(plain_facts(), "language.tag", "mt")
    monkeypatch.setattr(module, "compare_latency", lambda *_, **__: replace(timed, noisy=True))
    found, notes = compare(open_bundle(pair[0]), open_bundle(make("mt", facts, 0)), 1, 1)
    assert [line.metric for line in found] == ["bytes", "parameters", "latency"]
    assert notes == (
        "The rounds differ widely: this host was busy, take the times as rough.",
        "Bits per character are not compared: the texts are tl (starter) and mt (starter).",
        "topic is not compared: one of the two has no score on it.",
        "pos is not compared: one of the two has no score on it.",
    )


def test_other_test_text_is_noticed(
    pair: tuple[Path, Path], timed: Latency, make: Callable[[str, Facts, int], Path]
) -> None:
    facts = task_facts()
    facts = changed(facts, "bits_per_character.unigram", facts.bits_per_character.unigram + 0.5)
    _, notes = compare(open_bundle(pair[0]), open_bundle(make("text", facts, 0)), 1, 1)
    assert notes == (
        "Bits per character: the unigram baselines differ, so test split or teacher differ; take it as rough.",
    )


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("macro_f1:2", ("macro_f1", 2.0, False)),
        ("bytes:5%", ("bytes", 5.0, True)),
        ("latency: 0.5 ", ("latency", 0.5, False)),
        ("bits:0", ("bits", 0.0, False)),
    ],
)
def test_limits_are_read(text: str, limit: tuple[str, float, bool]) -> None:
    found = parse_limit(text)
    assert (found.metric, found.amount, found.relative) == limit


@pytest.mark.parametrize("text", ["bytes", "bytes:", ":5", "bytes:-1", "bytes:much", "bytes:inf", "bytes:nan%"])
def test_other_limits_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match=re.escape(f"--fail-if-worse {text}: expected metric:amount, such as")):
        parse_limit(text)


@pytest.mark.parametrize(
    ("limit", "broken"),
    [
        ("macro_f1:0.99", True),
        ("macro_f1:1", False),
        ("macro_f1:1.3%", False),  # 1 of 81.22 points is 1.231 %
        ("macro_f1:1.2%", True),
        ("latency:0.39", True),
        ("latency:0.4", False),
        ("latency:19%", True),
        ("latency:20%", False),
        ("bytes:39999", True),
        ("bytes:40010", False),
        ("parameters:999", True),
        ("parameters:1000", False),
        ("bits:0.09", True),
        ("bits:0.11", False),
    ],
)
def test_a_limit_holds_up_to_its_amount(pair: tuple[Path, Path], timed: Latency, limit: str, broken: bool) -> None:
    found = list(lines(pair).values())
    if broken:
        with pytest.raises(GateError, match="worse by"):
            require(found, [parse_limit(limit)])
    else:
        require(found, [parse_limit(limit)])


def test_every_broken_limit_is_named(pair: tuple[Path, Path], timed: Latency) -> None:
    with pytest.raises(GateError) as failure:
        require(list(lines(pair).values()), [parse_limit("macro_f1:0.5"), parse_limit("latency:10%")])
    assert str(failure.value) == (
        "topic, macro F1: 81.22 % became 80.22 %, worse by 1.000 points; allowed macro_f1:0.5; latency, p50 (threads:"
        " 1, texts: 20): 2.000 ms became 2.200 ms, worse by 20.00 %; allowed latency:10%"
    )


def test_a_metric_that_neither_has_is_no_silent_pass(pair: tuple[Path, Path], timed: Latency) -> None:
    with pytest.raises(UsageError, match=r"span_f1:1: both bundles have bytes, parameters, latency, bits, macro_f1;"):
        require(list(lines(pair).values()), [Limit("span_f1", 1.0, False, "span_f1:1")])


def answered(
    folder: Path, place: Path, answers: list[list[str]], gold: list[str], task: str = "topic", texts: str = "same"
) -> Path:
    """Return a copy of a bundle that tells the answers of its model, a list a seed."""
    copy = Path(shutil.copytree(folder, place))
    seeds = [[[label] for label in seed] for seed in answers]
    told = {"task": task, "metric": "macro_f1", "items": [[x] for x in gold], "models": {"student int8": seeds}}
    told["texts"] = texts
    (copy / "report" / "predictions.json").write_text(json.dumps(told), "utf-8")
    return copy


GOLD = ["a", "b"] * 20


def test_unpaired_scores_say_why(pair: tuple[Path, Path], timed: Latency, tmp_path: Path) -> None:
    how = lines(pair)["topic, macro F1"].how
    assert how.startswith("compared unpaired, without a confidence interval: ")
    assert f"{pair[0]} has no report/predictions.json; {pair[1]} has no report/predictions.json" in how
    a = answered(pair[0], tmp_path / "a", [GOLD], GOLD)
    other = answered(pair[1], tmp_path / "other", [GOLD[:2]], GOLD[:2])
    assert "the gold labels of the test examples differ (40 and 2 examples)" in lines((a, other))["topic, macro F1"].how
    parallel = answered(pair[1], tmp_path / "parallel", [GOLD], GOLD, texts="of another language")
    assert "the texts of the test examples differ" in lines((a, parallel))["topic, macro F1"].how
    about = answered(pair[1], tmp_path / "about", [GOLD], GOLD, task="ner")
    assert "predictions.json is about ner" in lines((a, about))["topic, macro F1"].how


def test_damaged_answers_are_an_error(pair: tuple[Path, Path], timed: Latency, tmp_path: Path) -> None:
    a = answered(pair[0], tmp_path / "a", [GOLD], GOLD)
    b = answered(pair[1], tmp_path / "b", [GOLD], GOLD)
    (b / "report" / "predictions.json").write_text("{", "utf-8")
    with pytest.raises(InputError, match=r"predictions.json: the file: Invalid JSON: .*; build the bundle again"):
        lines((a, b))


def test_scores_are_paired_over_the_same_items(pair: tuple[Path, Path], timed: Latency, tmp_path: Path) -> None:
    wrong = ["b" if i < 10 else label for i, label in enumerate(GOLD)]  # 5 of 20 a become b
    a = answered(pair[0], tmp_path / "a", [GOLD, GOLD], GOLD)
    b = answered(pair[1], tmp_path / "b", [wrong, GOLD], GOLD)
    line = lines((a, b))["topic, macro F1"]
    # F1 of a: 2 * 15 / (15 + 20) = 0.857143; of b: 2 * 20 / (25 + 20) = 0.888889; mean 0.873016; of two seeds 0.936508
    assert line.change == pytest.approx(0.936508 - 1, abs=1e-6)
    assert line.low is not None and line.high is not None and line.low < line.change < line.high < 0
    assert (line.words, line.how) == ("worse", "points, 95 % CI, paired over 40 examples")
    assert re.fullmatch(r"−6\.35 points \(−\d+\.\d\d to −\d+\.\d\d\)", write_change(line))
    same = lines((a, answered(pair[1], tmp_path / "same", [GOLD], GOLD)))["topic, macro F1"]
    assert (same.change, same.words) == (0.0, "no difference seen")


def test_the_command_measures_prints_and_fails_where_it_is_asked_to(pair: tuple[Path, Path]) -> None:
    names = [str(folder) for folder in pair]
    done = edgeenc("compare", *names, "--rounds", "2", "--fail-if-worse", "macro_f1:2", "--fail-if-worse", "bits:1")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"topic, macro F1 +81.22 % +80.22 % +−1.00 points +worse", done.stdout)
    assert "topic, macro F1: compared unpaired, without a confidence interval: " in done.stdout
    assert "pos is not compared: one of the two has no score on it." in done.stdout
    failed = edgeenc("compare", *names, "--rounds", "1", "--json", "--fail-if-worse", "bytes:1%")
    assert failed.returncode == 3
    assert failed.stderr.startswith("Error: file (int8): 0.0")
    found = json.loads(failed.stdout)  # what was measured is there all the same
    assert [line["metric"] for line in found["lines"]] == ["bytes", "parameters", "latency", "bits", "macro_f1"]
    assert found["lines"][2]["a"] > 0


def test_wrong_limits_end_before_anything_is_measured(tmp_path: Path) -> None:
    done = edgeenc("compare", str(tmp_path), str(tmp_path), "--fail-if-worse", "bytes")
    assert done.returncode == 2
    assert edgeenc("compare", str(tmp_path), str(tmp_path)).returncode == 5


def test_a_changed_bundle_is_not_compared(pair: tuple[Path, Path], tmp_path: Path) -> None:
    copy = Path(shutil.copytree(pair[0], tmp_path / "copy"))
    (copy / "onnx" / "model_quantized.onnx").write_bytes(b"other")
    with pytest.raises(InputError, match=r"model_quantized.onnx has 5 bytes"):
        open_bundle(copy)
