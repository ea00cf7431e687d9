"""Several languages in one model: how they are named and weighed, what is read of each, and what is refused."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest
from families import tiny
from tokenizers import Tokenizer, models, pre_tokenizers

from edgeenc.asked import request_for
from edgeenc.compress.importance import calibration
from edgeenc.compress.trim_vocab import trim_for_several, trim_vocab
from edgeenc.errors import EdgeencError, InputError, UsageError
from edgeenc.language import Tag, joined, resolve, spoken
from edgeenc.machine.runtime import Runtime
from edgeenc.model.encoder import Encoder
from edgeenc.record.ask import Ask
from edgeenc.sources import given_texts
from edgeenc.steps.line.make import make_plan
from edgeenc.text.corpus import Corpus, Part, load_corpus, save_corpus
from edgeenc.text.mixture import Text, called, corpus_fields, dealt, mixed, save_mixture
from edgeenc.text.vocabulary import frequencies

TL, EN = resolve("tl"), resolve("en")


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("tl", [("tl", 1.0)]),
        ("a+b.yaml", [("a", 0.5), ("b.yaml", 0.5)]),
        ("my/tl.yaml", [("my/tl.yaml", 1.0)]),
        ("tl+en", [("tl", 0.5), ("en", 0.5)]),
        ("tl:0.8+en:0.2", [("tl", 0.8), ("en", 0.2)]),
        (" tl:3 + en:1 ", [("tl", 0.75), ("en", 0.25)]),
        ("tl:2", [("tl", 1.0)]),
    ],
)
def test_weights_add_up_to_one(typed: str, expected: list[tuple[str, float]]) -> None:
    assert [(one.language, one.weight) for one in spoken(typed)] == expected


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("tl:0+en:1", "the weight '0' is not a number above 0"),
        ("tl:-1+en:1", "the weight '-1' is not a number above 0"),
        ("tl:inf+en:1", "the weight 'inf'"),
        ("tl:much+en:1", "the weight 'much'"),
        ("tl:0.8+en", "no weight for en; give every language a weight, or none"),
        ("tl:0.995+en:0.005", "en would be 0.5 % of the text; at least 1 % is expected"),
        ("tl+", "a language is missing; write tl+en"),
        ("tl:1+:1", "a language is missing"),
    ],
)
def test_weights_that_cannot_be_read_are_refused(typed: str, words: str) -> None:
    with pytest.raises(UsageError, match=words.replace("+", r"\+")):
        spoken(typed)


def test_together_they_are_called_by_all_their_names() -> None:
    assert joined([TL]) == TL
    assert joined([TL, EN]) == Tag("tl+en", "tgl+eng", "Latn", "Tagalog + English")
    assert joined([TL, resolve("ru")]).script == "Latn+Cyrl"
    with pytest.raises(UsageError, match="language tl: given twice"):
        joined([TL, resolve("fil")])


def test_each_text_is_given_to_its_language(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert given_texts(["a.txt"], [TL]) == {"tl": "a.txt"}
    assert given_texts(["eng=b.txt", "tl=starter"], [TL, EN]) == {"en": "b.txt", "tl": "starter"}
    monkeypatch.chdir(tmp_path)
    Path("tl=a.txt").write_text("")
    assert given_texts(["tl=a.txt"], [TL]) == {"tl": "tl=a.txt"}, "a file of that name"


@pytest.mark.parametrize(
    ("asked", "words", "code"),
    [
        (Ask("tl+xx"), "language 'xx': no language has this code", 2),
        (Ask("tl+fil"), "language tl: given twice", 2),
        (Ask("tl+sw", corpus=("a.txt",)), r"which language is it in\? Write --corpus tl=a.txt", 2),
        (Ask("tl+sw", corpus=("mt=a.txt",)), "mt is not a language of this build, which has tl, sw", 2),
        (Ask("tl+sw", corpus=("tl=a.txt", "fil=b.txt")), "tl has a.txt already", 2),
        (Ask("tl", corpus=("a.txt", "b.txt")), "tl has a.txt already", 2),
        (Ask("tl+sw", task="topic"), "give labelled data of all of them with --data FILE", 2),
        (Ask("tl+en"), r"English \(en\): no text comes with edgeenc", 5),
        (Ask("tl+sw", corpus=("sw=none.txt",)), "corpus none.txt: no such file", 5),
        (Ask("tl", data_fraction=0.0), "expected a share above 0", 2),
    ],
)
def test_what_cannot_be_built_is_refused_at_once(asked: Ask, words: str, code: int) -> None:
    with pytest.raises(EdgeencError, match=words) as error:
        request_for(asked, offline=True, plan_only=True)
    assert error.value.exit_code == code


def test_what_is_missing_for_several_is_said_at_once() -> None:
    with pytest.raises(InputError, match="2 things are missing:") as error:
        request_for(Ask("en+de"), offline=True, plan_only=True)
    assert "English (en)" in str(error.value) and "German (de)" in str(error.value)


def test_weights_and_fraction_change_the_plan_and_one_language_alone_is_as_before() -> None:
    def key(asked: Ask) -> str:
        return make_plan(request_for(asked, offline=True, plan_only=True), Runtime()).step("corpus").key

    asked = [
        Ask("tl+sw"), Ask("sw+tl"), Ask("tl:0.8+sw:0.2"), Ask("tl"), Ask("sw"), Ask("tl", data_fraction=0.3),
        Ask("tl+sw", data_fraction=0.3),
    ]  # fmt: skip
    assert len({key(one) for one in asked}) == len(asked)
    assert key(Ask("tl:4+sw:1")) == key(asked[2])
    assert key(Ask("tl", data_fraction=1.0)) == key(Ask("tl"))
    request = request_for(Ask("tl"), offline=True, plan_only=True)
    assert set(corpus_fields(request.texts)) == {"train", "heldout"}
    plan = make_plan(request_for(asked[2], offline=True, plan_only=True), Runtime())
    shown = plan.to_json(dict.fromkeys([step.name for step in plan.steps], "to do"))
    assert (shown["language"], shown["languages"]) == ("tl+sw", {"tl": 0.8, "sw": 0.2})


@pytest.mark.parametrize(
    ("weights", "expected"),
    [([1.0], (0,)), ([0.5, 0.5], (0, 1)), ([0.8, 0.2], (0, 0, 1, 0, 0)), ([1 / 3, 1 / 3, 1 / 3], (0, 1, 2))],
)
def test_rows_are_dealt_out_by_hand(weights: list[float], expected: tuple[int, ...]) -> None:
    assert dealt(weights) == expected


def test_every_language_has_its_rows() -> None:
    """Whatever the weights: none is without rows, and none is more than a row in a hundred off."""
    chance = random.Random(0)
    for _ in range(200):
        drawn = [chance.random() ** 3 + 0.06 for _ in range(chance.randint(2, 6))]
        weights = [weight / sum(drawn) for weight in drawn]
        rows = np.bincount(dealt(weights), minlength=len(weights))
        assert rows.min() > 0
        assert np.abs(rows / rows.sum() - weights).max() < 0.011


def test_held_out_lines_are_evenly_mixed() -> None:
    assert mixed([["a", "b", "c", "d"], ["x", "y"]]) == ["a", "x", "b", "c", "y", "d"]
    assert mixed([["a", "b"]]) == ["a", "b"]


def test_a_mixture_comes_back_from_disk_and_learns_nothing_that_another_language_holds_out(tmp_path: Path) -> None:
    """`Isa.` is held out in English, so it is neither learnt nor chosen by in Tagalog; `two` is held out in Tagalog."""
    save_corpus(Corpus(("isa", "dalawa", "TATLO"), ("apat", "ISA!"), ("lima", "two")), tmp_path / "tl")
    save_corpus(Corpus(("one", "Two"), ("tatlo",), ("three", "isa.")), tmp_path / "en")
    texts = [Text(TL, Path("a.txt"), weight=0.8), Text(EN, Path("b.txt"), weight=0.2)]
    assert save_mixture(texts, tmp_path) == {"tl": 3, "en": 1}
    tl, en = Corpus(("dalawa",), ("apat",), ("lima", "two")), Corpus(("one",), ("tatlo",), ("three", "isa."))
    assert load_corpus(tmp_path) == Corpus(
        ("dalawa", "one"),
        ("apat", "tatlo"),
        ("lima", "three", "two", "isa."),
        (Part("tl", 0.8, tl), Part("en", 0.2, en)),
    )
    assert json.loads((tmp_path / "languages.json").read_text()) == {"tl": 0.8, "en": 0.2}
    assert not list(tmp_path.rglob("*.new"))
    assert called(texts) == "tl=a.txt, en=b.txt"
    assert called([Text(TL, Path("x"), name="starter"), Text(EN, Path("y"), name="starter")]) == "starter"


def test_a_corpus_of_one_language_is_its_own_part() -> None:
    corpus = Corpus(("a",), ("b",), ("c",))
    assert corpus.each == (Part("", 1.0, corpus),)


def test_the_frequency_of_a_token_by_hand() -> None:
    """`a` is 3 of 10 tokens of the first text and 1 of 2 of the second: 0.8 * 0.3 + 0.2 * 0.5 = 0.34."""
    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0, "a": 1, "b": 2, "c": 3}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    one, two = ["a a a b b", "b b b b b"], ["a c"]
    found = frequencies([(0.8, one), (0.2, two)], tokenizer)
    assert found == pytest.approx([0, 0.34, 0.8 * 0.7, 0.2 * 0.5])
    assert frequencies([(1.0, one)], tokenizer).tolist() == [0, 3, 7, 0]
    with pytest.raises(InputError, match="one of the languages"):
        frequencies([(0.5, one), (0.5, [])], tokenizer)


def test_both_alphabets_stay_and_a_small_text_has_its_say(sentences: tuple[str, ...]) -> None:
    """A hundred Tagalog lines to one Russian: by its weight the Russian line keeps its words, counted plainly none."""
    russian = "\u0436\u0443\u043a \u043b\u0435\u0442\u0438\u0442 \u0434\u043e\u043c\u043e\u0439"
    encoder = tiny("bert", (*sentences, *[russian] * 20))
    first, second = list(sentences) * 5, [russian]
    size = encoder.shape.vocab - 25
    trimmed = trim_for_several(encoder, [(0.5, first), (0.5, second)], size=size)
    alone = trim_vocab(encoder, first, size=size)
    kept, lost = trimmed.tokenizer.get_vocab(), alone.tokenizer.get_vocab()
    old = encoder.tokenizer.get_vocab()
    letters = {form for c in russian.replace(" ", "") for form in (c, f"##{c}") if form in old}
    assert letters and letters <= set(kept) and not letters <= set(lost)
    assert trimmed.tokenizer.encode(russian).tokens == encoder.tokenizer.encode(russian).tokens
    plain = trim_vocab(encoder, first + second, size=size).tokenizer.get_vocab()
    words = [token for token in old if set(token) & set(russian) - {" "} and len(token.removeprefix("##")) > 1]
    assert sum(token in kept for token in words) > sum(token in plain for token in words)


def test_rows_are_read_by_weight(tiny_encoder: Encoder) -> None:
    """A text of one word against a text of another; a quarter of the rows has the second."""
    texts = [Corpus(("aso " * 30,) * 20, (), ()), Corpus(("book " * 30,) * 400, (), ())]
    parts = tuple(Part(name, w, text) for name, w, text in zip(("tl", "en"), (0.75, 0.25), texts, strict=True))
    whole = Corpus(texts[0].train + texts[1].train, (), (), parts)
    (batch,) = calibration(tiny_encoder, whole, 1, seed=0)
    ids = [tiny_encoder.tokenizer.encode(word, add_special_tokens=False).ids for word in ("aso", "book")]
    counts = [np.isin(batch.ids_BT.numpy(), of).sum(axis=1) for of in ids]
    of_english = (counts[1] > counts[0]).sum()
    assert (len(batch.ids_BT), of_english) == (32, 8)
