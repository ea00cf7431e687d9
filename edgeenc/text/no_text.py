"""What is no text, told by looking at it: tables, marked-up text, JSON, documents, pictures; and what to do instead."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from edgeenc.text.beginning import Beginning
from edgeenc.text.encoding import what_encoding, wide_encoding

_SIGNATURES = (
    (b"%PDF", "a PDF document; save it as text first, e.g. with pdftotext"),
    (b"\xd0\xcf\x11\xe0", "a document of an old Office; save it as UTF-8 text first"),
    (b"{\\rtf", "a document in rich text; save it as UTF-8 text first"),
    (b"7z\xbc\xaf", "a 7z archive; unpack it first"),
    (b"Rar!", "a rar archive; unpack it first"),
    (b"\x04\x22\x4d\x18", "compressed with lz4; unpack it first"),
    (b"\x1f\x9d", "compressed with compress; unpack it first"),
    (b"SQLite format 3", "a database; write its text into a file first"),
    (b"ARROW1", "an Arrow file; save it as Parquet or JSON lines first"),
    (b"WARC/", "a web archive; take the text out of its pages first"),
)
_USE_DATA = "labelled data goes to --task NAME --data FILE"
_ENOUGH = 0.95
"""Share of the first lines that must look like rows; the rest may be broken."""
_FEWEST = 5
"""Lines under which nothing is concluded from their look: a text so short is refused anyway."""
_STRAY = 20
"""Control characters that a text may have: they are taken out."""
_TAG = re.compile(r"[BIESLUM]-\S+|O|[A-Z]{1,6}[A-Z0-9$:.+|_-]*|[.,:;!?\"'()$#`]+")
"""A tag of names, or of words: `B-PER`, `O`, `NOUN`, `PRP$`, `.`."""
_MARKUP = re.compile(
    r"<(\?xml|!doctype|!--|[a-z][\w:.-]*(\s+[\w:.-]+\s*=\s*(\"[^\"]*\"|'[^']*'))*\s*/?>)", re.IGNORECASE
)
_USUAL = frozenset("id text sentence label labels tag tags class category sentiment title url lang language".split())
"""Usual names of columns."""
_DELIMITERS = {"\t": "tabs", ",": "commas", ";": "semicolons", "|": "bars"}


def no_text(head: Beginning) -> str:
    """Return what a file is and what to do with it, where it begins as no text does; else nothing."""
    return next((said for look in _LOOKS if (said := look(head))), "")


def _by_bytes(head: Beginning) -> str:
    for magic, said in _SIGNATURES:
        if head.raw.startswith(magic):
            return said
    if head.raw[257:262] == b"ustar":
        return "a tar archive; unpack it first, and give a file or the folder"
    name = wide_encoding(head.raw, whole=head.whole)
    if name:
        return f"{name}, expected UTF-8; convert it first: iconv -f {name} -t UTF-8 FILE > NEW"
    controls = sum(byte < 32 and byte not in b"\t\n\v\f\r\x1b\x1a" for byte in head.raw[:20_000])
    return "no text but binary data" if controls > max(_STRAY, 0.02 * len(head.raw[:20_000])) else ""


def _by_encoding(head: Beginning) -> str:
    """Name a code page, where most of what is not ASCII is no UTF-8; a single bad line is named when it is read."""
    raw = head.raw if head.whole else head.raw[: head.raw.rfind(b"\n") + 1]
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        said, line = what_encoding(raw), raw[: error.start].count(b"\n") + 1
        return f"line {line} is not UTF-8{said}" if "looks like" in said else ""
    return ""


def _markup(head: Beginning) -> str:
    found = _MARKUP.match(head.text.lstrip())
    if not found or not (found[1][0] in "?!" or "</" in head.text or "/>" in head.text):
        return ""
    kind = "HTML" if re.search(r"<(!doctype\s+)?html|<(body|p|div)\b", head.text[:5000], re.IGNORECASE) else "XML"
    return f"{kind}, not text; take the text out of its marks first, a sentence or paragraph a line"


def _json(head: Beginning) -> str:
    text = head.text.strip()
    if _most(line.startswith(("{'", "['")) for line in head.lines):
        return "Python's way to write an object, expected text, or one JSON object a line: write it with json.dumps"
    if not re.match(r"\[\s*([\[{\"]|-?[\d.]+,)|\{\s*(\"|\})", text) or not _is_json(text, whole=head.whole):
        return ""
    return "JSON, expected text, or one JSON object a line; a list becomes that with: jq -c '.[]' FILE > NEW.jsonl"


def _is_json(text: str, *, whole: bool) -> bool:
    """Tell whether text is JSON; of its beginning, whether it breaks off only where the text does."""
    try:
        end = json.JSONDecoder().raw_decode(text)[1]
    except json.JSONDecodeError as error:
        return not whole and (error.pos > 0.9 * len(text) or "Unterminated" in error.msg)
    except (ValueError, RecursionError):
        return True
    return 2 * end > len(text) or all(line.startswith(text[0]) for line in text.split("\n")[:_FEWEST])


def _conllu(head: Beginning) -> str:
    rows = [line.split("\t") for line in head.lines if not line.startswith("#")]
    widths = range(3, 31) if len(rows) < len(head.lines) else (10,)
    if len(rows) < _FEWEST or not _most(len(row) in widths and re.fullmatch(r"\d+([-.]\d+)?", row[0]) for row in rows):
        return ""
    return f"CoNLL-U, not running text; {_USE_DATA}, its text comes out with: sed -n 's/^# text = //p' FILE > NEW"


def _tagged(head: Beginning) -> str:
    """Find a word and its tags on each line, between spaces or tabs."""
    rows = [line.split() for line in head.lines if not line.startswith(("#", "-DOCSTART-"))]
    width = _usual(map(len, rows))
    if len(rows) < _FEWEST or width not in range(2, 7) or not _most(len(row) == width for row in rows):
        return ""
    last = [row[-1] for row in rows]
    kinds = set(last)
    if not _most(_TAG.fullmatch(tag) for tag in last) or not 1 < len(kinds) <= max(3, len(last) // 3):
        return ""
    if (
        sum(tag.isalpha() or "-" in tag for tag in kinds) < len(kinds) / 2
    ):  # tokens of a text, that end with a full stop
        return ""
    return f"a word and its tag on each line, not running text; {_USE_DATA}"


def _subtitles(head: Beginning) -> str:
    times = [line for line in head.lines[:6] if re.match(r"(\d+:)?\d\d:\d\d[.,]\d{3} --> ", line)]
    return "subtitles, not text; leave the numbers and times out" if times else ""


def _table(head: Beginning) -> str:
    if head.text.startswith("sep="):
        return _said_table(head.text[4:5], ())
    named = head.name.removesuffix(".gz").endswith((".csv", ".tsv", ".tab"))
    header = head.lines[0] if named and head.lines else ""
    sign = next((sign for sign in _DELIMITERS if sign in header), ",")
    if _has_usual(columns := [name.strip('" ') for name in header.split(sign)]):
        return _said_table(sign, [columns])
    enough = 0.6 if named else _ENOUGH
    for sign in _DELIMITERS:
        rows = list(_rows(head, sign))
        width = _usual(map(len, rows))
        same = [row for row in rows if len(row) == width]
        if len(rows) >= _FEWEST and width > 1 and len(same) >= enough * len(rows) and _cells(sign, same):
            return _said_table(sign, same)
    return ""


def _has_usual(columns: Sequence[str]) -> bool:
    return any(name.strip().lower() in _USUAL for name in columns)


def _cells(sign: str, rows: Sequence[Sequence[str]]) -> bool:
    """Tell cells from parts of sentences, whose commas have a space behind them, by that or by the names of columns."""
    if sign not in ",;" or _has_usual(rows[0]):
        return True
    return _most((not any(cell.startswith(" ") for cell in row[1:]) for row in rows), 0.8)


def _rows(head: Beginning, sign: str) -> Iterator[Sequence[str]]:
    """Yield the cells of the first rows; those in quotes may have several lines."""
    text = head.text if head.whole else head.text[: head.text.rfind("\n") + 1]
    try:
        for row in csv.reader(text.splitlines(keepends=True)[:300], delimiter=sign, strict=sign != "\t"):
            if row:
                yield row
    except csv.Error:
        return


def _said_table(sign: str, rows: Sequence[Sequence[str]]) -> str:
    names = ["".join(c for c in name.strip()[:20] if c.isprintable()) or "''" for name in rows[0][:5]] if rows else []
    columns = f", columns {', '.join(names)}{', ...' if len(rows[0]) > 5 else ''}" if rows else ""
    shown = f"a table ({_DELIMITERS.get(sign, 'columns')}{columns}), not text; {_USE_DATA}"
    cut = f", e.g. cut -f{_longest(rows)} FILE > NEW" if sign == "\t" and rows else ""
    return f"{shown}; as a corpus give its texts alone, one a line{cut}"


def _longest(rows: Sequence[Sequence[str]]) -> int:
    """Return the number, from 1, of the column with most characters."""
    return 1 + max(range(len(rows[0])), key=lambda place: sum(len(row[place]) for row in rows))


def _usual(sizes: Iterator[int]) -> int:
    found = Counter(sizes).most_common(1)
    return found[0][0] if found else 0


def _most(told: Iterator[object], share: float = _ENOUGH) -> bool:
    answers = [bool(one) for one in told]
    return sum(answers) >= share * len(answers) > 0


_LOOKS: tuple[Callable[[Beginning], str], ...] = (
    *(_by_bytes, _by_encoding, _markup, _json, _subtitles, _conllu, _tagged, _table),
)
"""In this order: what is no UTF-8 has no lines."""
