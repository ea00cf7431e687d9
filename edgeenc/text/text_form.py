"""What a form of text files is, and how their lines are read: one by one, none longer than there is room for."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

from edgeenc.errors import InputError
from edgeenc.text.beginning import Beginning
from edgeenc.text.encoding import what_encoding
from edgeenc.text.packing import Piece

LONGEST_LINE = 4_000_000
"""Bytes of a line; one of a whole book is about a million. Each costs some dozens in memory while it is read."""
LONGEST_ROW = 64_000_000
"""Bytes of a document in JSON, of one or more lines."""
COLUMNS = ("text", "content", "sentence", "raw_content")
"""Where the text is in Wikipedia, GlotCC, OSCAR, RedPajama and most others; tried in this order."""


@dataclass(frozen=True, slots=True)
class TextForm:
    """A form of text files.

    Attributes:
        name: in keys and messages.
        fits: whether a file that begins so has this form; nothing where no other form fits.
        read: yields the lines of a file, of a column where it has some; an empty line ends a document.
    """

    name: str
    fits: Callable[[Beginning], bool]
    read: Callable[[Piece, str], Iterator[str]]


def decoded_lines(piece: Piece, most: int = LONGEST_LINE) -> Iterator[tuple[int, str]]:
    """Yield the lines of a file of UTF-8 with their numbers, from 1; line ends stay.

    Raises:
        InputError: it cannot be read or is damaged; a line is too long, or not UTF-8.
    """
    with piece.opened() as file:
        first = file.peek(1)
        ends_CR = b"\r" in first and b"\n" not in first
        for number, raw in enumerate(_ended_by_cr(file, most) if ends_CR else _ended_by_lf(file, most), 1):
            if len(raw) > most:
                raise too_long(piece, f"line {number}", most)
            try:
                yield number, raw.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError:
                raise InputError(f"corpus {piece.called}: line {number} {_not_utf8(raw, file)}") from None


def _ended_by_lf(file: io.BufferedReader, most: int) -> Iterator[bytes]:
    return iter(lambda: file.readline(most + 1), b"")


def _ended_by_cr(file: io.BufferedReader, most: int) -> Iterator[bytes]:
    """Yield lines as old Macintosh programs end them; a line feed ends one too."""
    rest = b""
    while block := file.read(1 << 16):
        *lines, rest = (rest + block).replace(b"\n", b"\r").split(b"\r")
        yield from (line + b"\n" for line in lines)
        if len(rest) > most:
            break
    if rest:
        yield rest


def _not_utf8(raw: bytes, file: io.BufferedReader) -> str:
    following = b"".join(islice(iter(lambda: file.readline(10_000), b""), 500))
    return f"is not UTF-8{what_encoding(raw[:100_000] + following)}"


def too_long(piece: Piece, place: str, most: int) -> InputError:
    """Return the error for a line that has no end in sight."""
    return InputError(
        f"corpus {piece.called}: {place} is longer than {most:,} bytes; put each sentence or paragraph on a line of its"
        " own"
    )


def paragraphs(piece: Piece, text: str, place: str) -> Iterator[str]:
    """Yield the lines of a document, and an empty one after it; half of a character of UTF-16 becomes U+FFFD.

    Raises:
        InputError: a line is too long.
    """
    for line in text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").split("\n"):
        if len(line) > LONGEST_LINE:
            raise too_long(piece, place, LONGEST_LINE)
        yield line
    yield ""


def shown(name: str) -> str:
    """Return the name of a column as a message can have it: one line, not long."""
    return "".join(c if c.isprintable() else "?" for c in name[:40])


def require_column(piece: Piece, column: str, texts: list[str], columns: list[str]) -> str:
    """Return the column that holds the text: the one that was named, a usual one, or the only one with text.

    Raises:
        InputError: there is none of that name, or it is not clear which it is.
    """
    if column in columns:
        return column
    usual = [name for name in COLUMNS if name in texts] or texts
    if not column and (len(texts) == 1 or usual is not texts):
        return usual[0]
    known = ", ".join(shown(name) for name in (columns if column else texts)[:12]) or "none that holds text"
    asked = f"no column {column!r}" if column else "which column holds the text?"
    raise InputError(f"corpus {piece.called}: {asked} (there are {known}); write --corpus FILE#COLUMN")
