"""Items as ids: equal to the tokenizer word by word, whatever words give no token, and cut at the end only."""

from __future__ import annotations

import unicodedata

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers

from edgeenc.model.encoder import Encoder
from edgeenc.sources import data_folder
from edgeenc.tasks.encode import Encoded, by_length, encode, padded
from edgeenc.tasks.item import NOWHERE, Item
from edgeenc.tasks.kinds.classify import CLASSIFY
from edgeenc.tasks.kinds.tag import TAG
from edgeenc.tasks.read import read_task
from edgeenc.tasks.spec import TaskSpec
from edgeenc.tasks.tags.running_text import running_text
from edgeenc.text.types.word_piece import TYPE as WORD_PIECE

SILENT = ("\u200b", "\u00ad", "", "\ufe0f")
"""Words that a BERT tokenizer drops or may drop."""


def sentence(*words: str) -> Item:
    return Item(words, ("O",) * len(words))


def unigram(text: tuple[str, ...]) -> Tokenizer:
    """Return a tokenizer of the XLM-R kind: Unigram, a mark before each word, `<s>` and `</s>`."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    specials = ["<s>", "<pad>", "</s>", "<unk>"]
    tokenizer.train_from_iterator(
        text, trainers.UnigramTrainer(vocab_size=90, special_tokens=specials, unk_token="<unk>", show_progress=False)
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return tokenizer


def byte_level(text: tuple[str, ...]) -> Tokenizer:
    """Return a tokenizer of the RoBERTa kind: byte-level BPE, which keeps the space before a word in its token."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=["<s>", "<pad>", "</s>"], initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(text, trainer)
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    return tokenizer


def by_hand(item: Item, tokenizer: Tokenizer, longest: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return ids and places of words set apart by spaces: each word begins where the text before it ends.

    A mark of a word's beginning that is a token of its own stands for the space, and is not the word's.
    """
    whole = tokenizer.encode(" ".join(item.words)).ids
    ids = whole if len(whole) <= longest else [*whole[: longest - 1], whole[-1]]
    places = list[int]()
    for number, word in enumerate(item.words):
        before = len(tokenizer.encode(" ".join(item.words[:number]), add_special_tokens=False).ids)
        through = len(tokenizer.encode(" ".join(item.words[: number + 1]), add_special_tokens=False).ids)
        alone = number and through > before + 1 and tokenizer.id_to_token(whole[1 + before]) == "\u2581"
        place = before + bool(alone)
        places.append(1 + place if through > before and word and place < longest - 2 else NOWHERE)
    return tuple(ids), tuple(places)


def kit_word_piece() -> Tokenizer:
    """Return a WordPiece tokenizer of 30,000 tokens made of the kit's pieces."""
    kit = Tokenizer.from_file(str(data_folder("starter") / "model" / "tokenizer.json"))
    assert WORD_PIECE.made_up is not None
    return Tokenizer.from_str(WORD_PIECE.made_up([kit.id_to_token(number) for number in range(4, 25_000)], 30_000))


@pytest.fixture(scope="module", params=["word-token", "unigram", "kit-word-piece"])
def tokenizer(request: pytest.FixtureRequest, tiny_encoder: Encoder, sentences: tuple[str, ...]) -> Tokenizer:
    """Return a tokenizer of each kind."""
    if request.param == "unigram":
        return unigram(sentences)
    return tiny_encoder.tokenizer if request.param == "word-token" else kit_word_piece()


@pytest.mark.parametrize("longest", [3, 4, 7, 64])
def test_words_are_what_the_tokenizer_makes_of_the_text_that_they_are(
    tokenizer: Tokenizer, sentences: tuple[str, ...], longest: int
) -> None:
    items = [sentence(*line.split()) for line in sentences]
    items += [sentence("Ang", silent, "payong", silent, silent, "dito") for silent in SILENT]
    items += [sentence(*SILENT), sentence("\u200b", "Ang"), sentence("Ang", "\u200b")]
    encoded = encode(items, TAG, tokenizer, longest)
    expected = [by_hand(item, tokenizer, longest) for item in items]
    assert encoded.ids == tuple(ids for ids, _ in expected)
    assert encoded.places == tuple(places for _, places in expected)
    assert max(map(len, encoded.ids)) <= longest


def test_a_word_without_token_moves_no_other(tiny_encoder: Encoder) -> None:
    plain = encode([sentence("Ang", "payong", "dito")], TAG, tiny_encoder.tokenizer, 64)
    silent = encode([sentence("Ang", "\u200b", "payong", "", "dito")], TAG, tiny_encoder.tokenizer, 64)
    assert silent.ids == plain.ids
    first, second, third = plain.places[0]
    assert silent.places == ((first, NOWHERE, second, NOWHERE, third),)


@pytest.mark.parametrize("longest", [3, 8, 64])
def test_texts_are_what_the_tokenizer_makes_of_them_and_end_with_the_closing_token(
    tokenizer: Tokenizer, sentences: tuple[str, ...], longest: int
) -> None:
    encoded = encode([Item((line,), ("x",)) for line in sentences], CLASSIFY, tokenizer, longest)
    whole = [tokenizer.encode(line).ids for line in sentences]
    cut = [ids if len(ids) <= longest else [*ids[: longest - 1], ids[-1]] for ids in whole]
    assert encoded.ids == tuple(map(tuple, cut))
    assert encoded.places == ((0,),) * len(sentences)


def test_what_the_tokenizer_says_of_length_does_not_count_and_stays(tiny_encoder: Encoder) -> None:
    tokenizer = Tokenizer.from_str(tiny_encoder.tokenizer.to_str())
    tokenizer.enable_truncation(4)
    tokenizer.enable_padding(length=20)
    before = tokenizer.to_str()
    item = Item(("Ang aso ay natutulog",), ("x",))
    assert encode([item], CLASSIFY, tokenizer, 64) == encode([item], CLASSIFY, tiny_encoder.tokenizer, 64)
    assert tokenizer.to_str() == before


def test_every_word_of_the_kit_has_its_place() -> None:
    tokenizer = Tokenizer.from_file(str(data_folder("starter") / "model" / "tokenizer.json"))
    data, _ = read_task(TaskSpec(name="pos", data="starter:pos-mt"), 0)
    encoded = encode(data.test, TAG, tokenizer, 512)
    words = begun = 0
    for item, ids, places in zip(data.test, encoded.ids, encoded.places, strict=True):
        assert len(places) == len(item.words)
        assert NOWHERE not in places and list(places) == sorted(places)
        for word, place in zip(item.words, places, strict=True):
            token = tokenizer.id_to_token(ids[place]).removeprefix("\u2581")
            words += 1
            begun += unicodedata.normalize("NFKC", word).startswith(token) or token.startswith(word)
    assert begun > 0.99 * words, "but for few that share a token with the word before, as -30 is one"


def test_batches_by_hand() -> None:
    encoded = Encoded(((2, 5, 3), (2, 3), (2, 5, 6, 3)), ((1,), (), (1, 2)), pad=0)
    assert list(by_length(encoded, 2)) == [[1, 0], [2]]
    ids_BT, attend_BT = padded(encoded, [1, 0])
    assert ids_BT.tolist() == [[2, 3, 0], [2, 5, 3]] and attend_BT.tolist() == [[1, 1, 0], [1, 1, 1]]


def test_batches_of_long_texts_are_smaller() -> None:
    lengths = (4, 512, 700, 1024, 1024, 8192)
    encoded = Encoded(tuple((5,) * length for length in lengths), ((),) * 6, pad=0)
    assert list(by_length(encoded, 4)) == [[0, 1], [2], [3], [4], [5]]
    assert list(by_length(encoded, 16)) == [[0, 1, 2, 3], [4], [5]]


def test_the_padding_token_is_that_of_the_tokenizer(tiny_encoder: Encoder, sentences: tuple[str, ...]) -> None:
    assert encode([], TAG, tiny_encoder.tokenizer, 8).pad == tiny_encoder.tokenizer.token_to_id("[PAD]")
    assert encode([], TAG, unigram(sentences), 8).pad == 1


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("Si Juan , ang guro .", "Si Juan, ang guro."),
        ("( tingnan ang 2 ) !", "(tingnan ang 2)!"),
        ("Sabi niya : \" Oo , ' sige ' . \"", "Sabi niya: \"Oo, 'sige'.\""),
        ("il- ktieb ta' Ganni u d' abord", "il-ktieb ta' Ganni u d'abord"),
        ("« Quoi ? » 5 %", "«Quoi?» 5%"),
        ("ไป โรงเรียน OK", "ไปโรงเรียน OK"),
        ("今天 很 好 。", "今天很好。"),
        ("", ""),
    ],
)
def test_words_become_running_text(words: str, text: str) -> None:
    found, starts = running_text(words.split())
    assert found == text
    assert [
        found[start : start + len(word)] for start, word in zip(starts, words.split(), strict=True)
    ] == words.split()


def test_spaces_that_the_source_knows_count() -> None:
    assert running_text(("dis", "-moi", ".", "."), (True, False, False, True)) == ("dis-moi. .", (0, 3, 7, 9))


@pytest.mark.parametrize("glued", [True, False])
def test_a_byte_level_tagger_reads_words_as_running_text_gives_them(sentences: tuple[str, ...], glued: bool) -> None:
    tokenizer = byte_level(sentences)
    item = Item(("Ang", "aso", "ay", "natutulog", "."), ("O",) * 5, () if glued else (True,) * 5)
    text = "Ang aso ay natutulog." if glued else "Ang aso ay natutulog ."
    encoded = encode([item], TAG, tokenizer, 64)
    assert encoded.ids[0] == tuple(tokenizer.encode(text).ids)
    first = [tokenizer.id_to_token(encoded.ids[0][place]) for place in encoded.places[0]]
    assert all(token.startswith("\u0120") for token in first[1:4])
    assert first[4] == "."
