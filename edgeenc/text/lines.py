"""The lines of a text file that is too large to be held: read when they are asked for, in the same order as a list."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import overload

import numpy as np

from edgeenc.errors import InputError

LARGE = 64_000_000
"""Bytes of a file whose lines are left on the disk; a smaller one costs some hundred megabytes when held."""

SAMPLE = 100_000
"""Lines that are enough to judge a tokenizer or a neuron by."""

_BLOCK = 1 << 24


class Lines(Sequence[str]):
    """The non-empty lines of a UTF-8 file, each closed by a line feed; one number a line is held, no text."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("rb", buffering=0)
        ends, offset = [np.zeros(1, dtype=np.int64)], 0
        while block := self._file.read(_BLOCK):
            ends.append(np.flatnonzero(np.frombuffer(block, dtype=np.uint8) == ord("\n")) + offset + 1)
            offset += len(block)
        self._starts = np.concatenate(ends)

    def __len__(self) -> int:
        return len(self._starts) - 1

    def __iter__(self) -> Iterator[str]:
        with self.path.open(encoding="utf-8", newline="\n") as file:
            for line in file:
                yield line[:-1]

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> list[str]: ...
    def __getitem__(self, place: int | slice) -> str | list[str]:
        if isinstance(place, slice):
            return [self[number] for number in range(*place.indices(len(self)))]
        number = range(len(self))[place]
        first, end = int(self._starts[number]), int(self._starts[number + 1])
        raw = os.pread(self._file.fileno(), end - first, first)
        try:
            return raw[:-1].decode()
        except UnicodeDecodeError:
            raise InputError(f"corpus {self.path}: line {number + 1} is not UTF-8; the file was changed") from None

    def __del__(self) -> None:
        self._file.close()


def lines_of(path: Path) -> Lines | None:
    """Return the lines of a large file, or None where it is small enough to be read at once."""
    return Lines(path) if path.is_file() and path.stat().st_size > LARGE else None


def chunks(lines: Sequence[str], size: int = 20_000) -> Iterator[list[str]]:
    """Yield `lines` some at a time, in order."""
    running = iter(lines)
    while chunk := list(islice(running, size)):
        yield chunk


def some(lines: Sequence[str]) -> Sequence[str]:
    """Return all lines of a text that is held, and of a large one every n-th, about `SAMPLE` in all."""
    return lines[:: max(1, len(lines) // SAMPLE)] if isinstance(lines, Lines) else lines
