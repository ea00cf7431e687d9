"""A corpus: one sentence or paragraph per line, normalised, deduplicated, split by seed.

Nothing here knows a model; text goes in and text comes out.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgeenc.errors import InputError
from edgeenc.text.documents import TEST, TRAIN, VALID, Numbers, documents_of, mark_of, sides, thinned
from edgeenc.text.files import corpus_files
from edgeenc.text.lines import lines_of
from edgeenc.text.packing import Piece
from edgeenc.text.text_form import LONGEST_ROW, decoded_lines

SMALLEST_BYTES = 50_000
"""A corpus under 50 KB cannot tell which tokens a language needs."""
SHARES = "languages.json"
"""Beside the text of several languages: the weight of each, whose own text is in a folder of its name."""
FEWEST_LINES = 100
"""Held-out lines are split off the corpus; a few endless lines cannot be split."""


@dataclass(frozen=True, slots=True)
class Corpus:
    """Three disjoint lists of lines.

    Attributes:
        train: what models learn from, and what token counts are taken from.
        valid: what chooses a checkpoint and calibrates pruning; never reported.
        test: what every reported metric and every gate is computed on.
        parts: where the text is of several languages, the text of each; else there are none.
    """

    train: Sequence[str]
    valid: tuple[str, ...]
    test: tuple[str, ...]
    parts: tuple[Part, ...] = ()

    @property
    def each(self) -> tuple[Part, ...]:
        """The text of each language; of one language that is all of it."""
        return self.parts or (Part("", 1.0, self),)

    @property
    def characters(self) -> int:
        """Number of distinct non-space characters of the training text."""
        return len(_characters(self.train) - {" "})


@dataclass(frozen=True, slots=True)
class Part:
    """The text of one of several languages, and the share of it in what is read, 0 to 1."""

    language: str
    weight: float
    corpus: Corpus


def _characters(lines: Iterable[str]) -> set[str]:
    found = set[str]()
    for line in lines:
        found.update(line)
    return found


def normalise(line: str) -> str:
    """Return `line` in NFC, without control characters, with single spaces.

    Worked example: ``"Kumusta   ka? "`` gives ``"Kumusta ka?"``.
    """
    line = unicodedata.normalize("NFC", line)
    if not line.isprintable():
        line = "".join(c for c in line if c.isspace() or unicodedata.category(c) != "Cc")
    return " ".join(line.split())


def fingerprint(line: str) -> str:
    """Return what two lines must share to count as the same: their letters, marks and digits, case folded.

    Marks are the vowel signs of many scripts. A line without any of these stands for itself.
    """
    return "".join(c for c in line.casefold() if c.isalnum() or unicodedata.category(c)[0] in "LMN") or line


def deduplicate(lines: Iterable[str], seen: set[str] | None = None) -> list[str]:
    """Return the first of each group of equal lines, in order; `seen` is extended with their fingerprints."""
    seen = set() if seen is None else seen
    kept = []
    for line in lines:
        mark = fingerprint(line)
        if line and mark not in seen:
            seen.add(mark)
            kept.append(line)
    return kept


def read_lines(path: Path, column: str = "") -> list[str]:
    """Return the normalised, non-empty lines of a user's text in any form of `text.forms`, unpacked.

    Raises:
        InputError: it is missing, cannot be read, is damaged or no text; or a line is not UTF-8 or too long.
    """
    return [line for raw in corpus_files(path).lines(column) if (line := normalise(raw))]


def _own_lines(path: Path) -> tuple[str, ...]:
    """Return the lines of a file that was made here, whatever they look like.

    Raises:
        InputError: it is missing, or was changed.
    """
    return tuple(line for _, raw in decoded_lines(Piece(path), LONGEST_ROW) if (line := normalise(raw)))


def split(lines: Sequence[str], seed: int, *, fraction: float = 1.0, document_L: Numbers | None = None) -> Corpus:
    """Split deduplicated `lines` into train, valid and test by `seed`; see `documents.sides`.

    Args:
        lines: distinct lines.
        seed: the same seed and lines give the same split.
        fraction: part of the training documents that stays.
        document_L: number of each line's document; each line is one where nothing is said.
    """
    document_L = np.arange(len(lines)) if document_L is None else document_L
    side_L = thinned(sides(document_L, seed), document_L, _marks(lines), fraction)
    train, valid, test = (
        tuple(line for line, at in zip(lines, side_L, strict=True) if at == side) for side in (TRAIN, VALID, TEST)
    )
    return Corpus(train, valid, test)


def _marks(lines: Iterable[str]) -> NDArray[np.uint64]:
    return np.fromiter((mark_of(fingerprint(line)) for line in lines), dtype=np.uint64)


def read_corpus(path: Path, seed: int, fraction: float = 1.0, column: str = "") -> Corpus:
    """Read, deduplicate and split a user's text; a blank line ends a document (`documents.documents_of`).

    Raises:
        InputError: as `read_lines`; or the text has under 50 KB, or under 100 lines, after deduplication.
    """
    seen, kept, blanks = set[str](), list[str](), list[int]()
    number = 0
    for line in map(normalise, corpus_files(path).lines(column)):
        number += not line
        if line and (mark := fingerprint(line)) not in seen:
            seen.add(mark)
            kept.append(line)
            blanks.append(number)
    require_enough(path, len(kept), sum(len(line.encode()) + 1 for line in kept))
    document_L = documents_of(np.array(blanks, dtype=np.uint32))
    return split(kept, seed, fraction=fraction, document_L=document_L)


def require_enough(path: Path, lines: int, size: int) -> None:
    """Refuse a text that is too small to learn a language from.

    Raises:
        InputError: it has under 50 KB, or under 100 lines.
    """
    if size < SMALLEST_BYTES:
        raise InputError(
            f"corpus {path}: {size:,} bytes of distinct text, expected at least {SMALLEST_BYTES:,}; add more sentences"
        )
    if lines < FEWEST_LINES:
        raise InputError(
            f"corpus {path}: {lines} distinct lines, expected at least {FEWEST_LINES}; put each sentence or"
            " paragraph on a line of its own"
        )


def split_heldout(train: Sequence[str], heldout: Sequence[str], fraction: float = 1.0) -> Corpus:
    """Return a corpus whose held-out lines are given: the first third is `valid`, the rest `test`.

    Of `train`, each line a document, `fraction` stays.
    """
    third, lines = len(heldout) // 3, np.arange(len(train))
    if fraction < 1:
        side_L = thinned(np.zeros(len(train), dtype=np.uint8), lines, _marks(train), fraction)
        train = [line for line, side in zip(train, side_L, strict=True) if side == TRAIN]
    return Corpus(tuple(train), tuple(heldout[:third]), tuple(heldout[third:]))


def save_corpus(corpus: Corpus, folder: Path) -> None:
    """Write `train.txt`, `valid.txt` and `test.txt` into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("train", "valid", "test"):
        text = "".join(f"{line}\n" for line in getattr(corpus, name))
        (folder / f"{name}.txt").write_text(text, encoding="utf-8", newline="\n")


def load_corpus(folder: Path) -> Corpus:
    """Read what `save_corpus` or `mixture.save_mixture` wrote; a large training text stays on the disk.

    Raises:
        InputError: a file is missing or damaged.
    """
    train, valid, test = (folder / f"{name}.txt" for name in ("train", "valid", "test"))
    large, shares = lines_of(train), folder / SHARES
    weights: dict[str, float] = json.loads(shares.read_text(encoding="utf-8")) if shares.is_file() else {}
    return Corpus(
        _own_lines(train) if large is None else large,
        _own_lines(valid),
        _own_lines(test),
        tuple(Part(language, weight, load_corpus(folder / language)) for language, weight in weights.items()),
    )
