"""Words: runs between spaces as ever; in scripts without spaces what ICU cuts them into, for masks and for bits."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from transformers import BertConfig, BertForMaskedLM

from edgeenc.language import resolve
from edgeenc.model.bits import chosen_words, score
from edgeenc.model.encoder import Encoder
from edgeenc.model.families import family_of
from edgeenc.text.batches import BEGINS, GOES_ON, Batching, SpecialIds, corrupt, encode, encode_words, masked_stream
from edgeenc.text.mixture import Text, corpus_fields
from edgeenc.text.words import is_cut, is_unspaced, word_spans

UNSPACED = {
    "ผมชื่อสมชายและอยู่กรุงเทพ": "ผม ชื่อ สมชาย และ อยู่ กรุงเทพ",
    "ສະບາຍດີຂ້ອຍຊື່ວ່າສົມຊາຍ": "ສະບາຍດີ ຂ້ອຍ ຊື່ວ່າ ສົມ ຊາຍ",
    "សួស្តីខ្ញុំឈ្មោះសុខា។": "សួស្តី ខ្ញុំ ឈ្មោះ សុខា។",
    "ကျွန်တော်ရန်ကုန်မှာနေပါတယ်။": "ကျွန်တော် ရန် ကုန် မှာ နေ ပါ တယ်။",
    "བོད་ཡིག་ནི་བོད་མིའི་ཡིན།": "བོད་ ཡིག་ ནི་ བོད་ མིའི་ ཡིན།",
    "我爱北京天安门，太阳升。": "我 爱 北京 天安门， 太阳 升。",
    "名前はまだ無い。「東京」へ": "名前 は まだ 無い。 「東京」 へ",
    "ผมใช้ iPhone15 ครับผม!": "ผม ใช้ iPhone15 ครับ ผม!",
}  # fmt: skip
THAI = tuple(line for line in UNSPACED if "ผม" in line) * 40


def cut(line: str) -> str:
    return " ".join(line[first:end] for first, end in word_spans(line))


@pytest.mark.parametrize("line", UNSPACED)
def test_scripts_without_spaces_are_cut_into_words_and_nothing_is_lost(line: str) -> None:
    assert cut(line) == UNSPACED[line]
    assert cut(line).replace(" ", "") == line.replace(" ", "")


@pytest.mark.parametrize(
    "line",
    [
        "Kumusta ka, Nena? (Mabuti naman.)", "don't well-known 3,5 % a/b", "Đây là tiếng Việt.", "हिन्दी में लिखा गया है।",
        "한국어를 공부합니다.", "העברית נכתבת מימין",
        "Tinatawag itong (武汉肺炎/武肺) ng ilang mga tao sa ibang bansa.",
        "an\u00a0nbsp  two", "", "  ",
    ],
)  # fmt: skip
def test_text_with_spaces_keeps_the_words_it_had(line: str) -> None:
    """Also a foreign name in it, which is a word by itself."""
    assert cut(line).split() == line.split()
    assert len(word_spans(line)) == len(line.split())
    assert not is_cut(word_spans(line))


def test_text_with_spaces_loads_no_dictionaries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "icu4py.breakers", None)
    assert len(word_spans("Ang ganda ng umaga, mañana (武汉) naman po tayo uli magkita")) == 11


def test_which_languages_are_written_without_spaces() -> None:
    assert all(is_unspaced(resolve(tag)) for tag in ("th", "lo", "km", "my", "bo", "dz", "zh", "yue", "ja", "zh-Hant"))
    assert not any(is_unspaced(resolve(tag)) for tag in ("tl", "mt", "sk", "sw", "vi", "ko", "hi", "ar", "am"))


def letters(lines: Sequence[str], *longer: str) -> Tokenizer:
    """Return a tokenizer like that of XLM-R whose tokens are single letters, and some longer ones."""
    found = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "▁", *sorted(set("".join(lines)) - {" "}), *longer]
    tokenizer = Tokenizer(models.Unigram([(token, -1.0) for token in found], unk_id=1))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    return tokenizer


def words_of(ids: Sequence[int], tokenizer: Tokenizer) -> list[str]:
    """Return what is masked as one: each word of a line by its tokens, as `corrupt` joins them."""
    special = SpecialIds.of(tokenizer)
    found = list[str]()
    for flagged in ids:
        number = flagged & (GOES_ON - 1)
        goes_on = (number in special.continued and not flagged & BEGINS) or flagged & GOES_ON
        text = tokenizer.id_to_token(number).replace("▁", "").removeprefix("##")
        found = [*found[:-1], found[-1] + text] if goes_on and found else [*found, text]
    return found


def test_masked_words_are_those_of_the_script() -> None:
    for line, words in UNSPACED.items():
        tokenizer = letters(list(UNSPACED))
        (ids,) = encode_words([line], tokenizer, SpecialIds.of(tokenizer))
        assert " ".join(words_of(ids, tokenizer)) == words
        assert [number & (GOES_ON - 1) for number in ids] == encode([line], tokenizer)[0]


def test_characters_that_a_tokenizer_sets_apart_are_joined_to_words() -> None:
    """BERT puts spaces around each Chinese character, so that every token of it looks like a word's beginning."""
    line = "我爱北京天安门，太阳升。"
    found = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *sorted(set(line))]
    tokenizer = Tokenizer(models.WordPiece({token: at for at, token in enumerate(found)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    (ids,) = encode_words([line], tokenizer, SpecialIds.of(tokenizer))
    assert " ".join(words_of(ids, tokenizer)) == UNSPACED[line]


def test_ids_of_text_with_spaces_have_no_flags(tiny_encoder: Encoder, sentences: tuple[str, ...]) -> None:
    tokenizer = tiny_encoder.tokenizer
    assert encode_words(sentences, tokenizer, SpecialIds.of(tokenizer)) == encode(sentences, tokenizer)


def test_a_masked_batch_hides_words_of_a_thai_clause_not_all_of_it() -> None:
    """A clause of six words used to be masked whole, or not at all."""
    tokenizer = letters(THAI)
    stream = masked_stream([THAI], tokenizer, Batching(1024, 0.15, (64,)), seed=0)
    batch, special = stream(0), SpecialIds.of(tokenizer)
    assert int(batch.ids_BT.max()) < special.size
    assert int(batch.labels_P.max()) < special.size
    (rows,) = stream.groups[64]
    plain = np.array(rows[:16]) & (GOES_ON - 1)
    whole = corrupt(plain.astype(np.int32), special, 0.15, "words", np.random.default_rng(0))
    runs = [max(map(len, "".join(map(str, hit)).split("0"))) for hit in masks(batch, whole)]
    assert runs[0] < 15 < runs[1]


def masks(*batches: object) -> list[np.ndarray]:
    """Return for each batch which positions are to be predicted, as numbers 0 and 1."""
    return [np.isin(np.arange(b.ids_BT.numel()), b.chosen_P.numpy()).astype(int) for b in batches]


def encoder_of(tokenizer: Tokenizer) -> Encoder:
    """Return a model in float64 that gives every token the same logit."""
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(), hidden_size=8, num_hidden_layers=1, num_attention_heads=1,
        intermediate_size=8, max_position_embeddings=128,
    )  # fmt: skip
    model = BertForMaskedLM(config).eval()
    with torch.no_grad():
        model.cls.predictions.transform.LayerNorm.weight.zero_()
        model.cls.predictions.transform.LayerNorm.bias.zero_()
        model.cls.predictions.bias.zero_()
    return replace(Encoder(model, tokenizer, family_of("bert")), model=model.double())


def test_the_words_are_the_same_for_every_vocabulary_and_a_token_across_them_is_paid_in_part() -> None:
    """Of a uniform model every character of a token costs log2 V over the token's length, whatever the words."""
    counts, across = [], ("ผมชื่อ", "สมชายและอ", "รับผม")
    for tokenizer in (letters(THAI), letters(THAI, *across)):
        got = score(encoder_of(tokenizer), THAI, characters=40, seed=2)
        counts.append((got.words, got.characters, got.unknown))
        expected = 0.0
        for line, picked in zip(THAI, chosen_words(THAI, 2), strict=True):
            inside = {at for word in picked for at in range(*word_spans(line)[word])}
            for first, end in tokenizer.encode(line, add_special_tokens=False).offsets:
                text = {at for at in range(first, end) if line[at] != " "} or {end}
                expected += len(inside & text) / len(text) * math.log2(tokenizer.get_vocab_size())
        assert got.bits == pytest.approx(expected, rel=1e-9)
    assert counts[0] == counts[1]
    assert counts[0][2] == 0


def test_the_key_of_a_text_without_spaces_says_how_its_words_are_found(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("".join(f"isa pang mahabang linya, bilang {n}\n" for n in range(2000)))
    fields = {tag: corpus_fields([Text(resolve(tag), tmp_path / "a.txt")]) for tag in ("th", "tl")}
    assert fields["th"] == fields["tl"] | {"words": "segmented"}
