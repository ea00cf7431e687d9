"""Packed rows on disk: what `batches.pack` makes of a text that fits in memory, for one that does not.

Axis letters: N rows, T tokens of a row, L lines.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import overload

import numpy as np
from numpy.typing import NDArray

from edgeenc.machine.disk import on_disk

_WIDTH = 4
"""Bytes of an id."""


class Tokens(Sequence[list[int]]):
    """The ids of each line, read from a file when asked for, in an order of our own."""

    def __init__(self, path: Path, starts_L: NDArray[np.int64], order_L: NDArray[np.int64]) -> None:
        self._file = path.open("rb", buffering=0)
        self._starts_L, self._order_L = starts_L, order_L

    def __len__(self) -> int:
        return len(self._order_L)

    @overload
    def __getitem__(self, place: int) -> list[int]: ...
    @overload
    def __getitem__(self, place: slice) -> list[list[int]]: ...
    def __getitem__(self, place: int | slice) -> list[int] | list[list[int]]:
        if isinstance(place, slice):
            return [self[number] for number in range(*place.indices(len(self)))]
        line = int(self._order_L[place])
        first, end = int(self._starts_L[line]), int(self._starts_L[line + 1])
        raw = os.pread(self._file.fileno(), (end - first) * _WIDTH, first * _WIDTH)
        return np.frombuffer(raw, dtype=np.int32).tolist()

    def __del__(self) -> None:
        self._file.close()


def write_tokens(encoded: Iterator[list[int]], path: Path, order_of: Callable[[int], NDArray[np.int64]]) -> Tokens:
    """Write the ids of all lines into one file and return them in the order that `order_of` their number gives."""
    ends = [0]
    with on_disk(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            for ids in encoded:
                file.write(np.asarray(ids, dtype=np.int32).tobytes())
                ends.append(ends[-1] + len(ids))
    return Tokens(path, np.asarray(ends, dtype=np.int64), order_of(len(ends) - 1))


class MappedRows:
    """Rows (N, T) in a file that is mapped into memory; what was read is given back at once, so that none piles up."""

    def __init__(self, path: Path, length: int) -> None:
        with path.open("rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._advise("MADV_RANDOM")  # else the system reads ahead, sixteen pages for one
        self._rows_NT = np.frombuffer(self._map, dtype=np.int32).reshape(-1, length)

    def __len__(self) -> int:
        return len(self._rows_NT)

    def __getitem__(self, numbers: NDArray[np.int64]) -> NDArray[np.int32]:
        rows = self._rows_NT[numbers]
        self._advise("MADV_DONTNEED")
        return rows

    def _advise(self, name: str) -> None:
        if hasattr(mmap, name):  # not on every system
            self._map.madvise(getattr(mmap, name))


def write_rows(rows: Iterator[list[int]], path: Path, length: int) -> MappedRows | None:
    """Write rows (N, `length`) and map them; return None where there is none. The file appears whole."""
    fresh, count = path.with_name(f"{path.name}.new"), 0
    with on_disk(path):
        with fresh.open("wb") as file:
            while chunk := list(islice(rows, 4096)):
                file.write(np.asarray(chunk, dtype=np.int32).tobytes())
                count += len(chunk)
        if not count:
            fresh.unlink()
            return None
        fresh.rename(path)
    return MappedRows(path, length)
