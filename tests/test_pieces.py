"""Special tokens by role, words by their marks, and Unigram tokenizers cut down: by hand, and on real text."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from families import byte_pairs, unigram, word_piece
from tokenizers import Tokenizer, models, pre_tokenizers

import edgeenc
from edgeenc.errors import InputError, UsageError
from edgeenc.model.bits import unigram_bits
from edgeenc.text.batches import Batching, SpecialIds, corrupt, masked_stream
from edgeenc.text.corpus import read_lines
from edgeenc.text.must_stay import must_stay, parts_of
from edgeenc.text.parse import parse_tokenizer
from edgeenc.text.specials import Specials
from edgeenc.text.trimmed import trim_tokenizer
from edgeenc.text.types import byte_pairs as bpe
from edgeenc.text.types import type_of
from edgeenc.text.types import unigram as unigrams
from edgeenc.text.types import word_piece as wordpiece
from edgeenc.text.vocabulary import characters_of, choose, count_tokens, quality

TEXT = Path(edgeenc.__file__).parent / "starter" / "text"
FIRST = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]


def by_hand(rows: list[tuple[str, float]]) -> Tokenizer:
    """Return a tokenizer in the layout of XLM-R: four special tokens, `rows`, and the mask."""
    tokenizer = Tokenizer(models.Unigram([*FIRST, *rows, ("<mask>", 0.0)], unk_id=3))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.add_special_tokens([token for token, _ in FIRST] + ["<mask>"])
    return tokenizer


def test_special_tokens_are_found_by_role(sentences: tuple[str, ...]) -> None:
    bert, roberta = Specials.of(word_piece(sentences)), Specials.of(by_hand([("▁", -1.0)]))
    assert (bert.pad, bert.unk, bert.cls, bert.sep, bert.mask) == (0, 1, 2, 3, 4) == bert.ids
    assert (roberta.pad, roberta.unk, roberta.cls, roberta.sep, roberta.mask) == (1, 3, 0, 2, 5)
    assert roberta.names.tokens()["cls_token"] == "<s>" and bert.names.tokens()["cls_token"] == "[CLS]"


def test_a_missing_special_token_is_named() -> None:
    tokenizer = Tokenizer(models.Unigram([*FIRST, ("▁", -1.0)], unk_id=3))
    with pytest.raises(InputError, match=r"no <mask>; a tokenizer with \[PAD\] .* or <pad> <unk> <s> </s> <mask> is"):
        Specials.of(tokenizer)
    with pytest.raises(InputError, match="type WordLevel is not known"):
        type_of(Tokenizer(models.WordLevel({"a": 0}, unk_token="a")))


def test_marks_by_hand() -> None:
    word, metaspace, bytes_ = (kind.TYPE.marks for kind in (wordpiece, unigrams, bpe))
    assert [word.bare(token) for token in ("##ab", "ab", "##")] == ["ab", "ab", "##"]
    assert [metaspace.bare(token) for token in ("▁ab", "ab", "▁")] == ["ab", "ab", "▁"]
    assert [word.goes_on(token) for token in ("##ab", "ab")] == [True, False]
    assert [metaspace.goes_on(token) for token in ("▁ab", "ab", "▁")] == [False, True, False]
    assert [bytes_.goes_on(token) for token in ("Ġab", "ab")] == [False, True]


def test_words_of_metaspace_are_masked_whole() -> None:
    """▁a b | ▁ c | ▁a: two of seven are chosen; never the second token of a word without the first."""
    tokenizer = by_hand([("▁", -1.0), ("▁a", -1.0), ("b", -1.0), ("c", -1.0)])
    ids = tokenizer.encode("ab c a").ids
    assert [tokenizer.id_to_token(i) for i in ids] == ["▁a", "b", "▁", "c", "▁a"]
    tokens = SpecialIds.of(tokenizer)
    assert {6, 7} <= set(tokens.continued) and not {4, 5} & set(tokens.continued)
    row = np.array([[tokens.cls, *ids, tokens.sep]], dtype=np.int32)
    chosen = {
        tuple(corrupt(row, tokens, 2 / 7, "words", np.random.default_rng(seed)).chosen_P.tolist()) for seed in range(40)
    }
    assert chosen == {(1, 2), (3, 4), (1, 5), (3, 5)}


def test_random_tokens_of_bert_stay_as_they_were(sentences: tuple[str, ...]) -> None:
    """Its padding token, number 0, is drawn like any other; every stored result hangs on that."""
    stream = masked_stream([sentences * 20], word_piece(sentences), Batching(2048, 0.9, (32,)), seed=1)
    assert any((stream(step).ids_BT == 0).any() for step in range(30))


def test_a_token_that_begins_with_the_space_belongs_to_the_word_after_it() -> None:
    """Both ways to place `▁` give each word its own tokens, so the same text costs the same."""
    rows = [("▁", -1.0), ("▁ab", -2.0), ("▁b", -3.0), ("a", -3.0), ("b", -3.5)]
    one, other = by_hand(rows), by_hand(rows)
    other.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    lines = ["ab b a ab", "b жa ab a b"] * 10
    found = [unigram_bits(lines, t, lines, characters=3, seed=seed) for t in (one, other) for seed in range(5)]
    assert found[:5] == found[5:]
    assert len(set(found)) > 1


def test_a_unigram_model_is_cut_with_its_scores(sentences: tuple[str, ...]) -> None:
    tokenizer = unigram(sentences)
    before = json.loads(tokenizer.to_str())
    keep = [0, 1, 2, 3, *range(5, tokenizer.get_vocab_size(), 2)]
    keep = sorted({*keep, tokenizer.token_to_id("<mask>")})
    after = json.loads(trim_tokenizer(tokenizer, keep).to_str())
    assert after["model"]["vocab"] == [before["model"]["vocab"][i] for i in keep]
    assert after["model"]["unk_id"] == 3
    assert [token["id"] for token in after["added_tokens"]] == [0, 1, 2, 3, len(keep) - 1]
    assert after["normalizer"] == before["normalizer"] and after["pre_tokenizer"] == before["pre_tokenizer"]


def test_scores_do_not_creep_with_loads_and_saves(sentences: tuple[str, ...]) -> None:
    text = unigram(sentences).to_str()
    for _ in range(3):
        text, before = parse_tokenizer(text).to_str(), text
        assert text == before
    rows = [(f"{i}", -float(i) / 7) for i in range(1, 200)]
    hard = by_hand(rows).to_str()
    assert parse_tokenizer(hard).to_str() == hard


def test_what_must_stay_of_a_unigram_model_by_hand() -> None:
    """Specials, ▁, a, x, !, the lowest score, and `▁xy` and `qz`: their y, q and z have no tokens of their own."""
    rows = [("▁", -2.0), ("a", -3.0), ("▁a", -1.0), ("ж", -4.0), ("!", -5.0), ("x", -5.5), ("▁xy", -6.0)]
    rows += [("aж", -9.0), ("aa", -7.0), ("qz", -8.0)]
    tokenizer = by_hand(rows)
    counts = np.zeros(tokenizer.get_vocab_size(), dtype=np.int64)
    counts[tokenizer.token_to_id("▁xy")] = 1
    kept = {tokenizer.id_to_token(int(i)) for i in np.flatnonzero(must_stay(tokenizer, {"a"}, counts))}
    assert kept == {"<s>", "<pad>", "</s>", "<unk>", "<mask>", "▁", "a", "!", "x", "▁xy", "aж", "qz"}


LOWEST = [("▁", -1.0), ("xb", -20.0), ("cy", -20.0), ("xbc", -1.0), ("zz", -50.0)]
"""`xbcy` is xb + cy (-40), or xbc + an unknown y: -1 and 10 less than the lowest score, -61. Without zz that is -31."""


def test_the_token_of_the_lowest_score_holds_the_price_of_the_unknown() -> None:
    tokenizer = by_hand(LOWEST)
    without = trim_tokenizer(tokenizer, [0, 1, 2, 3, 4, 5, 6, 7, 9])
    assert tokenizer.encode("xbcy").tokens == ["▁", "xb", "cy"]
    assert without.encode("xbcy").tokens == ["▁", "xbc", "y"]
    counts = count_tokens(["xbcy xbc"], tokenizer)
    keep = choose(counts, tokenizer, {"x", "b", "c", "y"}, size=10)
    assert trim_tokenizer(tokenizer, keep).encode("xbcy").tokens == ["▁", "xb", "cy"]
    with pytest.raises(UsageError, match="give a size of at least 10"):
        choose(counts, tokenizer, {"x", "b", "c", "y"}, size=9)


@pytest.fixture(scope="module")
def real() -> tuple[Tokenizer, list[str], list[str]]:
    """A Unigram tokenizer of 3,000 tokens trained on four languages, and the Tagalog text: to choose from, held out."""
    languages = ("tl", "mt", "sk", "sw")
    mixed = [line for tag in languages for line in read_lines(TEXT / f"{tag}.train.txt.xz")[:500]]
    held = read_lines(TEXT / "tl.heldout.txt.xz")
    return unigram(tuple(mixed), 3000), read_lines(TEXT / "tl.train.txt.xz")[:3000], held


@pytest.mark.parametrize("size", [900, 1800])
def test_a_cut_unigram_tokenizer_cuts_real_lines_as_before(
    real: tuple[Tokenizer, list[str], list[str]], size: int
) -> None:
    """Every line whose tokens are all kept: the same tokens and offsets; no known character becomes unknown."""
    tokenizer, train, held = real
    characters = characters_of(train, tokenizer)
    keep = choose(count_tokens(train, tokenizer), tokenizer, characters, size=size)
    trimmed = trim_tokenizer(tokenizer, keep)
    assert trimmed.get_vocab_size() == len(keep) == size
    new = dict(zip(keep, range(size), strict=True))
    whole = 0
    lines = held + train
    for line, old, cut in zip(lines, tokenizer.encode_batch(lines), trimmed.encode_batch(lines), strict=True):
        assert (3 in cut.ids) <= (3 in old.ids or not set(line) - {" "} <= characters)
        if all(number in new for number in old.ids):
            whole += 1
            assert [new[number] for number in old.ids] == cut.ids
            assert (old.tokens, old.offsets) == (cut.tokens, cut.offsets)
    assert whole > 0.2 * len(lines)
    before, after = quality(held, tokenizer), quality(held, trimmed)
    assert after.unknown_rate <= before.unknown_rate + 1e-4
    assert before.fertility <= after.fertility < 1.35 * before.fertility


def test_a_token_of_bpe_comes_behind_what_it_is_merged_from() -> None:
    """a+b and ab+c: abc is used most, yet a vocabulary that has no room for ab has no abc either."""
    vocab = {token: i for i, token in enumerate(["a", "b", "c", "d", "ab", "abc", "cd"])}
    tokenizer = Tokenizer(models.BPE(vocab, [("a", "b"), ("ab", "c"), ("c", "d")]))
    tokenizer.add_special_tokens(["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"])
    assert parts_of(tokenizer) == {4: {0, 1}, 5: {2, 4}, 6: {2, 3}}
    counts = count_tokens(["abc"] * 3 + ["cd"], tokenizer)
    specials = set(range(7, 12))
    kept = {
        size: set(choose(counts, tokenizer, set(), size=size)) - specials - {0, 1, 2, 3} for size in (9, 10, 11, 12)
    }
    assert kept == {9: set(), 10: {4}, 11: {4, 5}, 12: {4, 5, 6}}
    cut = trim_tokenizer(tokenizer, choose(counts, tokenizer, set(), size=11))
    assert [cut.encode(text).tokens for text in ("abc", "cd")] == [["abc"], ["c", "d"]]
    assert [cut.token_to_id(token) for token in ("[UNK]", "[MASK]")] == [6, 10]


@pytest.mark.parametrize("size", [700, 1500])
def test_a_cut_byte_level_tokenizer_cuts_real_lines_as_before(size: int) -> None:
    """Every line whose tokens are all kept: the same tokens; every line, of any script, still reads back as it was."""
    train = read_lines(TEXT / "tl.train.txt.xz")[:2000]
    mixed = train[:500] + read_lines(TEXT / "sk.train.txt.xz")[:500]
    tokenizer = byte_pairs(tuple(mixed), 2500)
    keep = choose(count_tokens(train, tokenizer), tokenizer, set(), size=size)
    trimmed = trim_tokenizer(tokenizer, keep)
    assert trimmed.get_vocab_size() == len(keep) == size
    new = dict(zip(keep, range(size), strict=True))
    lines = [*train, *read_lines(TEXT / "sk.heldout.txt.xz"), "Привет, мир! 漢字"]
    whole = 0
    for line, old, cut in zip(lines, tokenizer.encode_batch(lines), trimmed.encode_batch(lines), strict=True):
        assert trimmed.decode(cut.ids) == line
        if all(number in new for number in old.ids):
            whole += 1
            assert [new[number] for number in old.ids] == cut.ids
    assert whole > 100
