"""A corpus: one sentence or paragraph per line, normalised, deduplicated, split by seed.

Nothing here knows a model; text goes in and text comes out.
"""

from __future__ import annotations

import lzma
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgeenc.errors import InputError
from edgeenc.text.lines import lines_of

SMALLEST_BYTES = 50_000
"""A corpus under 50 KB cannot tell which pieces a language needs."""
FEWEST_LINES = 100
"""Held-out lines are cut from the corpus; a few endless lines cannot be cut."""


@dataclass(frozen=True, slots=True)
class Corpus:
    """Three disjoint lists of lines.

    Attributes:
        train: what models learn from, and what piece counts are taken from.
        valid: what chooses a checkpoint and calibrates pruning; never reported.
        test: what every reported figure and every gate is computed on.
    """

    train: Sequence[str]
    valid: tuple[str, ...]
    test: tuple[str, ...]

    @property
    def characters(self) -> int:
        """Number of distinct non-space characters of the training text."""
        return len(_characters(self.train) - {" "})


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


def read_lines(path: Path) -> list[str]:
    """Return the normalised, non-empty lines of the UTF-8 text file `path` (`.xz` is unpacked).

    Raises:
        InputError: the file is missing, cannot be read, is not UTF-8 (the first bad line is named), or is damaged.
    """
    try:
        raw = path.read_bytes()
        raw = lzma.decompress(raw) if path.suffix == ".xz" else raw
    except FileNotFoundError:
        raise InputError(f"corpus {path}: no such file") from None
    except lzma.LZMAError as error:
        raise InputError(f"corpus {path}: damaged xz file ({error})") from None
    except OSError as error:
        raise InputError(f"corpus {path}: cannot be read ({error.strerror or error})") from None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise InputError(f"corpus {path}: line {line} is not UTF-8; convert it first, e.g. with iconv") from None
    return [line for line in map(normalise, text.split("\n")) if line]


def split(lines: Sequence[str], seed: int, *, share: float = 0.05, most: int = 1800) -> Corpus:
    """Cut deduplicated `lines` into train, valid and test by `seed`; a third of what is held out is `valid`.

    Args:
        lines: distinct lines.
        seed: the same seed and lines give the same cut.
        share: part of the lines that is held out.
        most: upper bound of held-out lines.
    """
    valid, test = held_out(len(lines), seed, share=share, most=most)
    train = tuple(line for number, line in enumerate(lines) if number not in valid and number not in test)
    return Corpus(train, *(tuple(lines[number] for number in sorted(part)) for part in (valid, test)))


def held_out(count: int, seed: int, *, share: float = 0.05, most: int = 1800) -> tuple[frozenset[int], frozenset[int]]:
    """Return which of `count` lines are `valid`, and which are `test`; see `split`."""
    held = min(most, max(30, round(count * share)))
    order = np.random.default_rng(seed).permutation(count)
    return frozenset(order[: held // 3].tolist()), frozenset(order[held // 3 : held].tolist())


def read_corpus(path: Path, seed: int) -> Corpus:
    """Read, deduplicate and split a user's text file.

    Raises:
        InputError: as `read_lines`; or the text has under 50 KB, or under 100 lines, after deduplication.
    """
    lines = deduplicate(read_lines(path))
    require_enough(path, len(lines), sum(len(line.encode()) + 1 for line in lines))
    return split(lines, seed)


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


def split_heldout(train: Sequence[str], heldout: Sequence[str]) -> Corpus:
    """Return a corpus whose held-out lines are given: the first third is `valid`, the rest `test`."""
    third = len(heldout) // 3
    return Corpus(tuple(train), tuple(heldout[:third]), tuple(heldout[third:]))


def save_corpus(corpus: Corpus, folder: Path) -> None:
    """Write `train.txt`, `valid.txt` and `test.txt` into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("train", "valid", "test"):
        text = "".join(f"{line}\n" for line in getattr(corpus, name))
        (folder / f"{name}.txt").write_text(text, encoding="utf-8", newline="\n")


def load_corpus(folder: Path) -> Corpus:
    """Read what `save_corpus` wrote; the lines of a large training text stay on the disk until they are read.

    Raises:
        InputError: a file is missing or damaged.
    """
    train, valid, test = (folder / f"{name}.txt" for name in ("train", "valid", "test"))
    large = lines_of(train)
    return Corpus(
        tuple(read_lines(train)) if large is None else large, tuple(read_lines(valid)), tuple(read_lines(test))
    )
