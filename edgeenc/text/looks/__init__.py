"""What is no text, told by looking at it: one kind in one file each, found by listing this folder."""

from __future__ import annotations

from edgeenc.kinds import values_of
from edgeenc.text.beginning import Beginning
from edgeenc.text.look import Look


def no_text(head: Beginning) -> tuple[Look, str] | None:
    """Return what a file is and what to do with it, where it begins as no text does."""
    looks = sorted(values_of(__name__, Look), key=lambda look: look.rank)
    return next(((look, said) for look in looks if (said := look.said(head))), None)
