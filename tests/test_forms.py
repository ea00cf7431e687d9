"""What the teacher reads, the student reads: text in more forms than its corpus has, for every type of tokenizer."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Callable

import pytest
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from edgeenc.bundle.gates.known_text import known_text_gate
from edgeenc.text.must_stay import must_stay
from edgeenc.text.spelling import spelt
from edgeenc.text.trimmed import trim_tokenizer
from edgeenc.text.vocabulary import characters_of, choose, count_tokens

CORPUS = (
    "Tiếng Việt có nhiều dấu thanh và nguyên âm ghép.",
    "Ọjọ́ dára, ẹ káàárọ̀ o; ọmọ náà ń ṣeré.",
    "한국어 문장은 자모로 나뉜다. 값 닭",
    "Ångström, Café, Žluťoučký kůň, İstanbul, Straße",
    "नमस्ते दुनिया क्‍ष Ελληνικά Άλφα ΐ",
    "می‌خواهم بروم; Привет, ёлка й",
    "👩‍👩‍👧 😀 ❤️ ½ ﬁ ①",
)
OTHERS = ("漢字かな交じり", "ภาษาไทย", "ሰላም", "𐍈𐌰 ᚠᚢ", "ꙮ🜁")
"""Scripts that the teacher has and the corpus never had."""
SPECIALS = ["<pad>", "<unk>", "<s>", "</s>", "<mask>"]


def forms(text: str) -> dict[str, str]:
    """Return a text in every form that it is tried in, by name."""
    made = {name: unicodedata.normalize(name, text) for name in ("NFC", "NFD", "NFKC", "NFKD")}
    made |= {"upper": text.upper(), "lower": text.lower(), "no spaces": text.replace(" ", "")}
    return made | {"NFD upper": unicodedata.normalize("NFD", text.upper()), "fold": text.casefold()}


EVERY = sorted({c for line in (*CORPUS, *OTHERS) for form in forms(line).values() for c in form if not c.isspace()})
EVERY_LETTER = sorted({*EVERY, *map(chr, range(33, 127))})


def word_piece() -> Tokenizer:
    """Return a cased WordPiece tokenizer that composes nothing, as multilingual BERT has it."""
    words = [word for line in CORPUS for word in line.split()]
    tokens = [*SPECIALS, *EVERY_LETTER, *(f"##{c}" for c in EVERY_LETTER), *words]
    tokenizer = Tokenizer(models.WordPiece({t: i for i, t in enumerate(dict.fromkeys(tokens))}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False, strip_accents=False)
    return tokenizer


def unigram() -> Tokenizer:
    words = [f"▁{word}" for line in CORPUS for word in line.split()]
    rows = [(token, -10.0) for token in dict.fromkeys([*EVERY_LETTER, "▁", *words])]
    tokenizer = Tokenizer(models.Unigram([*((s, 0.0) for s in SPECIALS), *rows], unk_id=1))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    return tokenizer


def characters(*, fallback: bool = False) -> Tokenizer:
    """Return BPE on characters with `▁` for a space, as Gemma has it; unknown characters become one or 256 tokens."""
    trainer = trainers.BpeTrainer(
        vocab_size=len(EVERY_LETTER) + 120, special_tokens=SPECIALS, initial_alphabet=EVERY_LETTER, show_progress=False
    )
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.train_from_iterator(CORPUS, trainer)
    if not fallback:
        return tokenizer
    whole = tokenizer.get_vocab()
    vocab = {**whole, **{f"<0x{byte:02X}>": len(whole) + byte for byte in range(256)}}
    tokenizer.model = models.BPE(vocab, [], unk_token="<unk>", byte_fallback=True, fuse_unk=True, ignore_merges=True)
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    return tokenizer


def gemma() -> Tokenizer:
    return characters(fallback=True)


TEACHERS = (word_piece, unigram, characters, gemma)


def student_of(teacher: Tokenizer) -> Tokenizer:
    """Return a teacher's tokenizer with no more tokens than must stay."""
    teacher.add_special_tokens(SPECIALS)
    seen, counts = characters_of(CORPUS, teacher), count_tokens(CORPUS, teacher)
    least = int(must_stay(teacher, seen, counts).sum())
    return trim_tokenizer(teacher, choose(counts, teacher, seen, size=least + 1))


def unknown(text: str, tokenizer: Tokenizer) -> set[int]:
    """Return the places of `text` that the tokenizer does not know."""
    read = tokenizer.encode(text)
    pairs = zip(read.tokens, read.offsets, strict=True)
    return {place for token, (start, end) in pairs if token == "<unk>" for place in range(start, end)}


@pytest.mark.parametrize("make", TEACHERS)
def test_text_in_every_form_is_known_where_the_teacher_knows_it(make: Callable[[], Tokenizer]) -> None:
    """Lines, words and words shuffled together, of the corpus's own characters: 9 forms each."""
    teacher = make()
    student, chance = student_of(teacher), random.Random(3)
    words = [word for line in CORPUS for word in line.split()]
    texts = [*CORPUS, *words, *("".join(chance.sample(words, 3)) for _ in range(60))]
    assert student.get_vocab_size() < teacher.get_vocab_size()
    for text in texts:
        for name, form in forms(text).items():
            assert unknown(form, student) <= unknown(form, teacher), (name, form)


def test_bytes_stay_whole() -> None:
    """What the corpus never had is spelt in bytes, as the teacher would: nothing at all becomes unknown."""
    student = student_of(gemma())
    assert sum(token.startswith("<0x") for token in student.get_vocab()) == 256
    for text in (*OTHERS, "\U0001f9ff\u0fd8"):
        assert not unknown(text, student)
        assert student.decode(student.encode(text).ids) == text


def test_only_forms_of_the_corpus_stay() -> None:
    """é brings E, its accent and È not; a Hangul syllable brings its letters, and no other syllable."""
    tokens = ["é", "É", "e", "E", "\u0301", "\u0300", "è", "é", "ａ", "한", "하", "\u1112", "\u1161", "\u11ab", "ж"]
    assert spelt({"é", "한"}, tokens) == {"é", "É", "e", "E", "\u0301", "한", "\u1112", "\u1161", "\u11ab"}


def test_a_token_whose_characters_have_none_of_their_own_stays() -> None:
    """##b is not there, so only ab and aab spell a b that goes on with a word."""
    tokens = {t: i for i, t in enumerate([*SPECIALS, "a", "##a", "b", "ab", "aab", "##aж", "ж", "cd"])}
    tokenizer = Tokenizer(models.WordPiece(tokens, unk_token="<unk>"))
    tokenizer.add_special_tokens(SPECIALS)
    kept = must_stay(tokenizer, {"a", "b"}, count_tokens(["a b"], tokenizer))
    assert {tokenizer.id_to_token(int(i)) for i in kept.nonzero()[0]} == {*SPECIALS, "a", "##a", "b", "ab", "aab", "cd"}


@pytest.mark.parametrize("make", TEACHERS)
def test_the_gate_passes_and_sees_a_lost_accent(make: Callable[[], Tokenizer]) -> None:
    """A student that has é and not its accent does not read the decomposed text; bytes read it all the same."""
    teacher = make()
    student = student_of(teacher)
    assert known_text_gate(teacher, student, CORPUS).passed
    accents = {student.token_to_id(token) for token in ("\u0301", "##\u0301", "\u030c", "##\u030c")}
    deaf = trim_tokenizer(student, [i for i in range(student.get_vocab_size()) if i not in accents])
    gate = known_text_gate(teacher, deaf, CORPUS)
    assert gate.passed == (make is gemma)
    assert (gate.figure < 1) == (make is not gemma)
