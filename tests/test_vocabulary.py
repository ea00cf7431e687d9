"""Choosing tokens and trimming a tokenizer: hand arithmetic, and identity on real text of four languages."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers, processors

import edgeenc
from edgeenc.errors import InputError, UsageError
from edgeenc.model.encoder import load_tokenizer
from edgeenc.record.facts import TokenizerQuality
from edgeenc.text.corpus import read_lines
from edgeenc.text.specials import Specials
from edgeenc.text.trimmed import trim_tokenizer
from edgeenc.text.types.word_piece import TYPE as WORD_PIECE
from edgeenc.text.vocabulary import (
    characters_of,
    choose,
    count_documents,
    count_tokens,
    covered,
    frequencies,
    quality,
)

KIT = Path(edgeenc.__file__).parent / "starter"
SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
PIECES = [*SPECIALS, "a", "b", "##a", "##b", "ab", "##ab", "я", "##я", "abab", "ж", "!"]
"""Ids: a 5, b 6, ##a 7, ##b 8, ab 9, ##ab 10, я 11, ##я 12, abab 13, ж 14, ! 15."""


def word_piece(tokens: list[str]) -> Tokenizer:
    """Return a WordPiece tokenizer with `tokens`, split at white space."""
    tokenizer = Tokenizer(models.WordPiece({p: i for i, p in enumerate(tokens)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.add_special_tokens([token for token in SPECIALS if token in tokens])
    return tokenizer


def test_count_tokens_by_hand() -> None:
    """Text "abab ab aя" is abab, ab, a ##я: one each; "q" is unknown."""
    counts = count_tokens(["abab ab aя", "q"], word_piece(PIECES))
    assert counts.tolist() == [0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 1, 1, 0, 0]


def test_documents_are_counted_once_however_often_they_say_a_token() -> None:
    """ "ab ab ab" counts once: by lines a comes before ab, by occurrences behind it."""
    lines, tokenizer = ["ab ab ab", "a", "a b"], word_piece(PIECES)
    assert count_documents(lines, tokenizer)[[5, 6, 9]].tolist() == [2, 1, 1]
    assert count_tokens(lines, tokenizer)[[5, 6, 9]].tolist() == [2, 1, 3]
    texts = [(0.5, lines), (0.5, ["b"])]
    assert frequencies(texts, tokenizer, "documents")[[5, 6, 9]].tolist() == [0.25, 0.625, 0.125]


def test_quality_by_hand() -> None:
    """Text "aba b" is ab ##a b; with "q": 4 tokens, 1 unknown, 3 words."""
    assert quality(["aba b", "q"], word_piece(PIECES)) == TokenizerQuality(
        vocab=len(PIECES), unknown_rate=0.25, fertility=4 / 3
    )


def test_quality_needs_text() -> None:
    """An empty text is said to be empty instead of dividing by zero."""
    with pytest.raises(InputError, match="no words to measure"):
        quality([" "], word_piece(PIECES))


def test_choose_keeps_specials_and_characters_in_both_forms() -> None:
    """я is in the corpus, so both its forms stay; ж is not, so it goes; ASCII stays although it has no counts."""
    counts = np.zeros(len(PIECES), dtype=np.int64)
    counts[9] = 5
    keep = choose(counts, word_piece(PIECES), {"я"}, size=13)
    assert [PIECES[i] for i in keep] == [*SPECIALS, "a", "b", "##a", "##b", "ab", "я", "##я", "!"]


def test_choose_orders_by_count_then_id() -> None:
    """##ab and abab have the same count: the smaller id wins; then the larger count beats the smaller id."""
    tokenizer = word_piece(PIECES)
    counts = np.zeros(len(PIECES), dtype=np.int64)
    counts[[10, 13]] = 4
    assert set(choose(counts, tokenizer, {"я"}, size=13)) - set(choose(counts, tokenizer, {"я"}, size=12)) == {10}
    counts[13] = 5
    assert set(choose(counts, tokenizer, {"я"}, size=13)) - set(choose(counts, tokenizer, {"я"}, size=12)) == {13}


def test_choose_by_coverage_is_the_smallest_that_reaches_it() -> None:
    """Counts a 90, ab 6, abab 3, ж 1: 0.96 needs ab, 0.97 needs abab too, 1 needs ж."""
    tokenizer = word_piece(PIECES)
    counts = np.zeros(len(PIECES), dtype=np.int64)
    counts[[5, 9, 13, 14]] = [90, 6, 3, 1]
    kept = {
        share: set(choose(counts, tokenizer, set(), coverage=share)) & {9, 13, 14} for share in (0.9, 0.96, 0.97, 1.0)
    }
    assert kept == {0.9: set(), 0.96: {9}, 0.97: {9, 13}, 1.0: {9, 13, 14}}
    assert covered(counts, choose(counts, tokenizer, set(), coverage=0.97)) == 0.99


def test_choose_keeps_all_when_there_is_no_more() -> None:
    """A size beyond the vocabulary is the vocabulary."""
    counts = np.ones(len(PIECES), dtype=np.int64)
    assert choose(counts, word_piece(PIECES), set(), size=999) == tuple(range(len(PIECES)))


@pytest.mark.parametrize(
    ("size", "coverage", "words"),
    [
        (None, None, "exactly one"),
        (9, 0.5, "exactly one"),
        (7, None, "at least 10"),
        (None, 1.5, "coverage 1.5 is not a share"),
    ],
)
def test_choose_refuses(size: int | None, coverage: float | None, words: str) -> None:
    """A request that cannot be met says what is expected: 5 specials, a, b, ##a, ##b and ! must stay."""
    with pytest.raises(UsageError, match=words):
        choose(np.ones(len(PIECES), dtype=np.int64), word_piece(PIECES), set(), size=size, coverage=coverage)


def test_choose_needs_counts() -> None:
    """Coverage of nothing is an input mistake."""
    with pytest.raises(InputError, match="no tokens were counted"):
        choose(np.zeros(len(PIECES), dtype=np.int64), word_piece(PIECES), set(), coverage=0.9)


def test_characters_are_those_after_the_normaliser() -> None:
    """The kit's tokenizer composes: e + acute accent is one character; white space is none."""
    assert characters_of(["e\u0301 n"], load_tokenizer(KIT / "model")) == {"é", "n"}


def test_trim_renumbers_every_id() -> None:
    """Padding, template, BERT pair, nested sequence and added tokens follow the specials to their new ids."""
    tokenizer = word_piece(["x", *PIECES])
    old = {token: tokenizer.token_to_id(token) for token in SPECIALS}
    tokenizer.enable_padding(pad_id=old["[PAD]"], pad_token="[PAD]")
    template = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[(token, old[token]) for token in ("[CLS]", "[SEP]")]
    )
    pair = processors.BertProcessing(("[SEP]", old["[SEP]"]), ("[CLS]", old["[CLS]"]))
    keep = range(1, 1 + len(PIECES))
    for post in (template, pair, processors.Sequence([template, pair])):
        tokenizer.post_processor = post
        trimmed = trim_tokenizer(tokenizer, keep)
        assert sorted(trimmed.get_added_tokens_decoder()) == [0, 1, 2, 3, 4]
        texts = ["ab", "ab abя ab"]
        for before, after in zip(tokenizer.encode_batch(texts), trimmed.encode_batch(texts), strict=True):
            assert [number - 1 for number in before.ids] == after.ids
            assert before.tokens == after.tokens
        first, second = (e.ids for e in trimmed.encode_batch(texts))
        assert {2, 3, 9} <= set(first)
        assert first[-1] == 0 != second[-1]


def test_trim_leaves_the_original_alone_and_reloads_the_same(tmp_path: Path) -> None:
    """The original has the same bytes afterwards; the trimmed one equals itself after a save."""
    tokenizer = load_tokenizer(KIT / "model")
    before = tokenizer.to_str()
    keep = [*range(9000), Specials.of(tokenizer).mask]
    trimmed = trim_tokenizer(tokenizer, keep)
    assert tokenizer.to_str() == before
    trimmed.save(str(tmp_path / "tokenizer.json"))
    assert Tokenizer.from_file(str(tmp_path / "tokenizer.json")).to_str() == trimmed.to_str()
    assert json.loads(trimmed.to_str())["normalizer"] == json.loads(before)["normalizer"]


@pytest.mark.parametrize(
    ("keep", "words"),
    [
        ([0, 2, 1], "ascending"),
        ([0, 1, 1], "distinct"),
        ([0, 99], "from 0 to 15"),
        ([], "ascending"),
        ([0, 1, 2, 3], "MASK"),
    ],
)
def test_trim_refuses(keep: list[int], words: str) -> None:
    """Ids out of order, twice, out of range, none, or without a special token."""
    with pytest.raises(UsageError, match=words):
        trim_tokenizer(word_piece(PIECES), keep)


def test_trim_names_the_types_it_knows() -> None:
    """A type without a row in the table is refused by name."""
    with pytest.raises(InputError, match="type WordLevel is not known; known are: BPE, Unigram, WordPiece"):
        trim_tokenizer(Tokenizer(models.WordLevel({"[UNK]": 0, "a": 1}, unk_token="[UNK]")), [0, 1])


def kit_tokenizer(kind: str) -> Tokenizer:
    """Return the kit's tokenizer, or a WordPiece one made of 30,000 of its pieces."""
    kit = load_tokenizer(KIT / "model")
    if kind == "Unigram":
        return kit
    assert WORD_PIECE.made_up is not None
    return Tokenizer.from_str(WORD_PIECE.made_up([kit.id_to_token(number) for number in range(4, 25_000)], 30_000))


@pytest.mark.parametrize(("language", "kind"), [*product(("tl", "mt", "sk", "sw"), ("Unigram", "WordPiece"))])
def test_trimmed_equals_original_on_every_real_line_whose_tokens_are_kept(language: str, kind: str) -> None:
    """Ids (after mapping), tokens and offsets are equal; in no line a known character becomes unknown."""
    tokenizer = kit_tokenizer(kind)
    unknown, specials = Specials.of(tokenizer).names.unk, Specials.of(tokenizer).names.tokens().values()
    train = read_lines(KIT / "text" / f"{language}.train.txt.xz")[:4000]
    held = read_lines(KIT / "text" / f"{language}.heldout.txt.xz")[:600]
    characters = characters_of(train, tokenizer)
    keep = choose(count_tokens(train, tokenizer), tokenizer, characters, size=8000)
    trimmed = trim_tokenizer(tokenizer, keep)
    assert len(keep) == trimmed.get_vocab_size() == 8000
    assert all(trimmed.token_to_id(token) is not None for token in specials)
    assert [trimmed.id_to_token(i) for i in range(8000)] == [tokenizer.id_to_token(i) for i in keep]

    new = dict(zip(keep, range(8000), strict=True))
    lines = held + train[:600]
    whole = known = 0
    for line, old, cut in zip(lines, tokenizer.encode_batch(lines), trimmed.encode_batch(lines), strict=True):
        known += set(line) - {" "} <= characters
        assert (unknown in cut.tokens) <= (unknown in old.tokens or not set(line) - {" "} <= characters)
        if all(i in new for i in old.ids):
            whole += 1
            assert [new[i] for i in old.ids] == cut.ids
            assert (old.tokens, old.offsets, old.type_ids) == (cut.tokens, cut.offsets, cut.type_ids)
    assert whole > (0.5 if kind == "Unigram" else 0.85) * len(lines)
    assert known > 0.99 * len(lines)
    before, after = quality(held, tokenizer), quality(held, trimmed)
    assert after.unknown_rate < before.unknown_rate + 0.0002
    assert before.fertility <= after.fertility < (1.09 if kind == "Unigram" else 1.01) * before.fertility
