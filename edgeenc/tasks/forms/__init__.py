"""The forms of labelled data that are read: one value in one file each, found by listing this folder."""

from __future__ import annotations

from pathlib import Path

from edgeenc.errors import InputError
from edgeenc.kinds import values_of
from edgeenc.tasks.files.datafile import NOTES, suffix
from edgeenc.tasks.files.given_file import GivenFile
from edgeenc.tasks.labelled_form import Fit, LabelledForm


def forms() -> tuple[LabelledForm, ...]:
    """Return every form."""
    return values_of(__name__, LabelledForm)


def suffixes() -> tuple[str, ...]:
    """Return the suffixes of all forms, and that of notes, whose text is looked at."""
    return (*(one for form in forms() for one in form.suffixes), NOTES)


def given_file(path: Path, *, numbered: bool = False) -> GivenFile:
    """Return a file, with its suffix if a form has it; nothing of it is read."""
    told = suffix(path)
    return GivenFile(path, told if told in suffixes() and told != NOTES else "", numbered)


def form_of(given: GivenFile) -> LabelledForm:
    """Return the form of a file: by its text where that is sure, else by its name, else by what it looks like.

    Raises:
        InputError: it has none; or its text cannot be read.
    """
    named = next((form for form in forms() if given.suffix in form.suffixes), None)
    if named is not None and not named.is_text:
        return named

    def sure(form: LabelledForm) -> Fit:
        return max(form.looks(given), Fit.NAMED if form is named else Fit.NO)

    best = max(forms(), key=sure)
    if sure(best) is Fit.NO:
        raise InputError(
            f"task data {given.path}: unknown format {suffix(given.path)!r}; known: {' '.join(suffixes())},"
            " text also .gz or .xz"
        )
    return best
