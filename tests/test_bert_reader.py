"""A list of tokens is written only where its readers give the ids of `tokenizer.json`, in every form of a text."""

from __future__ import annotations

from pathlib import Path

import pytest
from families import word_piece
from tokenizers import Tokenizer, normalizers, pre_tokenizers
from transformers import AutoTokenizer, BertTokenizer

from edgeenc.bundle.gates.tokenizer import tokenizer_gate
from edgeenc.model.encoder import save_tokenizer
from edgeenc.model.shape import Shape
from edgeenc.text.bert_reader import BertReading, bert_reading
from edgeenc.text.spelling import forms

LINES = ("Ang Áso ay KUMÁIN ng 漢字!", "s\u0301a i\u0307 İstanbul ñ ng̃", "aso aso")
SHAPE = Shape(2, 8, 2, 4, 16, 120, 64, 2, "bert", 1)


def bert(*, lower: bool, strips: bool | None, chinese: bool = True) -> normalizers.Normalizer:
    return normalizers.BertNormalizer(
        clean_text=True, handle_chinese_chars=chinese, strip_accents=strips, lowercase=lower
    )


def tokenizer_with(normaliser: normalizers.Normalizer, sentences: tuple[str, ...]) -> Tokenizer:
    tokenizer = word_piece((*sentences, *(form for line in LINES for form in forms(line))))
    tokenizer.normalizer = normaliser
    return tokenizer


def together(*steps: normalizers.Normalizer) -> normalizers.Normalizer:
    return normalizers.Sequence(list(steps))


READ = [
    (together(normalizers.NFC(), bert(lower=False, strips=False)), BertReading(False, False, True)),
    (bert(lower=True, strips=None), BertReading(True, True, True)),
    (together(normalizers.NFC(), bert(lower=True, strips=False)), BertReading(True, False, True)),
    (
        together(together(normalizers.NFC()), bert(lower=False, strips=True, chinese=False)),
        BertReading(False, True, False),
    ),
]
NOT_READ = [
    bert(lower=False, strips=False),
    bert(lower=True, strips=False),
    together(normalizers.NFC(), normalizers.Lowercase()),
    together(normalizers.Replace("a", "o"), bert(lower=True, strips=None)),
    together(normalizers.NFKC(), bert(lower=True, strips=None)),
]


@pytest.mark.parametrize(("normaliser", "reading"), READ)
def test_who_reads_the_list_gets_the_same_ids(
    normaliser: normalizers.Normalizer, reading: BertReading, sentences: tuple[str, ...], tmp_path: Path
) -> None:
    tokenizer = tokenizer_with(normaliser, sentences)
    assert bert_reading(tokenizer) == reading
    save_tokenizer(tokenizer, tmp_path, SHAPE)
    by_list, fast = BertTokenizer.from_pretrained(tmp_path), AutoTokenizer.from_pretrained(tmp_path)
    for text in (form for line in (*LINES, *sentences) for form in forms(line)):
        right = tokenizer.encode(text).ids
        assert by_list(text)["input_ids"] == right == fast(text)["input_ids"], text
    assert tokenizer_gate(tokenizer, tmp_path, LINES).passed


@pytest.mark.parametrize("normaliser", NOT_READ)
def test_a_list_that_would_be_read_in_another_way_is_not_written(
    normaliser: normalizers.Normalizer, sentences: tuple[str, ...], tmp_path: Path
) -> None:
    tokenizer = tokenizer_with(normaliser, sentences)
    assert bert_reading(tokenizer) is None
    save_tokenizer(tokenizer, tmp_path, SHAPE)
    assert not (tmp_path / "vocab.txt").exists()
    assert "do_lower_case" not in (tmp_path / "tokenizer_config.json").read_text("utf-8")
    assert tokenizer_gate(tokenizer, tmp_path, LINES).passed


def test_another_split_or_an_added_token_is_not_read(sentences: tuple[str, ...]) -> None:
    tokenizer = tokenizer_with(bert(lower=True, strips=None), sentences)
    tokenizer.add_tokens(["aso ay"])
    assert bert_reading(tokenizer) is None
    other = tokenizer_with(bert(lower=True, strips=None), sentences)
    other.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    assert bert_reading(other) is None


def test_the_gate_sees_a_list_beside_other_settings(sentences: tuple[str, ...], tmp_path: Path) -> None:
    tokenizer = tokenizer_with(together(normalizers.NFC(), bert(lower=False, strips=False)), sentences)
    save_tokenizer(tokenizer, tmp_path, SHAPE)
    settings = tmp_path / "tokenizer_config.json"
    settings.write_text(settings.read_text("utf-8").replace('"do_lower_case": false', '"do_lower_case": true'), "utf-8")
    assert not tokenizer_gate(tokenizer, tmp_path, LINES).passed
