"""A data file of a task: what it may be called, what a row of it is, and how an error names a place in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from edgeenc.errors import InputError

PACKED = (".gz", ".xz", ".bz2", ".zst", ".zip")
NOTES = ".txt"
"""The suffix that says least."""

TEXT_NAMES = tuple(
    "text sentence review tweet content comment document utterance message post tokens words form".split()
)
"""Usual names of the column of texts or words."""
WORD_NAMES = ("tokens", "token", "words", "word", "form")
"""Those of them that stand above words, one a cell or one a line."""
LABEL_NAMES = tuple(
    "label labels sentiment category class topic target intent emotion polarity stars rating"
    " tag tags ner ner_tags pos pos_tags upos".split()
)
"""Usual names of the column of labels or tags."""


MOST_BYTES = 256_000_000
"""Of an unpacked file; as rows it takes some twenty times as much memory."""
MOST_ROWS = 3_000_000
"""Of a file."""


class DataRow(NamedTuple):
    """The line where a row starts, its cells by column, and of a sentence the line of each word."""

    line: int
    cells: Mapping[str, object]
    lines: tuple[int, ...] = ()


def suffix(path: Path) -> str:
    """Return what tells the format: the last suffix in lower case, or the one before that of a packed file, `.gz`."""
    return Path(bare_name(path)).suffix


def bare_name(path: Path) -> str:
    """Return the name in lower case, without what tells how it is packed."""
    name = path.name.lower()
    for packed in PACKED:
        name = name.removesuffix(packed)
    return name


def too_large(path: Path) -> InputError:
    """Return the error of a file that is too large."""
    return InputError(
        f"task data {path}: more than {MOST_BYTES // 1_000_000:,} MB of data, or than {MOST_ROWS:,} rows; a classifier"
        " learns from less: give a part of it"
    )


def wrong(path: Path, line: int, what: str, unit: str = "line") -> InputError:
    """Return the error that names a place of a file; of one without lines the `unit` is a row."""
    return InputError(f"task data {path}: {unit} {line}: {what}")


def usual_names(cells: Sequence[str]) -> bool:
    """Tell whether cells are a header: one of them has a usual name of a text or a label."""
    return not {*TEXT_NAMES, *LABEL_NAMES}.isdisjoint(cell.strip().lower() for cell in cells)
