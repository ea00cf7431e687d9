"""Tokenizers whose ids are odd, from a folder to a trimmed one: CamemBERT's list, ids listed backwards, holes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from families import random_encoder, tiny, unigram
from tokenizers import Tokenizer, models, processors

from edgeenc.compress.trim_vocab import trim_vocab
from edgeenc.model.encoder import Encoder, load_encoder, save_encoder
from edgeenc.text.parse import parse_tokenizer
from edgeenc.text.vocabulary import quality

UNKNOWN = "ang \u16a0 bata"
"""No tokenizer of these has the rune."""


def camembert(text: tuple[str, ...]) -> Tokenizer:
    """Return a Unigram tokenizer as CamemBERT has it: its first names are not used, and `<unk>` stands twice."""
    made = unigram(text)
    rows = json.loads(made.to_str())["model"]["vocab"]
    first = ["<s>NOTUSED", "<pad>", "</s>NOTUSED", "<unk>", "<unk>", "<s>", "</s>"]
    tokenizer = Tokenizer(models.Unigram([*((name, 0.0) for name in first), *map(tuple, rows[4:])], unk_id=3))
    tokenizer.normalizer, tokenizer.pre_tokenizer, tokenizer.decoder = made.normalizer, made.pre_tokenizer, made.decoder
    tokenizer.add_special_tokens(["<s>NOTUSED", "</s>NOTUSED", "<s>", "<pad>", "</s>", "<unk>", "<mask>"])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 5), ("</s>", 6)]
    )
    return tokenizer


def states(encoder: Encoder, ids: list[int]) -> torch.Tensor:
    with torch.no_grad():
        return encoder.hidden(torch.tensor([ids]))


def test_the_list_of_camembert_is_trimmed_and_unknown_text_keeps_its_row(
    sentences: tuple[str, ...], tmp_path: Path
) -> None:
    tokenizer = camembert(sentences)
    shape = replace(tiny("xlm-roberta", sentences).shape, vocab=max(tokenizer.get_vocab().values()) + 1)
    whole = random_encoder(shape, tokenizer)
    save_encoder(whole, tmp_path / "whole")
    before = load_encoder(tmp_path / "whole")
    save_encoder(trim_vocab(before, sentences[:12], size=before.shape.vocab - 12), tmp_path / "trimmed")
    after = load_encoder(tmp_path / "trimmed")
    assert after.shape.vocab == before.shape.vocab - 12 == after.tokenizer.get_vocab_size() + 1  # `<unk>` twice
    assert [after.tokenizer.token_to_id(name) for name in ("<pad>", "<s>", "</s>", "<unk>")] == [1, 5, 6, 4]
    assert quality([UNKNOWN], after.tokenizer).unknown_rate > 0
    assert quality([UNKNOWN], after.tokenizer).unknown_rate == quality([UNKNOWN], tokenizer).unknown_rate
    for line in (*sentences[:12], UNKNOWN):
        old, new = tokenizer.encode(line), after.tokenizer.encode(line)
        assert new.tokens == old.tokens
        assert torch.equal(states(after, new.ids), states(whole, old.ids))
    assert 3 in after.tokenizer.encode(UNKNOWN).ids


@pytest.mark.parametrize("hole", [False, True])
@pytest.mark.parametrize("name", ["bert", "roberta", "modernbert"])
def test_ids_that_the_file_lists_backwards_are_trimmed_as_the_others(
    name: str, hole: bool, sentences: tuple[str, ...], tmp_path: Path
) -> None:
    whole = tiny(name, sentences)
    save_encoder(whole, tmp_path / "whole")
    path = tmp_path / "whole" / "tokenizer.json"
    spec = json.loads(path.read_bytes())
    vocab = dict(reversed(spec["model"]["vocab"].items()))
    if hole:
        parts = {token for pair in spec["model"].get("merges", ()) for token in (*pair, "".join(pair))}
        special = {row["content"] for row in spec["added_tokens"]}
        free = [token for token in vocab if token not in parts | special and len(token.removeprefix("##")) > 1]
        used = {token for line in sentences for token in whole.tokenizer.encode(line).tokens}
        gone = next((token for token in free if token not in used), None)
        vocab = {token: number for token, number in vocab.items() if token != gone}
    path.write_text(json.dumps(spec | {"model": spec["model"] | {"vocab": vocab}}), encoding="utf-8")
    old = parse_tokenizer(path.read_text(encoding="utf-8"))
    before = load_encoder(tmp_path / "whole")
    save_encoder(trim_vocab(before, sentences[:12], size=before.shape.vocab - 4), tmp_path / "trimmed")
    after = load_encoder(tmp_path / "trimmed")
    assert sorted(after.tokenizer.get_vocab().values()) == list(range(after.shape.vocab))
    for line in sentences[:12]:
        was, now = old.encode(line), after.tokenizer.encode(line)
        assert now.tokens == was.tokens
        assert torch.equal(states(after, now.ids), states(whole, was.ids))
