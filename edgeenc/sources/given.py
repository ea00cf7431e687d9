"""Which language a text is of that a user gave: `a.txt`, or `tl=a.txt` where there are several."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edgeenc.errors import UsageError
from edgeenc.language import Tag, resolve


def given_texts(given: Sequence[str], tags: Sequence[Tag]) -> dict[str, str]:
    """Return the text that was given for each language, by its tag; `tags` are those of the build.

    Worked example: `tl=a.txt` and `eng=b.txt` for Tagalog and English give tl and en; `a.txt` is that of one language.

    Raises:
        UsageError: it is not said which language a text is of, or it is none of the build's, or one has two.
    """
    codes = [tag.bcp47 for tag in tags]
    found: dict[str, str] = {}
    for typed in given:
        spelling, sign, path = typed.partition("=")
        if len(codes) == 1 and (not sign or Path(typed).is_file()):
            code, path = codes[0], typed
        elif not sign:
            raise UsageError(f"--corpus {typed}: which language is it in? Write --corpus {codes[0]}={typed}")
        else:
            code = resolve(spelling).bcp47
        if code not in codes:
            raise UsageError(f"--corpus {typed}: {code} is not a language of this build, which has {', '.join(codes)}")
        if code in found:
            raise UsageError(f"--corpus {typed}: {code} has {found[code]} already; put all text of a language together")
        found[code] = path
    return found
