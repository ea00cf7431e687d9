"""Bits per character: hand arithmetic, a slow independent implementation, and what must be equal for every model."""

from __future__ import annotations

import copy
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from edgeenc.compress.trim_vocab import trim_vocab
from edgeenc.errors import InputError
from edgeenc.model.bits import bits_per_character, chosen_words, score, unigram_bits
from edgeenc.model.encoder import Encoder
from edgeenc.text.vocabulary import count_tokens

SEED = 3
ALPHABET = 32
"""log2 of it is 5 bits, charged per character of an unknown word."""


@pytest.fixture(scope="module")
def double(tiny_encoder: Encoder) -> Encoder:
    """Return the tiny encoder in float64."""
    return replace(tiny_encoder, model=copy.deepcopy(tiny_encoder.model).double())


def with_bias_only(encoder: Encoder, bias_V: torch.Tensor) -> Encoder:
    """Return an encoder whose logits are `bias_V` at every position, whatever it reads."""
    model = copy.deepcopy(encoder.model)
    norm = model.cls.predictions.transform.LayerNorm
    with torch.no_grad():
        norm.weight.zero_()
        norm.bias.zero_()
        model.cls.predictions.bias.copy_(bias_V)
    return replace(encoder, model=model)


def slow_bits(encoder: Encoder, lines: tuple[str, ...]) -> float:
    """Return the bits of all chosen words, one line at a time, all logits, words found by splitting at spaces."""
    tokenizer, total = encoder.tokenizer, 0.0
    special = {name: tokenizer.token_to_id(name) for name in ("[CLS]", "[SEP]", "[MASK]", "[UNK]")}
    for line, chosen in zip(lines, chosen_words(lines, SEED), strict=True):
        ids, right = [special["[CLS]"]], {}
        for number, word in enumerate(line.split()):
            tokens = tokenizer.encode(word, add_special_tokens=False).ids
            for token in tokens:
                if number in chosen and special["[UNK]"] not in tokens:
                    right[len(ids)] = token
                ids.append(special["[MASK]"] if number in chosen else token)
            if number in chosen and special["[UNK]"] in tokens:
                total += len(word) * math.log2(ALPHABET)
        with torch.no_grad():
            logits = encoder.model(input_ids=torch.tensor([[*ids, special["[SEP]"]]])).logits[0]
        total -= sum(float(logits[at].log_softmax(-1)[token]) for at, token in right.items()) / math.log(2)
    return total


def test_chosen_words_are_15_percent_by_text_and_seed(sentences: tuple[str, ...]) -> None:
    """Distinct, in range, round(0.15 n) in all, the same again, others with another seed."""
    chosen = chosen_words(sentences, SEED)
    counts = [len(line.split()) for line in sentences]
    assert sum(map(len, chosen)) == round(0.15 * sum(counts))
    for part, count in zip(chosen, counts, strict=True):
        assert len(set(part.tolist())) == len(part)
        assert all(0 <= number < count for number in part)
    assert all(map(np.array_equal, chosen, chosen_words(sentences, SEED)))
    assert not all(map(np.array_equal, chosen, chosen_words(sentences, SEED + 1)))


def test_every_word_is_chosen_about_equally_often() -> None:
    """Over 2,000 seeds each of 20 words is chosen 300 times, give or take 6 standard deviations."""
    times = np.zeros(20, dtype=int)
    for seed in range(2000):
        first, empty, second = chosen_words(["a " * 7, "", "b " * 13], seed)
        assert not len(empty)
        times[first] += 1
        times[7 + second] += 1
    assert abs(times - 300).max() < 6 * math.sqrt(2000 * 0.15 * 0.85)


def test_a_uniform_model_pays_log2_vocab_per_token(double: Encoder, sentences: tuple[str, ...]) -> None:
    """All logits equal: bits = tokens x log2 V."""
    got = score(with_bias_only(double, torch.zeros(double.shape.vocab)), sentences, characters=ALPHABET, seed=SEED)
    chosen = chosen_words(sentences, SEED)
    words = [line.split()[number] for line, part in zip(sentences, chosen, strict=True) for number in part]
    tokens = sum(len(double.tokenizer.encode(word, add_special_tokens=False).ids) for word in words)
    assert (got.words, got.unknown, got.tokens, got.characters) == (len(words), 0, tokens, sum(map(len, words)))
    assert got.bits == pytest.approx(tokens * math.log2(double.shape.vocab), rel=1e-12)
    assert got.per_character == got.bits / got.characters


def test_a_model_that_knows_only_counts_is_the_unigram_table(double: Encoder, sentences: tuple[str, ...]) -> None:
    """With log((count + 1) / (total + V)) as its only logits the model and `unigram_bits` agree."""
    train, held = sentences[:12], (*sentences[12:], "Dalhin mo ang żebra ngayon bukas")
    counts = count_tokens(train, double.tokenizer)
    table = torch.from_numpy(np.log((counts + 1) / (counts.sum() + len(counts))))
    model = with_bias_only(double, table)
    for seed in range(4):
        same = {"characters": ALPHABET, "seed": seed}
        wanted = unigram_bits(train, double.tokenizer, held, **same)
        assert bits_per_character(model, held, **same) == pytest.approx(wanted, rel=1e-12)


def test_equal_to_a_slow_independent_implementation(double: Encoder, sentences: tuple[str, ...]) -> None:
    """Batches, padding and offsets change nothing; unknown words are charged, also inside a known line."""
    lines = (*sentences, "Ang żebra ay żółta at ang aso ay żółty kaya", "żż ay " * 8, "")
    got = score(double, lines, characters=ALPHABET, seed=SEED)
    assert got.unknown > 0
    assert got.bits == pytest.approx(slow_bits(double, lines), rel=1e-10)


def test_an_unknown_word_is_charged_by_the_character(double: Encoder) -> None:
    """Seven words of three foreign letters, one chosen: 3 x log2(32) = 15 bits, 5 per character, nothing predicted."""
    got = score(double, ["żżż " * 7], characters=ALPHABET, seed=SEED)
    assert (got.bits, got.words, got.unknown, got.tokens, got.characters) == (15.0, 1, 1, 0, 3)
    assert unigram_bits(["a"], double.tokenizer, ["żżż " * 7], characters=ALPHABET, seed=SEED) == 5.0


def test_a_word_that_the_normaliser_deletes_is_charged_too(double: Encoder) -> None:
    """A word of two zero-width spaces has no tokens; it cannot come for free."""
    got = score(double, ["\u200b\u200b " * 7], characters=ALPHABET, seed=SEED)
    assert (got.bits, got.words, got.unknown, got.tokens) == (10.0, 1, 1, 0)


def test_the_words_are_the_same_for_every_vocabulary(double: Encoder, sentences: tuple[str, ...]) -> None:
    """A trimmed tokenizer cuts the same words in more tokens."""
    trimmed = trim_vocab(double, sentences, size=80)
    a, b = (score(e, sentences, characters=ALPHABET, seed=SEED) for e in (double, trimmed))
    assert (a.words, a.characters) == (b.words, b.characters)
    assert b.tokens > a.tokens


def test_long_lines_are_cut_and_no_word_is_lost(double: Encoder, sentences: tuple[str, ...]) -> None:
    """A line of several hundred tokens, and one word longer than the 64 positions, are paid for whole."""
    uniform = with_bias_only(double, torch.zeros(double.shape.vocab))
    whole = " ".join(sentences)
    assert len(double.tokenizer.encode(whole).ids) > 3 * 64
    for line in (whole, " ".join(["a" * 95] * 7)):
        got = score(uniform, [line], characters=ALPHABET, seed=SEED)
        words = [line.split()[number] for number in chosen_words([line], SEED)[0]]
        tokens = sum(len(double.tokenizer.encode(word, add_special_tokens=False).ids) for word in words)
        assert (got.words, got.unknown, got.tokens) == (len(words), 0, tokens)
    assert tokens > 62
    assert got.bits == pytest.approx(tokens * math.log2(double.shape.vocab), rel=1e-12)


def test_windows_end_between_words(double: Encoder, sentences: tuple[str, ...]) -> None:
    """A line of two windows is scored like its two halves, cut where the window ends."""
    line = " ".join(sentences[:4])
    encoded = double.tokenizer.encode(line, add_special_tokens=False)
    edge = line.rindex(" ", 0, encoded.offsets[62][0] + 1)
    halves = (line[:edge], line[edge + 1 :])
    assert len(double.tokenizer.encode(halves[1]).ids) <= 64
    whole, parts = (score(double, text, characters=ALPHABET, seed=SEED) for text in ([line], halves))
    assert (whole.words, whole.tokens) == (parts.words, parts.tokens)
    assert whole.bits == pytest.approx(parts.bits, rel=1e-10)


def test_scoring_leaves_the_model_alone(double: Encoder, sentences: tuple[str, ...]) -> None:
    """The same twice; no gradient; same weights."""
    before = {name: tensor.clone() for name, tensor in double.model.state_dict().items()}
    first, second = (score(double, sentences, characters=ALPHABET, seed=SEED) for _ in range(2))
    assert first == second
    assert all(torch.equal(tensor, before[name]) for name, tensor in double.model.state_dict().items())
    assert all(parameter.grad is None for parameter in double.model.parameters())


def test_no_words_is_an_input_mistake(double: Encoder) -> None:
    """Nothing to score is said, not divided by."""
    with pytest.raises(InputError, match="no words to score"):
        score(double, ["", "  "], characters=ALPHABET, seed=SEED)
