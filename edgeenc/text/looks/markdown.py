"""Markdown: headings, lists, links and code between marks."""

from __future__ import annotations

import re

from edgeenc.text.beginning import Beginning
from edgeenc.text.look import Look

_MARK = re.compile(r"#{1,6} \S|```|~~~|\s*[-*+] (\[|\*\*|`|\S)|\|.*\|\s*$|> |!?\[[^\]]+\]\([^)]+\)|={4,}$|-{4,}$")
"""What a line of it begins with."""
_SURE = re.compile(r"```|!?\[[^\]]+\]\(\S+\)|\|\s*:?-{3,}|\*\*\S[^*]*\*\*")
"""What running text does not have."""
_NAMES = (".md", ".markdown", ".mdx", ".rmd")


def _said(head: Beginning) -> str:
    marked = sum(bool(_MARK.match(line)) for line in head.lines)
    named = head.suffix in _NAMES
    sure = sum(bool(_SURE.search(line) or (named and line.startswith("#"))) for line in head.lines)
    enough = (1, 0.02) if named else (3, 0.15)
    if sure < enough[0] or max(marked, sure) < enough[1] * len(head.lines):
        return ""
    return "Markdown, not running text; take the text out of its marks first: pandoc -t plain --wrap=none FILE > NEW"


LOOK = Look("markdown", _said, rank=2)
