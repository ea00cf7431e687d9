"""What sentence vectors are worth, by hand: shares with their intervals, ranks with ties, correlations, searches."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest, rankdata, spearmanr
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from edgeenc.record.form import parse, plain
from edgeenc.record.vectors import (
    LEXICAL,
    Agreement,
    Interval,
    LanguageSearches,
    LanguageVectors,
    VectorFigures,
    found_in,
)
from edgeenc.tasks.examples import TaskData
from edgeenc.tasks.item import Item
from edgeenc.tasks.kinds.classify import CLASSIFY
from edgeenc.tasks.kinds.tag import TAG
from edgeenc.tasks.vectors.lexical import lexically_similar
from edgeenc.tasks.vectors.measure import (
    LanguageText,
    Models,
    ParallelLines,
    measure_language,
    some_texts,
)
from edgeenc.tasks.vectors.probe import Probe, probe_of, score, told_by, told_lexically
from edgeenc.tasks.vectors.ranking import found, mean_ranks, nearest, places, reciprocal, similar, spearman
from edgeenc.tasks.vectors.reader import Reader, Vectors, prompts_of


def test_a_share_has_the_interval_of_wilson() -> None:
    one = found_in(1, 612, 1000)
    assert (round(one.low, 4), round(one.high, 4)) == (0.5814, 0.6417)
    for hits, searches in ((0, 10), (10, 10), (3, 7), (612, 1000)):
        theirs = binomtest(hits, searches).proportion_ci(method="wilson")
        ours = found_in(1, hits, searches)
        assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-6)
    assert found_in(1, 0, 10).low == 0
    for hits, searches in ((0, 0), (3, 2), (-1, 2)):
        with pytest.raises(ValueError, match="share"):
            found_in(1, hits, searches)


def test_equal_values_share_the_mean_of_their_ranks() -> None:
    values = np.array([0.2, 0.5, 0.9, 0.5])
    assert mean_ranks(values).tolist() == [1, 2.5, 4, 2.5]
    many = np.random.default_rng(0).integers(5, size=200).astype(float)
    assert mean_ranks(many).tolist() == rankdata(many).tolist()


def square(pairs: list[float], texts: int) -> np.ndarray:
    """Return similarities of which `pairs` are those of the pairs (0, 1), (0, 2), ..., (1, 2), ..."""
    whole = np.eye(texts)
    whole[np.triu_indices(texts, 1)] = pairs
    return np.maximum(whole, whole.T)


def test_a_correlation_of_pairs_by_hand() -> None:
    """Pairs (0, 1), (0, 2), (1, 2) with ranks 1, 2, 3 and 1, 3, 2: 1 - 6 * 2 / (3 * 8) = 0.5."""
    a, b = square([0.1, 0.2, 0.3], 3), square([0.1, 0.9, 0.3], 3)
    assert spearman(a, b, 0).value == pytest.approx(0.5)
    assert spearman(a, a, 0).value == pytest.approx(1)
    assert spearman(a, square([0.3, 0.2, 0.1], 3), 0).value == pytest.approx(-1)


def test_a_correlation_is_that_of_the_library_ties_and_all() -> None:
    rng = np.random.default_rng(1)
    a, b = (square([float(x) for x in rng.integers(6, size=780)], 40) for _ in range(2))
    upper = np.triu_indices(40, 1)
    found_one = spearman(a, a + b, 0)
    assert found_one.value == pytest.approx(spearmanr(a[upper], (a + b)[upper])[0])
    assert found_one.low < found_one.value < found_one.high


def test_where_all_similarities_are_equal_there_is_no_order() -> None:
    flat = np.ones((12, 12))
    none = spearman(flat, square([float(i) for i in range(66)], 12), 0)
    assert (none.value, none.low, none.high) == (0, 0, 0)


def test_the_interval_of_a_correlation_narrows_with_more_texts() -> None:
    rng = np.random.default_rng(2)
    widths = []
    for texts in (30, 240):
        true = rng.normal(size=(texts, 8)).astype(np.float32)
        noisy = true + rng.normal(size=true.shape).astype(np.float32)
        one = spearman(similar(true, true), similar(noisy, noisy), 0)
        widths.append(one.high - one.low)
    assert widths[1] < widths[0] / 2


def test_places_by_hand_and_equal_ones_count_against_the_model() -> None:
    rows = np.array([[0.9, 0.7, 0.7, 0.2], [0.1, 0.8, 0.3, 0.2]])
    assert places(rows, np.array([2, 1])).tolist() == [3, 1]
    assert places(np.ones((3, 5)), np.array([0, 1, 2])).tolist() == [5, 5, 5]
    assert nearest(square([0.5, 0.9, 0.1], 3)).tolist() == [2, 0, 0]


def test_recall_and_mean_reciprocal_rank_by_hand() -> None:
    at = np.array([1, 2, 4, 6, 11])
    assert [(one.within, one.found, one.searches) for one in found(at)] == [(1, 1, 5), (5, 3, 5), (10, 4, 5)]
    assert reciprocal(np.array([1, 2, 4]), 0).value == pytest.approx(7 / 12)
    same = reciprocal(np.array([2, 2]), 0)
    assert (same.low, same.high) == (0.5, 0.5)


TEXTS = tuple(f"{word} {number}" for word in ("aso", "pusa", "ibon", "isda") for number in range(10))


def reader(name: str, vectors: dict[str, np.ndarray], precision: str = "torch") -> Reader:
    def read(texts: list[str]) -> Vectors:
        return np.stack([vectors[text] for text in texts]).astype(np.float32)

    return Reader(name, precision, read)  # pyright: ignore[reportArgumentType]


def vectors_of(texts: tuple[str, ...], seed: int = 0, width: int = 16) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {text: rng.normal(size=width) for text in texts}


def test_a_twin_agrees_a_stranger_does_not_and_one_vector_for_all_finds_nothing() -> None:
    own = vectors_of(TEXTS)
    twin = {text: 3 * vector for text, vector in own.items()}  # lengths are no part of a direction
    flat = dict.fromkeys(TEXTS, np.ones(16))
    models = Models(
        reader("teacher", own),
        (reader("student", twin, "fp32"), reader("student", vectors_of(TEXTS, 1), "int8")),
        reader("pruned", flat),
    )
    figures, searches = measure_language(LanguageText("tl", TEXTS), models)
    names = ["student fp32", "student int8", "pruned torch", f"{LEXICAL} tf-idf"]
    assert [one.name for one in figures.agreement] == names == list(searches.places)
    twin_one, stranger, collapsed, _ = figures.agreement
    assert twin_one.spearman.value == pytest.approx(1) and twin_one.recall[0].found == 40
    assert abs(stranger.spearman.value) < 0.2 and stranger.recall[0].found < 8
    assert [one.found for one in collapsed.recall] == [0, 0, 0] and collapsed.spearman.value == 0
    assert figures.chance(10) == 10 / 39
    assert set(searches.places["student fp32"]) == {1}
    other, _ = measure_language(LanguageText("tl", TEXTS), models)
    assert other == figures, "the same texts give the same figures"


def test_searches_across_languages_need_vectors_of_one_length() -> None:
    lines, others = tuple(f"linya {i}" for i in range(20)), tuple(f"line {i}" for i in range(20))
    rng = np.random.default_rng(3)
    meaning = rng.normal(size=(20, 16))
    own = vectors_of(TEXTS) | {
        text: meaning[i] + 0.1 * rng.normal(size=16) for each in (lines, others) for i, text in enumerate(each)
    }
    narrow = {text: vector[:4] for text, vector in own.items()}
    students = (reader("student", own, "fp32"), reader("student", narrow, "int8"))
    pairs = (ParallelLines(lines, others, "en", by_teacher=True), ParallelLines(lines, others, "en", by_teacher=False))
    figures, _ = measure_language(LanguageText("tl", TEXTS, parallel=pairs), Models(reader("teacher", own), students))
    by_teacher = [one.name for one in figures.across if one.of_teacher]
    assert by_teacher == ["teacher torch", "student fp32"], "the narrow one cannot search the teacher's vectors"
    assert [one.vectors_of for one in figures.across[3:]] == ["teacher torch", "student fp32", "student int8", LEXICAL]
    student = figures.across[1]
    assert (student.among, student.accuracy[0].found, student.mrr.value) == ("en", 20, 1)
    counted = figures.across[2]
    assert counted.model == LEXICAL and counted.accuracy[0].found > 10, "they share their numbers"


def test_a_prompt_stands_before_a_search_and_another_before_what_is_searched() -> None:
    seen = list[str]()

    def read(texts: list[str]) -> Vectors:
        seen.extend(texts)
        return np.ones((len(texts), 2), dtype=np.float32)

    one = Reader("a", "b", read, "query: ", "passage: ")  # pyright: ignore[reportArgumentType]
    assert np.allclose(np.linalg.norm(one.searches(["x"]), axis=1), 1)
    one.searched(["y"])
    assert seen == ["query: x", "passage: y"]


def test_prompts_are_those_of_the_folder_by_their_names() -> None:
    from edgeenc.model.sentence_head import SentenceHead

    assert prompts_of(None) == ("", "")
    assert prompts_of(SentenceHead(prompts={"query": "q: ", "document": "d: "})) == ("q: ", "d: ")
    assert prompts_of(SentenceHead(prompts={"query": "q: ", "passage": "p: ", "document": "d: "}))[1] == "p: "
    assert prompts_of(SentenceHead(prompts={"sts": "s: "}, default_prompt="sts")) == ("s: ", "s: ")


def items(words: str, count: int) -> tuple[Item, ...]:
    return tuple(Item((f"{word} {i}",), (word,)) for i in range(count) for word in words.split())


def data_of(train: tuple[Item, ...], test: tuple[Item, ...] = (), validation: tuple[Item, ...] = ()) -> TaskData:
    return TaskData(CLASSIFY, tuple(sorted({item.labels[0] for item in train})), train, validation, test)


def probe_on(each: tuple[Item, ...]) -> Probe:
    found = probe_of("animal", data_of(each))
    assert found is not None
    return found


def noisy(each: tuple[Item, ...], noise: float) -> dict[str, np.ndarray]:
    """Return vectors that lie around one point a label."""
    rng = np.random.default_rng(4)
    centre = {label: rng.normal(size=8) for label in sorted({item.labels[0] for item in each})}
    return {item.words[0]: centre[item.labels[0]] + noise * rng.normal(size=8) for item in each}


def test_a_probe_is_the_librarys_cross_validation_and_its_macro_f1() -> None:
    probe = probe_on(items("aso pusa ibon", 28))
    own = noisy(probe.items, 1.8)
    told = told_by(probe, reader("student", own, "int8"))
    one = score(probe, told)
    gold = [item.labels[0] for item in probe.items]
    rows = np.stack([own[item.words[0]] for item in probe.items]).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    said = cross_val_predict(LogisticRegression(C=10, max_iter=2000), rows, gold, cv=folds)
    assert [label for (label,) in told.labels] == said.tolist()
    assert one.macro_f1.value == pytest.approx(f1_score(gold, said, average="macro"))
    assert 0.5 < one.macro_f1.low < one.macro_f1.value < one.macro_f1.high < 1
    assert (one.folds, one.n, one.train, one.left_out) == (5, 84, 67, 0)
    nothing = score(probe, told_by(probe, reader("student", dict.fromkeys(own, np.ones(8)))))
    assert nothing.macro_f1.value < 0.4, "one vector for all tells nothing"


def test_what_says_the_label_is_right_of_every_text() -> None:
    probe = probe_on(items("aso pusa ibon", 20))
    assert score(probe, told_by(probe, reader("student", noisy(probe.items, 0)))).macro_f1.value == 1
    assert score(probe, told_lexically(probe)).macro_f1.value == 1, "the word itself is the label"


def test_what_says_only_which_text_it_is_says_nothing_of_its_label() -> None:
    """A regression that had seen a text would know its label: each has a direction, and letters, of its own."""
    rng = np.random.default_rng(5)
    names = ["".join(chr(0x4E00 + 4 * place + step) for step in range(4)) for place in range(100)]
    each = tuple(Item((name,), (str(rng.integers(2)),)) for name in names)
    probe = probe_on(each)
    own = dict(zip(names, np.eye(100), strict=True))
    assert score(probe, told_by(probe, reader("student", own))).macro_f1.value < 0.6
    assert score(probe, told_lexically(probe)).macro_f1.value < 0.6


def test_n_grams_are_counted_on_the_texts_that_a_fold_learns_from(monkeypatch: pytest.MonkeyPatch) -> None:
    from sklearn.feature_extraction.text import TfidfVectorizer

    seen = list[tuple[set[str], set[str]]]()
    learn, read = TfidfVectorizer.fit_transform, TfidfVectorizer.transform

    def learnt(self: TfidfVectorizer, texts: list[str]) -> object:
        seen.append((set(texts), set()))
        return learn(self, texts)

    def told(self: TfidfVectorizer, texts: list[str]) -> object:
        seen[-1][1].update(texts)
        return read(self, texts)

    monkeypatch.setattr(TfidfVectorizer, "fit_transform", learnt)
    monkeypatch.setattr(TfidfVectorizer, "transform", told)
    probe = probe_on(items("aso pusa", 30))
    told_lexically(probe)
    every = {item.words[0] for item in probe.items}
    assert len(seen) == 5
    assert all(not fitted & asked and fitted | asked == every for fitted, asked in seen)
    assert sorted(text for _, asked in seen for text in asked) == sorted(every), "each text is told once"


def test_folds_are_alike_in_labels_and_the_same_for_every_model() -> None:
    each = items("aso pusa ibon", 20) + items("isda", 7)
    probe = probe_on(each)
    assert sorted(place for fold in probe.folds for place in fold) == list(range(67))
    for label in ("aso", "pusa", "ibon", "isda"):
        counts = [sum(probe.items[place].labels == (label,) for place in fold) for fold in probe.folds]
        assert max(counts) - min(counts) <= 1 and min(counts) >= 1
    assert probe_on(each) == probe, "a build of tomorrow deals them alike"
    own = noisy(each, 1.0)
    models = Models(
        reader("teacher", own | vectors_of(TEXTS, width=8)),
        (reader("student", {**own, **vectors_of(TEXTS, width=8)}, "int8"),),
    )
    figures, searches = measure_language(LanguageText("tl", TEXTS, (probe,)), models)
    assert [one.name for one in figures.probes] == ["teacher torch", "student int8", f"{LEXICAL} tf-idf"]
    teacher, student, _ = figures.probes
    assert teacher.macro_f1 == student.macro_f1, "the same vectors are told alike, text by text"
    same, counted = figures.probe_differences
    assert (same.name, same.baseline, same.metric) == ("student int8", "teacher torch", "macro_f1")
    assert (same.difference, same.low, same.high, same.seen) == (0, 0, 0, False)
    assert figures.to_teacher(student) == same and figures.to_teacher(teacher) is None
    assert counted.name == f"{LEXICAL} tf-idf" and counted.seen and counted.low > 0, "n-grams know the word"
    kept = searches.probe("animal")
    assert kept is not None and list(kept.models) == ["teacher torch", "student int8", f"{LEXICAL} tf-idf"]
    assert kept.items == tuple(item.labels for item in probe.items)
    assert parse(LanguageSearches, plain(searches)) == searches and parse(LanguageVectors, plain(figures)) == figures


def test_a_probe_has_the_texts_of_all_parts_each_of_them_once() -> None:
    rows = items("aso pusa ibon", 30)
    found = probe_of("animal", data_of(rows[:60], rows[55:90], rows[50:70]))
    assert found is not None and found.items == rows
    many = probe_of("animal", data_of(items("aso pusa", 800), items("ibon", 20)))
    assert many is not None and len(many.items) == 1500
    whole = probe_of("animal", data_of(items("aso pusa", 400), items("ibon isda", 102)))
    assert whole is not None and len(whole.items) == 1004, "all of SIB-200"


def test_rare_labels_are_left_out_and_small_sets_have_no_probe() -> None:
    rows = items("aso pusa", 30)
    found = probe_of("animal", data_of(rows + items("ibon", 4), items("isda", 5)))
    assert found is not None and found.left_out == 4
    assert {item.labels[0] for item in found.items} == {"aso", "pusa", "isda"}
    assert score(found, told_lexically(found)).left_out == 4
    assert probe_of("animal", data_of(items("aso pusa", 24))) is None, "48 texts"
    assert probe_of("animal", data_of(items("aso pusa", 25))) is not None
    assert probe_of("animal", data_of(items("aso", 90) + items("pusa", 4))) is None, "one label is left"


def test_sets_whose_words_are_labelled_have_no_probe() -> None:
    rows = items("aso pusa", 70)
    assert probe_of("animal", TaskData(TAG, ("aso", "pusa"), rows, rows[:4], rows)) is None


def test_character_n_grams_find_what_shares_letters() -> None:
    found_rows = lexically_similar(("ang aso ko",), ("isang pusa", "mga aso", "xyz"))
    assert found_rows.argmax(1).tolist() == [1]
    assert found_rows[0, 2] == 0


def test_many_texts_are_a_thousand_in_their_order_and_always_the_same() -> None:
    texts = [str(number) for number in range(1500)]
    picked = some_texts(texts)
    assert len(picked) == 1000 and list(picked) == sorted(picked, key=int) and picked == some_texts(texts)
    assert some_texts(texts[:7]) == tuple(texts[:7])


def test_figures_are_written_and_read() -> None:
    agreement = Agreement(
        model="student",
        precision="int8",
        spearman=Interval(value=0.5, low=0.4, high=0.6),
        recall=(found_in(1, 2, 4), found_in(5, 3, 4)),
    )
    each = [LanguageVectors(language=tag, texts=4, agreement=(agreement,)) for tag in ("tl", "sw")]
    whole = VectorFigures(dimensions=2, teacher_dimensions=3, query="q: ", passage="", languages=tuple(each))
    assert parse(VectorFigures, plain(whole)) == whole
    together = whole.recall("student int8")
    assert [(one.within, one.found, one.searches) for one in together] == [(1, 4, 8), (5, 6, 8)]
    assert together[0].high < agreement.recall[0].high, "twice the searches have a narrower interval"
    assert whole.recall("student fp32") == ()
