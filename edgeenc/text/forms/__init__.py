"""The forms of text files that are read: one value in one file each, found by listing this folder."""

from __future__ import annotations

from edgeenc.errors import InputError
from edgeenc.kinds import values_of
from edgeenc.text.beginning import beginning_of
from edgeenc.text.forms.plain import FORM as PLAIN
from edgeenc.text.looks import no_text
from edgeenc.text.packing import Piece
from edgeenc.text.text_form import TextForm


class NoText(InputError):
    """A file that is whole and readable, and holds something else than text.

    Attributes:
        is_text: whether it holds text after all, but not as it must be.
    """

    def __init__(self, message: str, *, is_text: bool = False) -> None:
        super().__init__(message)
        self.is_text = is_text


def form_of(piece: Piece) -> TextForm:
    """Return the form of a file, by its beginning.

    Raises:
        NoText: it is no text; the message says what it is.
        InputError: it is missing, cannot be read or is damaged.
    """
    with piece.opened() as file:
        head = beginning_of(file, piece.member or piece.path.name)
    found = next((form for form in values_of(__name__, TextForm) if form.fits(head)), None)
    if found is None and (told := no_text(head)):
        raise NoText(f"corpus {piece.called}: {told[1]}", is_text=told[0].is_text)
    return found or PLAIN
