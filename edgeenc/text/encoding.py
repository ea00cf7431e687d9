"""Which encoding text has that is not UTF-8, guessed to be named in a message; it is never decoded by a guess."""

from __future__ import annotations

import unicodedata

_BOMS = (
    (b"\xff\xfe\x00\x00", "UTF-32LE"), (b"\x00\x00\xfe\xff", "UTF-32BE"),
    (b"\xff\xfe", "UTF-16LE"), (b"\xfe\xff", "UTF-16BE"),
)  # fmt: skip
_GUESSED = {
    "cp1252": "WINDOWS-1252", "cp1250": "WINDOWS-1250", "cp1251": "WINDOWS-1251", "cp1253": "WINDOWS-1253",
    "cp1254": "WINDOWS-1254", "cp1255": "WINDOWS-1255", "cp1256": "WINDOWS-1256", "cp1257": "WINDOWS-1257",
    "cp1258": "WINDOWS-1258", "cp874": "WINDOWS-874", "koi8_r": "KOI8-R", "iso8859_2": "ISO-8859-2",
    "gb18030": "GB18030", "big5": "BIG5", "cp932": "SHIFT_JIS", "euc_jp": "EUC-JP", "cp949": "EUC-KR",
}  # fmt: skip
"""Code pages as Python and as `iconv` call them."""
_SAMPLE = 50_000


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
    name = _GUESSED.get(_guess(raw[:_SAMPLE]))
    if name is None:
        return "; convert it first, e.g. with iconv"
    return f", it looks like {name}; convert it first: iconv -f {name} -t UTF-8 FILE > NEW"


def _guess(raw: bytes) -> str:
    """Return Python's name of the code page that gives the most likely text, or nothing.

    Most western texts read as well in cp1250, since both pages share their commonest letters: a draw is for cp1252.
    """
    from charset_normalizer import from_bytes

    best = from_bytes(raw, cp_isolation=list(_GUESSED)).best()
    if best is None or best.encoding != "cp1250":
        return best.encoding if best else ""
    western = from_bytes(raw, cp_isolation=["cp1252"]).best()
    draw = western is not None and western.chaos <= best.chaos and western.coherence >= best.coherence
    return "cp1252" if draw else "cp1250"
