"""Files that are no text: documents, archives, pictures, told by their first bytes or their control characters."""

from __future__ import annotations

from edgeenc.text.beginning import Beginning
from edgeenc.text.encoding import wide_encoding
from edgeenc.text.look import Look

_SIGNATURES = (
    (b"%PDF", "a PDF document; save it as text first, e.g. with pdftotext"),
    (b"\xd0\xcf\x11\xe0", "a document of an old Office; save it as UTF-8 text first"),
    (b"{\\rtf", "a document in rich text; save it as UTF-8 text first"),
    (b"7z\xbc\xaf", "a 7z archive; unpack it first"),
    (b"Rar!", "a rar archive; unpack it first"),
    (b"PK\x03\x04", "a zip file inside another file; unpack it first"),
    (b"PARE", "an encrypted Parquet file; decrypt it first"),
    (b"\x04\x22\x4d\x18", "compressed with lz4; unpack it first"),
    (b"\x1f\x9d", "compressed with compress; unpack it first"),
    (b"SQLite format 3", "a database; write its text into a file first"),
    (b"ARROW1", "an Arrow file; save it as Parquet or JSON lines first"),
    (b"WARC/", "a web archive; take the text out of its pages first"),
)
_STRAY = 20
"""Control characters that a text may have: they are taken out."""


def _said(head: Beginning) -> str:
    for magic, said in _SIGNATURES:
        if head.raw.startswith(magic):
            return said
    if head.raw[257:262] == b"ustar":
        return "a tar archive; unpack it first (tar -xf FILE), and give a file or the folder"
    if wide_encoding(head.raw, whole=head.whole):
        return ""
    controls = sum(byte < 32 and byte not in b"\t\n\v\f\r\x1b\x1a" for byte in head.raw[:20_000])
    return "no text but binary data" if controls > max(_STRAY, 0.02 * len(head.raw[:20_000])) else ""


LOOK = Look("binary", _said, rank=0)
