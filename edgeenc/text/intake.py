"""From a user's text file of any size to train, valid and test: one pass over the text, and one to write.

What comes out is what `corpus.read_corpus` makes of a text that fits in memory. Held are 9 bytes a line.
"""

from __future__ import annotations

import hashlib
import lzma
from array import array
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgeenc.disk import on_disk
from edgeenc.errors import InputError
from edgeenc.text.corpus import fingerprint, held_out, normalise, require_enough


@dataclass(frozen=True, slots=True)
class Tally:
    """What was found in a text.

    Attributes:
        lines: that are not empty.
        repeated: lines that say what an earlier one said; they are left out.
        garbage: lines without any letter, or with characters that could not be read when the text was made (U+FFFD);
            they stay, since what language a line is in, and whether it is one, is the user's to judge.
        bytes: of the distinct lines.
    """

    lines: int
    repeated: int
    garbage: int
    bytes: int


def take_in(path: Path, folder: Path, seed: int) -> Tally:
    """Write `train.txt`, `valid.txt` and `test.txt` of the text `path` into `folder`, and say what was found.

    Raises:
        InputError: as `corpus.read_corpus`.
    """
    marks, sizes, garbage = array("Q"), array("Q"), 0
    for line in stream_lines(path):
        marks.append(int.from_bytes(hashlib.blake2b(fingerprint(line).encode(), digest_size=8).digest()))
        sizes.append(len(line.encode()) + 1)
        garbage += is_garbage(line)
    first_L = _firsts(np.frombuffer(marks, dtype=np.uint64))
    kept = int(first_L.sum())
    size = int(np.frombuffer(sizes, dtype=np.uint64)[first_L].sum())
    require_enough(path, kept, size)
    _write(path, folder, first_L, held_out(kept, seed))
    return Tally(lines=len(marks), repeated=len(marks) - kept, garbage=garbage, bytes=size)


def stream_lines(path: Path) -> Iterator[str]:
    """Yield the normalised, non-empty lines of the UTF-8 text file `path` (`.xz` is unpacked).

    Raises:
        InputError: as `corpus.read_lines`.
    """
    number = 0
    try:
        with lzma.open(path, "rb") if path.suffix == ".xz" else path.open("rb") as file:
            for number, raw in enumerate(file, 1):
                if line := normalise(raw.decode("utf-8-sig" if number == 1 else "utf-8")):
                    yield line
    except FileNotFoundError:
        raise InputError(f"corpus {path}: no such file") from None
    except (lzma.LZMAError, EOFError) as error:
        raise InputError(f"corpus {path}: damaged xz file ({error})") from None
    except UnicodeDecodeError:
        raise InputError(f"corpus {path}: line {number} is not UTF-8; convert it first, e.g. with iconv") from None
    except OSError as error:
        raise InputError(f"corpus {path}: cannot be read ({error.strerror or error})") from None


def is_garbage(line: str) -> bool:
    """Tell whether a line has no letter in it, or a mark of what could not be read."""
    return "\N{REPLACEMENT CHARACTER}" in line or not any(map(str.isalpha, line))


def _firsts(marks_L: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Return for each mark whether it is the first of its kind.

    Worked example: 5 7 5 5 9 give yes yes no no yes.
    """
    first_L = np.zeros(len(marks_L), dtype=np.bool_)
    first_L[np.unique(marks_L, return_index=True)[1]] = True
    return first_L


def _write(path: Path, folder: Path, first_L: NDArray[np.bool_], held: tuple[frozenset[int], frozenset[int]]) -> None:
    """Read the text again and send each first line to the file that it belongs to."""
    valid, test = held
    with on_disk(folder), ExitStack() as stack:
        folder.mkdir(parents=True, exist_ok=True)
        opened = [stack.enter_context((folder / f"{n}.txt").open("w", encoding="utf-8", newline="\n")) for n in _NAMES]
        number = 0
        for line, first in zip(stream_lines(path), first_L, strict=True):
            if first:
                opened[1 if number in valid else 2 if number in test else 0].write(f"{line}\n")
                number += 1


_NAMES = ("train", "valid", "test")
