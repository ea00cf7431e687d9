"""Text between marks: HTML, XML, TMX and the like."""

from __future__ import annotations

import re

from edgeenc.text.beginning import Beginning
from edgeenc.text.look import Look

_MARKUP = re.compile(
    r"<(\?xml|!doctype|!--|[a-z][\w:.-]*(\s+[\w:.-]+\s*=\s*(\"[^\"]*\"|'[^']*'))*\s*/?>)", re.IGNORECASE
)
_ROOT = re.compile(r"<(?!\?|!)([A-Za-z][\w.-]*)")
_KNOWN = {"tmx": "TMX, a translation memory,", "xliff": "XLIFF, translations,", "mediawiki": "a dump of a wiki (XML)"}
_HTML = re.compile(r"<(!doctype\s+)?html|<(body|p|div)\b", re.IGNORECASE)


def _said(head: Beginning) -> str:
    found = _MARKUP.match(head.text.lstrip())
    if not found or not (found[1][0] in "?!" or "</" in head.text or "/>" in head.text):
        return ""
    root = _ROOT.search(re.sub(r"(?s)<!--.*?-->", "", head.text[:5000]))
    name = root[1].lower() if root else ""
    kind = _KNOWN.get(name) or ("HTML," if _is_html(head, name) else "XML,")
    return f"{kind.rstrip(',')}, not text; take the text out of its marks first, a sentence or paragraph a line"


def _is_html(head: Beginning, root: str) -> bool:
    """Tell HTML from XML that has paragraphs too, as TEI has: by how it begins."""
    start = head.text.lstrip()[:5].lower()
    return root in ("html", "body", "p", "div", "head") or (start != "<?xml" and bool(_HTML.search(head.text[:5000])))


LOOK = Look("markup", _said)
