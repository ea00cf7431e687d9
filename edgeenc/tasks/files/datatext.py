"""The text of a data file: unpacked, no larger than can be held, and UTF-8; what it is instead is named."""

from __future__ import annotations

import re
import stat
from pathlib import Path

from edgeenc.errors import InputError
from edgeenc.tasks.files.datafile import MOST_BYTES, too_large, wrong
from edgeenc.text.encoding import what_encoding
from edgeenc.text.packing import Piece, only_member

PIECE = 1 << 20
"""Bytes that are read at once."""
WHAT = "task data"

_LOOKS = (
    (b"PK\x03\x04", "it is a zip file or an Excel sheet: unpack it, or save it as CSV in UTF-8"),
    (b"\xd0\xcf\x11\xe0", "it is an old Excel or Word file: save it as CSV in UTF-8"),
    (b"\x80", "it is binary, perhaps a pickle, which is not read: write it as JSONL"),
    (b"PAR1", "it is Parquet: call it .parquet"),
    (b"%PDF", "it is a PDF: give text"),
    (b"version https://git-lfs", "it is a pointer of Git LFS, not the data: run git lfs pull"),
    (b"<!DOCTYPE", "it is a web page, not the data: fetch the raw file"),
    (b"<!doctype", "it is a web page, not the data: fetch the raw file"),
    (b"<html", "it is a web page, not the data: fetch the raw file"),
    (b"<?xml", "it is XML: convert it to CSV, JSONL or lines of words and tags"),
)
"""How files begin that are no text of labelled data."""
_BRAT = re.compile(r"T\d+\t\S+ \d+ \d+(;\d+ \d+)*\t")
_WIDE = (
    (b"\xff\xfe\0\0", "UTF-32"),
    (b"\0\0\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)


def read_text(path: Path) -> str:
    """Return what a text file says, unpacked.

    Raises:
        InputError: it is missing, damaged, larger than `MOST_BYTES`, no file, no text or not UTF-8.
    """
    raw = _read(path)
    look = next((said for start, said in _LOOKS if raw.startswith(start)), None)
    if look:
        raise InputError(f"task data {path}: no text; {look}")
    wide = next((name for start, name in _WIDE if raw.startswith(start)), None)
    wide = wide or ("UTF-16" if raw[:200].count(0) > len(raw[:200]) // 4 else None)
    if wide:
        raise wrong(path, 1, f"not UTF-8 but {wide}; convert the file first: {_convert(wide, path)}")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise wrong(
            path,
            line,
            f"not UTF-8{what_encoding(raw)}",
        ) from None
    if _BRAT.match(text):
        raise wrong(path, 1, "spans of brat (.ann), which are not read; convert them to a word and its tag a line")
    if "\0" in text:
        raise wrong(path, text.count("\n", 0, text.index("\0")) + 1, "a NUL character, which no text has; remove it")
    return text.lstrip("\ufeff")


def require_file(path: Path) -> None:
    """Do nothing if there is a regular file; a pipe or a device might never end.

    Raises:
        InputError: there is none.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise InputError(f"task data {path}: no such file") from None
    except (OSError, ValueError) as error:
        raise InputError(f"task data {path}: cannot be read ({getattr(error, 'strerror', None) or error})") from None
    if not stat.S_ISREG(mode):
        raise InputError(f"task data {path}: cannot be read (no regular file)")


def _read(path: Path) -> bytes:
    """Return the bytes, unpacked, whatever the file is called; of a zip file those of its only member."""
    require_file(path)
    found = bytearray()
    with Piece(path, only_member(path, WHAT), WHAT).opened() as file:
        while piece := file.read(PIECE):
            found += piece
            if len(found) > MOST_BYTES:
                raise too_large(path)
    return bytes(found)


def _convert(encoding: str, path: Path) -> str:
    return f"iconv -f {encoding} -t UTF-8 {path.name} > utf8-{path.name}"
