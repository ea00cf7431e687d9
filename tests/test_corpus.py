"""Corpora: what counts as the same line, how text is cut, and which files are refused."""

from __future__ import annotations

import lzma
from pathlib import Path

import pytest

from edgeenc.errors import InputError
from edgeenc.sources import data_folder
from edgeenc.text.corpus import (
    Corpus,
    deduplicate,
    fingerprint,
    load_corpus,
    normalise,
    read_corpus,
    read_lines,
    save_corpus,
    split,
    split_heldout,
)


def test_lines_are_normalised() -> None:
    """Decomposed e + acute becomes one character, control characters go, spaces are joined."""
    assert normalise("cafe\u0301  \u0007 noir\t!\n") == "caf\u00e9 noir !"
    assert normalise("  \u00a0 ") == ""


def test_lines_that_differ_in_case_and_punctuation_are_the_same() -> None:
    assert fingerprint("Kumusta ka?") == fingerprint("KUMUSTA, KA!") == "kumustaka"
    assert fingerprint("!!!") == "!!!"
    assert deduplicate(["Isa.", "isa", "", "dalawa"]) == ["Isa.", "dalawa"]


def test_vowel_signs_tell_words_apart() -> None:
    """Devanagari: river and sound differ in signs only; so do he reads and she reads."""
    lines = ["\u0928\u0926\u0940", "\u0928\u093e\u0926"]
    assert deduplicate(lines) == lines


def test_the_cut_is_disjoint_seeded_and_whole() -> None:
    lines = [f"linya {number}" for number in range(1000)]
    one, same, other = split(lines, 1), split(lines, 1), split(lines, 2)
    assert one == same != other
    assert (len(one.train), len(one.valid), len(one.test)) == (950, 16, 34)
    assert sorted({*one.train, *one.valid, *one.test}) == sorted(lines)


def test_given_held_out_lines_are_cut_in_three() -> None:
    corpus = split_heldout(["a"], ["b", "c", "d"])
    assert corpus == Corpus(("a",), ("b",), ("c", "d"))


def test_a_corpus_comes_back_from_disk(tmp_path: Path) -> None:
    corpus = Corpus(("isa", "\u0127obz"), ("dalawa",), ("tatlo",))
    save_corpus(corpus, tmp_path)
    assert load_corpus(tmp_path) == corpus
    assert corpus.characters == len(set("isa\u0127obz"))


def test_few_endless_lines_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "long.txt"
    path.write_text("\n".join(f"{number} " + "salita " * 2000 for number in range(9)))
    with pytest.raises(InputError, match="9 distinct lines, expected at least 100; put each sentence"):
        read_corpus(path, 0)


def test_damaged_and_unreadable_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.txt.xz"
    path.write_bytes(lzma.compress(b"isa\n" * 99)[:-9] + b"x" * 9)
    with pytest.raises(InputError, match="damaged xz file"):
        read_lines(path)
    with pytest.raises(InputError, match="damaged xz file"):  # a folder is read file by file
        read_lines(tmp_path)
    (tmp_path / "b.txt").write_bytes(b"isa\ndalawa\n\xff\xfe\n")
    with pytest.raises(InputError, match="line 3 is not UTF-8"):
        read_lines(tmp_path / "b.txt")


@pytest.mark.parametrize("language", ["tl", "mt", "sk", "sw"])
def test_the_kit_holds_out_what_it_does_not_train_on(language: str) -> None:
    folder = data_folder("starter") / "text"
    train = read_lines(folder / f"{language}.train.txt.xz")
    held = read_lines(folder / f"{language}.heldout.txt.xz")
    assert len(held) == 1800
    assert not {fingerprint(line) for line in held} & {fingerprint(line) for line in train}
    assert len(deduplicate(train)) == len(train)
