"""The kit's line-parallel text: the same lines in several languages, none of which is in text to learn from."""

from __future__ import annotations

import lzma
from pathlib import Path

from edgeenc.errors import HostError
from edgeenc.sources.kit import data_folder

ENDING = ".txt.xz"


def parallel_file(language: str) -> Path | None:
    """Return the kit's file of parallel lines in a language (`tl`, `en`), or None where it has none."""
    path = data_folder("starter") / "parallel" / f"{language}{ENDING}"
    return path if path.is_file() else None


def parallel_lines(language: str) -> tuple[str, ...] | None:
    """Return the parallel lines in a language; line n of one language is line n of every other one.

    None where the kit does not have them.

    Raises:
        HostError: the file is damaged.
    """
    path = parallel_file(language)
    if path is None:
        return None
    try:
        return tuple(lzma.decompress(path.read_bytes()).decode("utf-8").splitlines())
    except (lzma.LZMAError, ValueError):
        raise HostError(f"{path}: damaged; install edgeenc again") from None
