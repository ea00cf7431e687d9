"""Lines as sentences: runs of them with blank lines between; what a comment with a key is."""

from __future__ import annotations

import re
from collections.abc import Iterator

DOCUMENT = "-DOCSTART-"
"""The first cell of a line that stands between documents, from CoNLL-2003."""
NOTE = re.compile(r"#\s+[\w.:-]+\s*=")
"""`# sent_id = 7`: a comment, whatever it says."""


def blocks(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the runs of lines that are not blank, each with the number of its first line."""
    start, block = 1, list[str]()
    lines = text.split("\n") if "\n" in text else text.split("\r")
    for line, content in enumerate([*lines, ""], 1):
        if content.strip():
            start = start if block else line
            block.append(content.removesuffix("\r"))
        elif block:
            yield start, block
            block = []
