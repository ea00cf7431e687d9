"""A look at a corpus before anything runs: what is too small, and is seen to be by reading a little, is refused."""

from __future__ import annotations

from pathlib import Path

from edgeenc.text.corpus import FEWEST_LINES, SMALLEST_BYTES, fingerprint, normalise, require_enough
from edgeenc.text.files import CorpusFiles

MOST_READ = 8_000_000
"""Characters that are read, a fraction of a second; whether there is enough in a larger text is seen by the build."""
_LINE = 16
"""Characters that a line counts as at least, so that empty ones come to an end."""


def look_into(path: Path, files: CorpusFiles, column: str) -> None:
    """Read the beginning of a corpus as a build would.

    Raises:
        InputError: as `corpus.read_corpus`, where a text is read to its end, or what is wrong stands in its beginning.
    """
    seen, size, read = set[str](), 0, 0
    for raw in files.lines(column):
        read += len(raw) + _LINE
        if read > MOST_READ:
            return
        if size >= SMALLEST_BYTES and len(seen) >= FEWEST_LINES:
            continue  # the rest is only read: a line that is no UTF-8 is named
        line = normalise(raw)
        if line and (mark := fingerprint(line)) not in seen:
            seen.add(mark)
            size += len(line.encode()) + 1
    require_enough(path, len(seen), size)
