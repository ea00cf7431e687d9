"""Which language a text is of that a user gave: `a.txt`, or `tl=a.txt` where there are several."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from edgeenc.errors import UsageError
from edgeenc.language import Tag, resolve


def file_and_column(spec: str) -> tuple[Path, str]:
    """Return the file or folder of `a.jsonl#body`, and the column that holds its text; a file may be so called, too.

    Worked example: `a.txt` gives a.txt and no column.
    """
    whole = Path(os.path.expanduser(spec))
    if "#" not in spec or exists(whole):
        return whole, ""
    path, _, column = spec.rpartition("#")
    return Path(os.path.expanduser(path)), column


def exists(path: Path) -> bool:
    """Tell whether something is there; of a name that the system cannot look at, nothing is."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def given_texts(given: Sequence[str], tags: Sequence[Tag]) -> dict[str, str]:
    """Return the text that was given for each language, by its tag; `tags` are those of the build.

    Worked example: `tl=a.txt` and `eng=b.txt` for Tagalog and English give tl and en; `a.txt` is that of one language.

    Raises:
        UsageError: it is not said which language a text is of, or it is none of the build's, or one has two.
    """
    codes = [tag.bcp47 for tag in tags]
    found: dict[str, str] = {}
    for typed in given:
        if not typed.strip():
            raise UsageError("--corpus: an empty name; give a file, or leave --corpus out for the language's own text")
        spelling, sign, path = typed.partition("=")
        if len(codes) == 1 and (not sign or exists(file_and_column(typed)[0])):
            code, path = codes[0], typed
        elif not sign:
            raise UsageError(f"--corpus {typed}: which language is it in? Write --corpus {codes[0]}={typed}")
        else:
            code = resolve(spelling).bcp47
        if not path.strip():
            raise UsageError(f"--corpus {typed}: no file is named; write --corpus {code}=FILE")
        if code not in codes:
            raise UsageError(f"--corpus {typed}: {code} is not a language of this build, which has {', '.join(codes)}")
        if code in found:
            raise UsageError(f"--corpus {typed}: {code} has {found[code]} already; put all text of a language together")
        found[code] = path
    return found
