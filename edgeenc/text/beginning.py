"""The beginning of a file, looked at before the file is read: what it is must not depend on what it is called."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePath

SIZE = 1 << 17
"""Bytes that are looked at."""
MOST_LINES = 300
_PACKED = (".gz", ".bz2", ".xz", ".zst")


@dataclass(frozen=True)
class Beginning:
    """The beginning of a file.

    Attributes:
        raw: its first bytes, unpacked.
        whole: whether these are all.
        name: of the file, in small letters.
    """

    raw: bytes
    whole: bool
    name: str = ""

    @property
    def suffix(self) -> str:
        """The last suffix of the name, one that says how it is packed left out."""
        bare = self.name
        for packed in _PACKED:
            bare = bare.removesuffix(packed)
        return PurePath(bare).suffix

    @cached_property
    def text(self) -> str:
        """What it says in UTF-8, without a byte order mark; what is no UTF-8 is U+FFFD."""
        decoder = io.IncrementalNewlineDecoder(None, translate=True)
        end = len(self.raw) if self.whole else max(self.raw.rfind(b"\n") + 1, len(self.raw) - 4)
        return str(decoder.decode(self.raw[:end].decode("utf-8-sig", "replace"), final=True))

    @cached_property
    def lines(self) -> tuple[str, ...]:
        """The first lines that are there whole and not empty."""
        lines = self.text.split("\n")
        lines = lines if self.whole or len(lines) == 1 else lines[:-1]
        return tuple([line for line in lines if line.strip()][:MOST_LINES])


def beginning_of(file: io.BufferedReader, name: str) -> Beginning:
    """Return the beginning of a file that is open at its first byte."""
    raw = b""
    while len(raw) <= SIZE and (block := file.read(SIZE + 1 - len(raw))):
        raw += block
    return Beginning(raw[:SIZE], len(raw) <= SIZE, name.lower())
