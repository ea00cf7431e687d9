"""The files of a corpus: one, or those in a folder or a zip file, of which what is no text is passed over and named."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from edgeenc.errors import InputError
from edgeenc.machine.disk import is_file
from edgeenc.record.steps import files_said
from edgeenc.text.forms import NoText, form_of
from edgeenc.text.packing import ZIP, Piece, require_regular
from edgeenc.text.text_form import TextForm

MOST_FILES = 100_000
_NOTES = ("readme", "license", "licence", "changelog", "copying")
_NO_MEMBERS = b"PK\x05\x06"
"""How a zip file without members begins."""
_DOCUMENTS = ("[content_types].xml", "mimetype", "meta-inf/manifest.mf")
"""Members of zip files that are documents or programs: docx, xlsx, odt, epub, jar."""


@dataclass(frozen=True, slots=True)
class CorpusFiles:
    """The files that a corpus is read from, in their order, and what was passed over.

    Attributes:
        pieces: each file with its form.
        passed_over: names of files of a folder or a zip file that are no text, each with what it is.
        several: whether the corpus is a folder or a zip file.
    """

    pieces: tuple[tuple[Piece, TextForm], ...]
    passed_over: tuple[str, ...] = ()
    several: bool = False

    @property
    def forms(self) -> tuple[str, ...]:
        """The names of the forms that there are, sorted."""
        return tuple(sorted({form.name for _, form in self.pieces}))

    @property
    def said(self) -> str:
        """How many files of a folder are read, and which are not and why, in the words of a build; else nothing."""
        return files_said(len(self.pieces), len(self.passed_over), self.passed_over) if self.several else ""

    def require_column(self, column: str) -> None:
        """Read the first line of each file, which refuses a column that is not there or not clear.

        Raises:
            InputError: as `lines`.
        """
        for piece, form in self.pieces:
            next(form.read(piece, column), "")

    def lines(self, column: str = "") -> Iterator[str]:
        """Yield the lines of all files as they are; an empty one ends a document, and stands between two files.

        Raises:
            InputError: a file cannot be read or is damaged, a line is not UTF-8 or too long, or no column so called.
        """
        for place, (piece, form) in enumerate(self.pieces):
            if place:
                yield ""
            yield from form.read(piece, column)


def corpus_files(path: Path) -> CorpusFiles:
    """Look at a file, a folder or a zip file and return what is to be read.

    Raises:
        InputError: it is missing, a pipe or a device, or no text; or none of several files is.
    """
    require_regular(path)
    if not path.is_dir() and not _is_zip(path):
        piece = Piece(path)
        return CorpusFiles(((piece, form_of(piece)),))
    found, passed, refused = list[tuple[Piece, TextForm]](), list[str](), list[NoText]()
    for name, piece in _in_folder(path, passed) if path.is_dir() else _in_zip(path):
        try:
            if name.rpartition("/")[2].lower().startswith(_NOTES):
                raise NoText(": a note")
            if not piece.member and not piece.path.stat().st_size:
                raise NoText(": an empty file")
            found.append((piece, form_of(piece)))
        except NoText as error:
            if error.is_text:
                refused.append(error)
            passed.append(_said_of(name, piece, error))
    require_utf8(refused)
    if not found:
        said = f": {'; '.join(passed[:3])}" if passed else ""
        raise InputError(f"corpus {path}: no text in it, {len(passed)} other files{said}; expected UTF-8 text")
    return CorpusFiles(tuple(found), tuple(passed), several=True)


def _said_of(name: str, piece: Piece, error: NoText) -> str:
    what = str(error).removeprefix(f"corpus {piece.called}").removeprefix(": ").partition(";")[0]
    return f"{''.join(c if c.isprintable() else '?' for c in name)}: {what}"


def require_utf8(refused: Sequence[NoText]) -> None:
    """Refuse files of a folder that are text in another encoding: to pass them over would lose text that is meant.

    Raises:
        NoText: there is one; it is named as it would be alone, and the others are counted.
    """
    if refused:
        more = len(refused) - 1
        raise NoText(
            f"{refused[0]}" + (f" (and {more} more file{'s' if more > 1 else ''} of another encoding)" if more else "")
        )


def _in_folder(folder: Path, passed: list[str]) -> Iterator[tuple[str, Piece]]:
    """Yield all files by their sorted paths, those that are hidden left out; of a zip file its members.

    What cannot be looked into, broken links and documents of an office, is said in `passed`.
    """
    paths = list(islice(_walk(folder), MOST_FILES + 1))
    if len(paths) > MOST_FILES:
        raise InputError(f"corpus {folder}: over {MOST_FILES:,} files; give a folder of text alone")
    for path in sorted(paths):
        name = path.relative_to(folder).as_posix()
        if not is_file(path):
            passed.append(f"{name}: a link to nothing, or no file")
        elif not _is_zip(path):
            yield name, Piece(path)
        else:
            try:
                yield from [(f"{name}/{member}", piece) for member, piece in _in_zip(path)]
            except NoText as error:
                passed.append(_said_of(name, Piece(path), error))


def _walk(folder: Path) -> Iterator[Path]:
    """Yield what is no folder; links to folders are followed, each folder once."""
    known = {folder.resolve()}
    for place, folders, names in os.walk(folder, onerror=_unreadable, followlinks=True):
        found = {name: Path(place, name).resolve() for name in sorted(folders) if not name.startswith(".")}
        folders[:] = [name for name, real in found.items() if real not in known]  # which are walked next
        known.update(found.values())
        for name in names:
            if not name.startswith("."):
                yield Path(place, name)


def _unreadable(error: OSError) -> None:
    raise InputError(f"corpus {error.filename}: cannot be read ({error.strerror or error})")


def _is_zip(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(ZIP)) in (ZIP, _NO_MEMBERS)
    except OSError:
        return False  # what it is, is said where it is read


def _in_zip(path: Path) -> Iterator[tuple[str, Piece]]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = [one.filename for one in archive.infolist() if not one.is_dir()]
    except (zipfile.BadZipFile, OSError) as error:
        raise InputError(f"corpus {path}: damaged zip file ({error}); fetch it again") from None
    if any(name.lower() in _DOCUMENTS for name in names):
        raise NoText(f"corpus {path}: a document of an office program, or a book; save it as UTF-8 text first")
    if len(names) > MOST_FILES:
        raise InputError(f"corpus {path}: over {MOST_FILES:,} files; give text alone")
    for name in sorted(names):
        if not name.rpartition("/")[2].startswith(".") and not name.startswith("__MACOSX/"):
            yield name, Piece(path, name)
