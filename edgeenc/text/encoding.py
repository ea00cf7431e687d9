"""Which encoding text has that is not UTF-8, guessed to be named in a message; it is never decoded by a guess."""

from __future__ import annotations

import unicodedata

from edgeenc.text.code_pages import ICONV, page_of

_BOMS = (
    (b"\xff\xfe\x00\x00", "UTF-32LE"), (b"\x00\x00\xfe\xff", "UTF-32BE"),
    (b"\xff\xfe", "UTF-16LE"), (b"\xfe\xff", "UTF-16BE"),
)  # fmt: skip
_WIDE_PAGES = {"gb18030": "GB18030", "big5": "BIG5", "cp932": "SHIFT_JIS", "euc_jp": "EUC-JP", "cp949": "EUC-KR"}
"""Encodings of several bytes a character, as Python and as `iconv` call them."""
_SAMPLE = 20_000


def wide_encoding(raw: bytes, *, whole: bool) -> str:
    """Return UTF-16 or UTF-32, with the order of bytes, where the beginning of a file is that, or nothing.

    A byte order mark says so; else that text comes out of it: assigned characters, with spaces or line ends.
    """
    for mark, name in _BOMS:
        if raw.startswith(mark):
            return name
    if 0 not in raw[:4000]:
        return ""
    sample = raw[:4000] if not whole or len(raw) > 4000 else raw[: len(raw) // 4 * 4]
    for name in ("UTF-32LE", "UTF-32BE", "UTF-16LE", "UTF-16BE"):
        text = sample.decode(name, "replace")
        written = sum(c in "\t\r\n" or unicodedata.category(c)[0] in "LMNPSZ" for c in text)
        written -= text.count("\N{REPLACEMENT CHARACTER}")
        if written > 0.9 * len(text) and any(c in " \n" for c in text):
            return name
    return ""


def what_encoding(raw: bytes) -> str:
    """Return what a message says after "is not UTF-8": what it seems to be, and how it becomes UTF-8.

    Where most of what is not ASCII is UTF-8, the text is damaged, or put together from several.
    """
    text = raw.decode("utf-8", "replace")
    strange = sum(not c.isascii() for c in text)
    if 2 * text.count("\N{REPLACEMENT CHARACTER}") <= strange:
        return ", though most of the text is; convert it first, e.g. with iconv, or leave the line out"
    name = encoding_of(raw[:_SAMPLE])
    if not name:
        return "; convert it first, e.g. with iconv"
    return f", it looks like {name}; convert it first: iconv -f {name} -t UTF-8 FILE > NEW"


def encoding_of(raw: bytes) -> str:
    """Return what `iconv` calls the encoding in which text that is no UTF-8 is most likely written, or nothing."""
    from charset_normalizer import from_bytes

    wide = from_bytes(raw, cp_isolation=list(_WIDE_PAGES)).best()
    if wide is not None and _is_asian(str(wide)):
        return _WIDE_PAGES.get(wide.encoding, "")
    return ICONV.get(page_of(raw), "")


def _is_asian(text: str) -> bool:
    """Tell text of whole characters from a chain of half-width ones, which one byte each may be read as."""
    strange = [char for char in text if not char.isascii()]
    return 2 * sum("\u3000" <= char < "\uff61" for char in strange) > len(strange)
