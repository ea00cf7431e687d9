"""Text that does not fit in memory gives, bit for bit, what the same text gives when it is held."""

from __future__ import annotations

import lzma
import random
from pathlib import Path

import numpy as np
import pytest
import torch

from edgeenc.compress.adapt import adapt
from edgeenc.compress.trim_vocab import trim_vocab
from edgeenc.errors import InputError
from edgeenc.model.encoder import Encoder
from edgeenc.record.steps import TextTally
from edgeenc.stages.training import TrainingOptions
from edgeenc.text import lines as lines_module
from edgeenc.text.batches import Batching, encode, masked_stream
from edgeenc.text.corpus import Corpus, load_corpus, read_corpus, save_corpus
from edgeenc.text.intake import is_garbage, stream_lines, take_in
from edgeenc.text.lines import Lines, chunks, some
from edgeenc.text.packed import MappedRows
from edgeenc.text.vocabulary import characters_of, count_tokens
from edgeenc.training_loop import Job

NAMES = ("train.txt", "valid.txt", "test.txt")


@pytest.fixture
def text(sentences: tuple[str, ...], tmp_path: Path) -> Path:
    """Return a text of 1,500 lines with repeated, empty and untidy ones."""
    words, chance = " ".join(sentences).split(), random.Random(3)
    lines = [" ".join(chance.choices(words, k=chance.randint(4, 12))) for _ in range(1400)]
    lines += (
        [f"  {line.upper()}\t" for line in lines[:50]] + [""] * 10 + ["e\u0301" * 9, "\u00e9" * 9, "12 - 34", "a\ufffd"]
    )
    chance.shuffle(lines)
    path = tmp_path / "text.txt"
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(lines).encode())
    return path


@pytest.fixture
def held(text: Path, tmp_path: Path) -> Corpus:
    save_corpus(read_corpus(text, 4), tmp_path / "corpus")
    return load_corpus(tmp_path / "corpus")


@pytest.fixture
def large(held: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Corpus:
    monkeypatch.setattr(lines_module, "LARGE", 1000)
    monkeypatch.setattr(lines_module, "_BLOCK", 97)
    found = load_corpus(tmp_path / "corpus")
    assert isinstance(found.train, Lines)
    assert isinstance(held.train, tuple)
    return found


def test_one_pass_gives_the_files_that_reading_all_at_once_gives(text: Path, tmp_path: Path) -> None:
    packed = tmp_path / "text.txt.xz"
    packed.write_bytes(lzma.compress(text.read_bytes()))
    save_corpus(read_corpus(text, 7), tmp_path / "one")
    for path in (text, packed):
        assert take_in(path, tmp_path / "two", 7).lines == 1454
        for name in NAMES:
            assert (tmp_path / "two" / name).read_bytes() == (tmp_path / "one" / name).read_bytes()


def test_what_was_found_is_counted_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    lines = [f"Linya bilang {i}, {'mahaba ' * 60}" for i in range(120)]
    path.write_text("\n".join([*lines, "", lines[3], lines[3].upper(), "12 34", "12 34", "a\ufffdb", "\u0001"]))
    size = sum(len(line.strip().encode()) + 1 for line in [*lines, "12 34", "a\ufffdb"])
    assert take_in(path, tmp_path / "out", 0) == TextTally(lines=125, repeated=3, garbage=3, bytes=size, documents=122)


@pytest.mark.parametrize(
    ("line", "expected"), [("Aso", False), ("犬", False), ("3 + 4 = 7", True), ("...", True), ("as\ufffdo", True)]
)
def test_garbage_is_a_line_without_a_letter_or_with_a_lost_character(line: str, expected: bool) -> None:
    assert is_garbage(line) is expected


@pytest.mark.parametrize("name", ["none.txt", "bad.txt", "bad.txt.xz", "cut.txt.xz", "short.txt", "few.txt", "folder"])
def test_what_cannot_be_taken_in_is_refused_in_the_same_words(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    content = {
        "bad.txt": b"one\ntwo \xff\n", "bad.txt.xz": b"no xz", "short.txt": b"short\n", "few.txt": b"wide " * 20_000,
        "cut.txt.xz": lzma.compress(b"text" * 1000)[:-8],
    }.get(name)  # fmt: skip
    if name == "folder":
        path.mkdir()
    elif content:
        path.write_bytes(content)
    messages = []
    for read in (lambda: read_corpus(path, 0), lambda: take_in(path, tmp_path / "out", 0)):
        with pytest.raises(InputError) as error:
            read()
        messages.append(str(error.value))
    if "xz" in name:
        messages = [message.partition("(")[0] for message in messages]
    assert messages[0] == messages[1]


def test_lines_on_disk_are_the_lines(held: Corpus, large: Corpus) -> None:
    assert list(large.train) == list(held.train)
    assert len(large.train) == len(held.train)
    assert [large.train[place] for place in (0, 5, -1)] == [held.train[place] for place in (0, 5, -1)]
    assert large.train[3:9:2] == list(held.train[3:9:2])
    with pytest.raises(IndexError):
        large.train[len(held.train)]
    assert (large.valid, large.test, large.characters) == (held.valid, held.test, held.characters)
    assert [line for chunk in chunks(large.train, 7) for line in chunk] == list(held.train)


def test_a_sample_is_spread_over_a_large_text_alone(
    held: Corpus, large: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines_module, "SAMPLE", 100)
    assert some(held.train) is held.train
    step = len(held.train) // 100
    assert some(large.train) == list(held.train[::step])


def test_counts_of_many_lines_are_those_of_all_at_once(tiny_encoder: Encoder, sentences: tuple[str, ...]) -> None:
    many = sentences * 2100  # three chunks
    ids = [number for line in encode(many, tiny_encoder.tokenizer) for number in line]
    expected = np.bincount(ids, minlength=tiny_encoder.shape.vocab)
    assert np.array_equal(count_tokens(many, tiny_encoder.tokenizer), expected)


def test_batches_from_disk_are_those_from_memory(
    tiny_encoder: Encoder, held: Corpus, large: Corpus, tmp_path: Path
) -> None:
    read = Batching(256, lengths=(16, 32, 16))
    memory = masked_stream([held.train], tiny_encoder.tokenizer, read, seed=5)
    disk = masked_stream([large.train], tiny_encoder.tokenizer, read, seed=5, folder=tmp_path / "rows")
    files = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "rows").iterdir()}
    assert sorted(files) == ["rows-0-16.bin", "rows-0-32.bin"]
    again = masked_stream([large.train], tiny_encoder.tokenizer, read, seed=5, folder=tmp_path / "rows")
    assert {path.name: path.stat().st_mtime_ns for path in (tmp_path / "rows").iterdir()} == files
    for length in (16, 32):
        rows = disk.groups[length][0]
        assert isinstance(rows, MappedRows)
        assert len(rows) == len(memory.groups[length][0])
        assert np.array_equal(rows[np.arange(len(rows))], memory.groups[length][0])
    for step in range(7):
        for stream in (disk, again):
            one, other = stream(step), memory(step)
            assert torch.equal(one.ids_BT, other.ids_BT)
            assert torch.equal(one.chosen_P, other.chosen_P)


def test_too_little_text_is_refused_from_disk_too(tiny_encoder: Encoder, large: Corpus, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="too few tokens to fill one row of 900000"):
        masked_stream(
            [large.train], tiny_encoder.tokenizer, Batching(900_000, lengths=(900_000,)), seed=0, folder=tmp_path
        )


def test_a_model_learns_the_same_from_disk(tiny_encoder: Encoder, held: Corpus, large: Corpus, tmp_path: Path) -> None:
    options = TrainingOptions(tokens=1024, batch_tokens=256, sequence_lengths=(16, 32), evaluations=2)
    one, _ = adapt(tiny_encoder, held, options, Job(seed=1))
    other, _ = adapt(tiny_encoder, large, options, Job(seed=1, scratch=tmp_path / "scratch"))
    for name, tensor in one.model.state_dict().items():
        assert torch.equal(tensor, other.model.state_dict()[name])
    size = tiny_encoder.shape.vocab - 4
    trimmed = [trim_vocab(tiny_encoder, corpus.train, size=size).tokenizer.get_vocab() for corpus in (held, large)]
    assert trimmed[0] == trimmed[1]
    assert characters_of(held.train, tiny_encoder.tokenizer) == characters_of(large.train, tiny_encoder.tokenizer)


def test_a_stream_of_lines_is_normalised(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_bytes("\ufeff e\u0301  x\r\n\n\u0001\nb".encode())
    assert list(stream_lines(path)) == ["\u00e9 x", "b"]
