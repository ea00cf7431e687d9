"""From a user's text file of any size to train, valid and test: one pass over the text, and one to write.

What comes out is what `corpus.read_corpus` makes of a text that fits in memory. Held are 20 bytes a line, and some more
while it is split.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgeenc.errors import InputError
from edgeenc.machine.disk import on_disk
from edgeenc.record.steps import TextTally
from edgeenc.text.corpus import fingerprint, normalise, require_enough
from edgeenc.text.documents import LEFT, Sides, documents_of, mark_of, sides, thinned
from edgeenc.text.files import CorpusFiles, corpus_files

MOST_NAMED = 20
"""Files that were passed over and are named in the figures of a build."""


def take_in(path: Path, folder: Path, seed: int, fraction: float = 1.0, column: str = "") -> TextTally:
    """Write `train.txt`, `valid.txt` and `test.txt` of the text `path` into `folder`, and say what was found.

    Of the training documents `fraction` are written; the text is in `column` where it has columns.

    Raises:
        InputError: as `corpus.read_corpus`.
    """
    marks, sizes, blanks, garbage = array("Q"), array("Q"), array("I"), 0
    files = corpus_files(path)
    for blank, line in _counted(files, column):
        marks.append(mark_of(fingerprint(line)))
        sizes.append(len(line.encode()) + 1)
        blanks.append(blank)
        garbage += is_garbage(line)
    mark_L = np.frombuffer(marks, dtype=np.uint64)
    first_L = _firsts(mark_L)
    kept = int(first_L.sum())
    size = int(np.frombuffer(sizes, dtype=np.uint64)[first_L].sum())
    require_enough(path, kept, size)
    document_K = documents_of(np.frombuffer(blanks, dtype=np.uint32)[first_L])
    side_L = np.full(len(marks), LEFT, dtype=np.uint8)
    side_L[first_L] = thinned(sides(document_K, seed), document_K, mark_L[first_L], fraction)
    _write((line for _, line in _counted(files, column)), folder, side_L)
    return TextTally(
        lines=len(marks),
        repeated=len(marks) - kept,
        garbage=garbage,
        bytes=size,
        documents=int(document_K[-1]) + 1,
        files=len(files.pieces) if files.several else None,
        passed_over=files.passed_over[:MOST_NAMED],
        passed=len(files.passed_over),
    )


def stream_lines(path: Path, column: str = "") -> Iterator[str]:
    """Yield what `corpus.read_lines` returns, line by line.

    Raises:
        InputError: as `corpus.read_lines`.
    """
    return (line for _, line in _counted(corpus_files(path), column))


def _counted(files: CorpusFiles, column: str) -> Iterator[tuple[int, str]]:
    """Yield each line that is not empty, normalised, with the number of empty ones before it."""
    blank = 0
    for raw in files.lines(column):
        if line := normalise(raw):
            yield blank, line
        else:
            blank += 1


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


def _write(lines: Iterator[str], folder: Path, side_L: Sides) -> None:
    """Send each line of the text, which is read again, to the file of its side.

    Raises:
        InputError: there are more or fewer lines than before.
    """
    with on_disk(folder), ExitStack() as stack:
        folder.mkdir(parents=True, exist_ok=True)
        opened = [stack.enter_context((folder / f"{n}.txt").open("w", encoding="utf-8", newline="\n")) for n in _NAMES]
        count = 0
        for side, line in zip(side_L.tobytes(), lines, strict=False):
            count += 1
            if side != LEFT:
                opened[side].write(f"{line}\n")
        if count < len(side_L) or next(lines, None) is not None:
            raise InputError("corpus: the text was changed while it was read; leave it alone, and start again")


_NAMES = ("train", "valid", "test")
"""The files of the sides, in their order."""
