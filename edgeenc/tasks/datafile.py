"""A data file of a task: what it may be called, how its text is got, and how an error names a place in it."""

from __future__ import annotations

import gzip
import lzma
import zlib
from pathlib import Path

from edgeenc.errors import InputError

PACKED = (".gz", ".xz")
DELIMITED = (".csv", ".tsv")
LISTED = (".jsonl", ".ndjson", ".json")
PARQUET = ".parquet"
CONLLU = ".conllu"
COLUMNED = (".conll", ".iob", ".iob2", ".bio", ".txt")
SUFFIXES = (*DELIMITED, *LISTED, PARQUET, CONLLU, *COLUMNED)

TEXT_NAMES = tuple(
    "text sentence review tweet content comment document utterance message post tokens words form".split()
)
"""Usual names of the column of texts or words."""
LABEL_NAMES = tuple(
    "label labels sentiment category class topic target intent emotion polarity stars rating"
    " tag tags ner ner_tags pos pos_tags upos".split()
)
"""Usual names of the column of labels or tags."""


def suffix(path: Path) -> str:
    """Return what tells the format: the last suffix in lower case, or the one before `.gz` or `.xz`."""
    name = path.name.lower()
    for packed in PACKED:
        name = name.removesuffix(packed)
    return Path(name).suffix


def wrong(path: Path, line: int, what: str) -> InputError:
    """Return the error that names a place of a file."""
    unit = "row" if suffix(path) == PARQUET else "line"
    return InputError(f"task data {path}: {unit} {line}: {what}")


def read_text(path: Path) -> str:
    """Return what a text file says, unpacked.

    Raises:
        InputError: it is missing, damaged or not UTF-8.
    """
    try:
        raw = path.read_bytes()
        if path.suffix.lower() == ".gz":
            raw = gzip.decompress(raw)
        elif path.suffix.lower() == ".xz":
            raw = lzma.decompress(raw)
    except FileNotFoundError:
        raise InputError(f"task data {path}: no such file") from None
    except (gzip.BadGzipFile, EOFError, zlib.error, lzma.LZMAError) as error:
        raise InputError(f"task data {path}: damaged file ({error}); fetch or pack it again") from None
    except OSError as error:
        raise InputError(f"task data {path}: cannot be read ({error.strerror or error})") from None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise wrong(path, line, "not UTF-8; convert the file first, e.g. with iconv") from None
