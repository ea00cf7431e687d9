"""The split of a text: no document on both sides, exact numbers, and parts of a text that lie in one another."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path

import numpy as np
import pytest

from edgeenc.text import documents
from edgeenc.text.corpus import Corpus, load_corpus, read_corpus, save_corpus, split, split_heldout
from edgeenc.text.documents import LEFT, TEST, TRAIN, VALID, documents_of, mark_of, sides, thinned
from edgeenc.text.intake import take_in

NAMES = ("train", "valid", "test")


def write_documents(path: Path, sizes: list[int]) -> dict[str, int]:
    """Write documents of so many lines, a blank line after each, and return the document of each line."""
    texts = [[f"dokumento {d} linya {i} {'mahaba ' * 8}".strip() for i in range(n)] for d, n in enumerate(sizes)]
    path.write_text("\n" + "\n\n".join("\n".join(lines) for lines in texts) + "\n\n\n", encoding="utf-8")
    return {line: d for d, lines in enumerate(texts) for line in lines}


def by_side(corpus: Corpus, document: dict[str, int]) -> list[set[int]]:
    return [{document[line] for line in getattr(corpus, name)} for name in NAMES]


def test_no_document_is_on_both_sides(tmp_path: Path) -> None:
    """200 documents of 1 to 9 lines; a twentieth of the lines is held out, a third of it to choose by."""
    chance = random.Random(1)
    sizes = [chance.randint(1, 9) for _ in range(200)]
    document = write_documents(tmp_path / "a.txt", sizes)
    for seed in range(5):
        tally = take_in(tmp_path / "a.txt", tmp_path / f"out{seed}", seed)
        corpus = load_corpus(tmp_path / f"out{seed}")
        train, valid, test = by_side(corpus, document)
        assert not train & valid and not train & test and not valid & test
        held = max(30, round(0.05 * sum(sizes)))
        assert (len(corpus.valid), len(corpus.test)) == (held // 3, held - held // 3)
        assert tally.documents == 200
        left = set(document) - {*corpus.train, *corpus.valid, *corpus.test}
        assert {document[line] for line in left} <= valid | test
        assert len({document[line] for line in left}) <= 2


def test_one_pass_and_reading_all_at_once_split_alike(tmp_path: Path) -> None:
    write_documents(tmp_path / "a.txt", [3, 1, 4, 1, 5, 9, 2, 6] * 30)
    for fraction in (1.0, 0.3):
        take_in(tmp_path / "a.txt", tmp_path / "one", 3, fraction)
        save_corpus(read_corpus(tmp_path / "a.txt", 3, fraction), tmp_path / "two")
        for name in NAMES:
            assert (tmp_path / "one" / f"{name}.txt").read_bytes() == (tmp_path / "two" / f"{name}.txt").read_bytes()


@pytest.mark.parametrize("blanks", ["none", "few", "between all"])
def test_a_text_without_documents_is_split_as_it_always_was(blanks: str, tmp_path: Path) -> None:
    """Line by line, by the permutation of the first version of edgeenc: stored results stay good."""
    lines = [f"linya bilang {i} {'mahaba ' * 8}".strip() for i in range(1000)]
    text = "\n\n".join(lines) if blanks == "between all" else "\n".join(lines)
    if blanks == "few":
        text = "\n".join([*lines[:400], "", *lines[400:], ""])
    (tmp_path / "a.txt").write_text(text)
    tally = take_in(tmp_path / "a.txt", tmp_path / "out", 7)
    order = np.random.default_rng(7).permutation(1000).tolist()
    corpus = load_corpus(tmp_path / "out")
    assert corpus.valid == tuple(lines[i] for i in sorted(order[:16]))
    assert corpus.test == tuple(lines[i] for i in sorted(order[16:50]))
    assert corpus.train == tuple(lines[i] for i in sorted(order[50:]))
    assert tally.documents == 1000


def test_documents_are_what_lies_between_blank_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    blanks = np.array([0, 0, 3, 4, 4], dtype=np.uint32)
    assert documents_of(blanks).tolist() == [0, 1, 2, 3, 4]
    monkeypatch.setattr(documents, "FEWEST_DOCUMENTS", 3)
    assert documents_of(blanks).tolist() == [0, 0, 1, 2, 2]


def test_held_out_documents_are_counted_by_hand() -> None:
    """40 lines hold out 30: of documents of 2 lines, 5 and 10; of 3 lines, 4 and 7, of which 2 and 1 lines are left."""
    side_L = sides(np.repeat(np.arange(20), 2), 0)
    assert [int((side_L == side).sum()) for side in (TRAIN, VALID, TEST, LEFT)] == [10, 10, 20, 0]
    side_L = sides(np.repeat(np.arange(20), 3), 0)
    assert [int((side_L == side).sum()) for side in (TRAIN, VALID, TEST, LEFT)] == [27, 10, 20, 3]
    for document in range(20):
        assert set(side_L[3 * document : 3 * document + 3].tolist()) in ({0}, {1}, {2}, {1, 3}, {2, 3})


def test_a_long_document_is_learnt_from(tmp_path: Path) -> None:
    """A document of more than a 20th of all lines would take the place of all others."""
    document = write_documents(tmp_path / "a.txt", [2] * 150 + [4000])
    for seed in range(8):
        take_in(tmp_path / "a.txt", tmp_path / "out", seed)
        train, valid, test = by_side(load_corpus(tmp_path / "out"), document)
        assert 150 in train - valid - test


def test_parts_of_a_text_lie_in_one_another(tmp_path: Path) -> None:
    """Exact numbers of documents; a tenth is part of three tenths, these of a half; held-out text stays."""
    document = write_documents(tmp_path / "a.txt", [2] * 600)
    corpora = {f: read_corpus(tmp_path / "a.txt", 0, f) for f in (0.1, 0.3, 0.5, 1.0)}
    whole = corpora[1.0]
    assert len(whole.train) == 2 * 570
    last: set[str] = set()
    for fraction, corpus in corpora.items():
        assert (corpus.valid, corpus.test) == (whole.valid, whole.test)
        assert len(corpus.train) == 2 * round(fraction * 570)
        assert len({document[line] for line in corpus.train}) == round(fraction * 570)
        assert last < set(corpus.train)
        assert corpus.train == tuple(line for line in whole.train if line in set(corpus.train))
        last = set(corpus.train)
    other = read_corpus(tmp_path / "a.txt", 1, 0.1)
    both = set(whole.train) & set(read_corpus(tmp_path / "a.txt", 1).train)
    kept = [{line for line in corpus.train if line in both} for corpus in (corpora[0.1], other)]
    assert len(kept[0] & kept[1]) > 0.8 * len(kept[0]), "by the text, not by the seed"


def test_what_stays_has_the_smallest_marks() -> None:
    marks = np.array([9, 2, 7, 5, 1], dtype=np.uint64)
    side_L = np.array([TRAIN, TRAIN, TRAIN, TRAIN, TEST], dtype=np.uint8)
    lines = np.arange(5)
    assert thinned(side_L, lines, marks, 0.5).tolist() == [LEFT, TRAIN, LEFT, TRAIN, TEST]
    assert thinned(side_L, np.array([0, 0, 1, 1, 2]), marks, 0.5).tolist() == [LEFT, LEFT, TRAIN, TRAIN, TEST]
    assert thinned(side_L, lines, marks, 0.01).tolist() == [LEFT, TRAIN, LEFT, LEFT, TEST]
    assert mark_of("isa") == int.from_bytes(hashlib.blake2b(b"isa", digest_size=8).digest())


def test_text_with_its_own_held_out_lines_is_thinned_alike() -> None:
    train, held = [f"linya {i}" for i in range(1000)], ["a", "b", "c"]
    parts = [split_heldout(train, held, fraction) for fraction in (0.1, 0.3, 1.0)]
    assert [len(part.train) for part in parts] == [100, 300, 1000]
    assert set(parts[0].train) < set(parts[1].train) < set(train) == set(parts[2].train)
    assert all((part.valid, part.test) == (("a",), ("b", "c")) for part in parts)
    assert len(split(train, 0, fraction=0.1).train) == 95
