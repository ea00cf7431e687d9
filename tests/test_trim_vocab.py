"""Trimming an encoder's vocabulary: no kept logit changes, nothing of the input changes."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch
from families import unigram

from edgeenc.compress.trim_vocab import keep_tokens, trim_vocab
from edgeenc.errors import UsageError
from edgeenc.model.encoder import Encoder
from edgeenc.text.trimmed import trim_tokenizer
from edgeenc.text.vocabulary import choose, count_tokens, covered, quality

FEW = 5
"""Lines the vocabulary is chosen from."""


@pytest.fixture(scope="module")
def double(tiny_encoder: Encoder) -> Encoder:
    """Return the tiny encoder in float64."""
    return replace(tiny_encoder, model=copy.deepcopy(tiny_encoder.model).double())


def all_logits(encoder: Encoder, line: str) -> torch.Tensor:
    """Return the logits (1, T, V) of a line."""
    with torch.no_grad():
        return encoder.logits(encoder.hidden(torch.tensor([encoder.tokenizer.encode(line).ids])))


def kept_ids(encoder: Encoder, trimmed: Encoder) -> list[int]:
    """Return the old id of each token of the trimmed encoder."""
    return [encoder.tokenizer.token_to_id(trimmed.tokenizer.id_to_token(i)) for i in range(trimmed.shape.vocab)]


def test_kept_logits_are_unchanged(double: Encoder, sentences: tuple[str, ...]) -> None:
    """On every sentence whose tokens are kept the logits of the kept tokens agree within 1e-12 (float64)."""
    size = double.shape.vocab - 8
    trimmed = trim_vocab(double, sentences[:FEW], size=size)
    keep = kept_ids(double, trimmed)
    compared = 0
    for line in sentences:
        if not set(double.tokenizer.encode(line).ids) <= set(keep):
            continue
        compared += 1
        difference = all_logits(double, line)[..., keep] - all_logits(trimmed, line)
        assert difference.abs().max() < 1e-12
    assert compared >= FEW
    assert trimmed.model.dtype == torch.float64


def test_tokenizer_embedding_and_bias_change_together(double: Encoder, sentences: tuple[str, ...]) -> None:
    """Row and bias of each kept token are bit for bit those of the same token before; tables stay tied."""
    size = double.shape.vocab - 8
    trimmed = trim_vocab(double, sentences[:FEW], size=size)
    keep = kept_ids(double, trimmed)
    assert keep == sorted(keep)
    assert keep[:5] == [0, 1, 2, 3, 4]
    assert trimmed.shape == replace(double.shape, vocab=size)
    assert trimmed.tokenizer.get_vocab_size() == size
    before, after = double.model.state_dict(), trimmed.model.state_dict()
    head = "cls.predictions"
    for name in (
        "bert.embeddings.word_embeddings.weight",
        f"{head}.decoder.weight",
        f"{head}.decoder.bias",
        f"{head}.bias",
    ):
        assert torch.equal(before[name][keep], after[name])
    assert trimmed.model.cls.predictions.decoder.weight is trimmed.model.bert.embeddings.word_embeddings.weight
    others = [name for name in before if before[name].shape == after[name].shape]
    assert len(others) == len(before) - 4
    assert all(torch.equal(before[name], after[name]) for name in others)


def test_the_input_keeps_every_byte(tiny_encoder: Encoder, sentences: tuple[str, ...]) -> None:
    """Weights, configuration and tokenizer are the same afterwards, and no tensor is shared with the result."""
    state = {name: tensor.clone() for name, tensor in tiny_encoder.model.state_dict().items()}
    config, text = tiny_encoder.model.config.to_dict(), tiny_encoder.tokenizer.to_str()
    trimmed = trim_vocab(tiny_encoder, sentences[:FEW], size=tiny_encoder.shape.vocab - 5)
    with torch.no_grad():
        for parameter in trimmed.model.parameters():
            parameter.fill_(7.0)
    now = tiny_encoder.model.state_dict()
    assert state.keys() == now.keys()
    assert all(torch.equal(state[name], now[name]) for name in state)
    assert (tiny_encoder.model.config.to_dict(), tiny_encoder.tokenizer.to_str()) == (config, text)


def test_keeping_all_changes_nothing(tiny_encoder: Encoder, sentences: tuple[str, ...]) -> None:
    """A size of the whole vocabulary gives the same weights and tokenizer, bit for bit."""
    same = trim_vocab(tiny_encoder, sentences, size=tiny_encoder.shape.vocab)
    before, after = tiny_encoder.model.state_dict(), same.model.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert same.tokenizer.get_vocab() == tiny_encoder.tokenizer.get_vocab()


def test_coverage_reaches_its_target(tiny_encoder: Encoder, sentences: tuple[str, ...]) -> None:
    """Full coverage keeps every token in use, so the text is cut as before, without unknown tokens."""
    trimmed = trim_vocab(tiny_encoder, sentences[:FEW], coverage=1.0)
    counts = count_tokens(sentences[:FEW], tiny_encoder.tokenizer)
    assert trimmed.shape.vocab < tiny_encoder.shape.vocab
    assert covered(counts, kept_ids(tiny_encoder, trimmed)) == 1.0
    before, after = (quality(sentences[:FEW], e.tokenizer) for e in (tiny_encoder, trimmed))
    assert (after.fertility, after.unknown_rate) == (before.fertility, 0.0)


def test_two_encoders_are_cut_alike(tiny_encoder: Encoder, double: Encoder, sentences: tuple[str, ...]) -> None:
    """`keep_tokens` with the ids of `choose` is `trim_vocab`."""
    counts = count_tokens(sentences[:FEW], double.tokenizer)
    keep = choose(counts, double.tokenizer, frozenset("".join(sentences[:FEW])), size=tiny_encoder.shape.vocab - 8)
    one = keep_tokens(tiny_encoder, keep)
    two = trim_vocab(double, sentences[:FEW], size=tiny_encoder.shape.vocab - 8)
    assert one.tokenizer.to_str() == two.tokenizer.to_str()
    assert all(torch.equal(t.double(), two.model.state_dict()[n]) for n, t in one.model.state_dict().items())


def test_a_size_too_small_says_how_many_must_stay(tiny_encoder: Encoder, sentences: tuple[str, ...]) -> None:
    """The message has the number that would do, and that number does."""
    with pytest.raises(UsageError, match=r"vocabulary of 10 is too small: \d+ tokens must stay") as refused:
        trim_vocab(tiny_encoder, sentences, size=10)
    least = int(str(refused.value).rsplit(" ", 1)[1])
    assert trim_vocab(tiny_encoder, sentences, size=least).shape.vocab == least


def test_ids_in_the_configuration_follow_their_tokens(tiny_encoder: Encoder) -> None:
    """Token 50 becomes token 40; an id of a token that is gone is no longer named."""
    other = copy.deepcopy(tiny_encoder.model)
    other.config.pad_token_id, other.config.eos_token_id, other.config.bos_token_id = 50, 2, 45
    config = keep_tokens(replace(tiny_encoder, model=other), [*range(40), 50]).model.config
    assert (config.pad_token_id, config.eos_token_id, config.bos_token_id) == (40, 2, None)
    assert (other.config.pad_token_id, other.config.bos_token_id) == (50, 45)


def test_a_token_that_was_added_as_a_word_goes_where_the_text_has_none(sentences: tuple[str, ...]) -> None:
    """Whole vocabularies are added to models so; special tokens stay whatever the text has."""
    tokenizer = unigram(sentences)
    tokenizer.add_tokens(["\u1c5a\u1c5e", "\uabc3\uabe4"])
    used = (*sentences, "Ang \uabc3\uabe4 bata")
    keep = choose(count_tokens(used, tokenizer), tokenizer, frozenset("Angbat"), size=60)
    trimmed = trim_tokenizer(tokenizer, keep)
    assert trimmed.token_to_id("\u1c5a\u1c5e") is None
    assert "\uabc3\uabe4" in trimmed.encode("Ang \uabc3\uabe4 bata").tokens
    assert all(trimmed.token_to_id(token) is not None for token in ("<s>", "<pad>", "</s>", "<unk>", "<mask>"))
