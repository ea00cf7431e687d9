"""Packed files: which compression a file has is told by its first bytes, whatever it is called; it is read as it comes.

Held is what one block unpacks to, so that a file that unpacks to far more than there is memory costs none.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from edgeenc.errors import InputError

BLOCK = 1 << 16
DEEPEST = 3
"""Packings around each other; a file that is packed more often is made to harm."""
ZIP = b"PK\x03\x04"


@dataclass(frozen=True, slots=True)
class Packing:
    """A way to compress one file.

    Attributes:
        name: as messages call it.
        magic: the first bytes.
        opened: gives what a packed file unpacks to.
    """

    name: str
    magic: bytes
    opened: Callable[[io.BufferedReader], io.BufferedReader]


def _zst(file: io.BufferedReader) -> io.BufferedReader:
    import pyarrow as pa  # a tenth of a second, which other files do without

    return io.BufferedReader(pa.CompressedInputStream(file, "zstd"), BLOCK)


def _gz(file: io.BufferedReader) -> io.BufferedReader:
    return io.BufferedReader(gzip.GzipFile(fileobj=file, mode="rb"), BLOCK)


def _bz2(file: io.BufferedReader) -> io.BufferedReader:
    return io.BufferedReader(bz2.BZ2File(file), BLOCK)


def _xz(file: io.BufferedReader) -> io.BufferedReader:
    return io.BufferedReader(lzma.LZMAFile(file), BLOCK)


PACKINGS = (
    Packing("gz", b"\x1f\x8b", _gz),
    Packing("bz2", b"BZh", _bz2),
    Packing("xz", b"\xfd7zXZ\x00", _xz),
    Packing("zst", b"\x28\xb5\x2f\xfd", _zst),
    *(Packing("zst", bytes([first, 0x2A, 0x4D, 0x18]), _zst) for first in range(0x50, 0x60)),  # frames to be skipped
    Packing("lzma", b"\x5d\x00\x00", _xz),
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A file of a corpus, or a member of a zip file.

    Attributes:
        path: of the file.
        member: name in the zip file `path`; empty where it is none.
        what: it is to messages.
    """

    path: Path
    member: str = ""
    what: str = "corpus"

    @property
    def called(self) -> str:
        """What messages call it."""
        name = f"{self.path} ({self.member})" if self.member else str(self.path)
        return "".join(c if c.isprintable() else "?" for c in name)

    @contextmanager
    def opened(self) -> Iterator[io.BufferedReader]:
        """Give the unpacked bytes.

        Raises:
            InputError: it is no regular file, cannot be read, or is damaged; also while the bytes are read.
        """
        kind = ""
        try:
            with self._raw() as raw:
                file = raw
                for _ in range(DEEPEST):
                    found = next((one for one in PACKINGS if _begin(file).startswith(one.magic)), None)
                    if found is None:
                        break
                    kind, file = found.name, found.opened(file)
                yield file
        except FileNotFoundError:
            raise InputError(f"{self.what} {self.called}: no such file") from None
        except (lzma.LZMAError, EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile) as error:
            raise self._damaged(kind or "zip", error) from None
        except OSError as error:
            if kind and not error.errno:  # what pyarrow says
                raise self._damaged(kind, error) from None
            raise InputError(f"{self.what} {self.called}: cannot be read ({error.strerror or error})") from None
        except (NotImplementedError, RuntimeError) as error:  # what the zip library says of passwords and odd methods
            raise InputError(f"{self.what} {self.called}: cannot be unpacked ({error}); unpack it first") from None

    def _damaged(self, kind: str, error: Exception) -> InputError:
        if "too much memory" in str(error):  # zst of a window over 128 MB
            return InputError(
                f"{self.what} {self.called}: needs too much memory to be unpacked here (zst --long); unpack it first:"
                " zstd -d --long=31 FILE"
            )
        return InputError(f"{self.what} {self.called}: damaged {kind} file ({error}); fetch it again")

    @contextmanager
    def _raw(self) -> Iterator[io.BufferedReader]:
        require_regular(self.path)
        if self.member:
            with _archive(self.path, self.path.stat().st_mtime_ns).open(self.member) as file:
                assert isinstance(file, zipfile.ZipExtFile)
                yield io.BufferedReader(file, BLOCK)
        else:
            with io.FileIO(self.path) as file:
                yield io.BufferedReader(file, BLOCK)


@lru_cache(maxsize=1)
def _archive(path: Path, changed: int) -> zipfile.ZipFile:
    """Return a zip file that stays open: its list of members is read once for all of them."""
    return zipfile.ZipFile(path)


def require_regular(path: Path) -> None:
    """Refuse a pipe or a device, which may have no end, before it is opened.

    Raises:
        InputError: it is no file.
    """
    if path.exists() and not path.is_file() and not path.is_dir():
        raise InputError(f"corpus {path}: a pipe or device, not a file; the text is read twice, so save it first")


def only_member(path: Path, what: str) -> str:
    """Return the name of the only file in a zip file; "" of a file that is no zip file.

    Raises:
        InputError: it holds several files or none, or is damaged.
    """
    try:
        with path.open("rb") as file:
            if not file.read(len(ZIP)).startswith(ZIP):
                return ""
        with zipfile.ZipFile(path) as archive:
            names = [one.filename for one in archive.infolist() if not one.is_dir()]
    except (OSError, zipfile.BadZipFile) as error:
        raise InputError(f"{what} {path}: cannot be read as a zip file ({error}); fetch it again") from None
    names = [name for name in names if not name.startswith("__MACOSX/")]
    if len(names) != 1:
        raise InputError(
            f"{what} {path}: no text; it is an Excel sheet or a zip file of {len(names)} files: save it as CSV in"
            " UTF-8, or unpack it"
        )
    return names[0]


def _begin(file: io.BufferedReader) -> bytes:
    return file.peek(8)
