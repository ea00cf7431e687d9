"""Programs and settings: code, YAML, TOML, INI, messages of gettext, TeX, SQL."""

from __future__ import annotations

import re

from edgeenc.text.beginning import Beginning
from edgeenc.text.look import FEWEST, Look, most

_SUFFIXES = {
    ".py": "a program", ".js": "a program", ".ts": "a program", ".c": "a program", ".h": "a program",
    ".cpp": "a program", ".java": "a program", ".rs": "a program", ".go": "a program", ".rb": "a program",
    ".pl": "a program", ".sh": "a program", ".r": "a program", ".css": "a style sheet", ".sql": "SQL",
    ".yaml": "YAML", ".yml": "YAML", ".toml": "TOML", ".ini": "settings", ".cfg": "settings", ".properties": "settings",
    ".tex": "TeX", ".bib": "BibTeX", ".po": "messages of gettext", ".pot": "messages of gettext",
}  # fmt: skip
_CODE = re.compile(
    r"\s*(import [\w.*{}, ]+(;|$)|from [\w.]+ import |(async )?def \w+\(.*|class \w+.*[:{]$|@\w+|return\b.*|#include\b|"
    r"(public|private|static|const|let|var|func|fn|function|package|using)\b.*[;{(]|(if|for|while|else|elif|try)\b.*[:{]$"
    r"|[\w.\[\]]+\s*[-+*|]?=\s*\S.*|[\w.]+\(.*\)[;:,]?$|[})\]]+[;,]?$|//|#!|\"\"\"|.*[;{]$)"
)
_YAML = re.compile(r"\s*(- )?[\"']?[\w./-]+[\"']?:(\s+\S.*)?$|\s*- \S|---$|\.\.\.$|\s*#")
_SETTING = re.compile(r"\s*(\[{1,2}[\w.\"' :-]+\]{1,2}|[\w.\"-]+\s*=\s*.*|[#;].*)$")
_TEX = re.compile(r"\s*(\\[a-zA-Z@]+|%|@\w+\{|\w+\s*=\s*[{\"])")
_SQL = re.compile(
    r"\s*(INSERT INTO|CREATE TABLE|DROP TABLE|SELECT .* FROM|UPDATE \w+ SET|BEGIN;|COMMIT;|--)", re.IGNORECASE
)
_LOOKS = (("a program", _CODE), ("settings", _SETTING), ("TeX", _TEX), ("SQL", _SQL))


def _said(head: Beginning) -> str:
    kind = _kind(head)
    return f"{kind}, not running text; take the text out first, a sentence or paragraph a line" if kind else ""


def _kind(head: Beginning) -> str:
    if any(line.startswith("msgid ") for line in head.lines) and any(one.startswith("msgstr") for one in head.lines):
        return "messages of gettext"
    if head.raw.startswith(b"#!/"):
        return "a program"
    if named := _SUFFIXES.get(head.suffix):
        look = _YAML if named == "YAML" else dict(_LOOKS).get(named, _CODE if named == "a style sheet" else _SETTING)
        if most((look.match(line) for line in head.lines), 0.25):
            return named
    if len(head.lines) < FEWEST:
        return ""
    if _is_yaml(head):
        return "YAML"
    return next((kind for kind, look in _LOOKS if most(map(look.match, head.lines), 0.7)), "")


def _is_yaml(head: Beginning) -> bool:
    """Tell keys with values on most lines from a play, whose speakers come again and say sentences."""
    keys = [found[0] for line in head.lines if (found := re.match(r"\s*(- )?[a-z_][\w-]*:(?=\s|$)", line))]
    return 2 * len(keys) > len(head.lines) and most((_YAML.match(line) for line in head.lines), 0.9)


LOOK = Look("program", _said, rank=2)
