"""Labels and texts that every later step can hold: of characters that can be written, and classes, not measures."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from edgeenc.errors import InputError
from edgeenc.tasks.files.datafile import wrong
from edgeenc.tasks.item import Item, Labelled

MOST_FRACTIONS = 10
"""Different labels with a fraction, as half stars are; more of them are a measure."""

_NO_TEXT = re.compile("[\0\ud800-\udfff]")
_NO_LABEL = re.compile("[\0-\x1f\x7f-\x9f\ud800-\udfff]")
_FLOAT = re.compile(r"-?\d+\.\d+")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")


def require_plain(file: Labelled) -> None:
    """Do nothing if all words and labels can be written and shown.

    Raises:
        InputError: a NUL or half a surrogate pair in a word, or any control character in a label.
    """
    for item in file.items:
        for place, (word, label) in enumerate(zip(item.words, item.labels, strict=True)):
            for what, found in (("text", _NO_TEXT.search(word)), ("label", _NO_LABEL.search(label))):
                if found:
                    line = item.lines[place] if item.lines else 0
                    said = f"U+{ord(found[0]):04X} in a {what}, which is no character of text; remove it"
                    raise wrong(file.path, line, said, file.unit)


def without_fractions(files: Sequence[Labelled]) -> tuple[Sequence[Labelled], tuple[str, ...]]:
    """Return the files with `1.0` as `1` where all labels are numbers, and a line that says it.

    Raises:
        InputError: the labels are measures: many different numbers with a fraction.
    """
    labels = {label for file in files for item in file.items for label in item.labels}
    floats = {label for label in labels if _FLOAT.fullmatch(label)}
    if not floats or not all(map(_NUMBER.fullmatch, labels)):
        return files, ()
    parts = {label for label in floats if label.rstrip("0")[-1] != "."}
    if len(parts) > MOST_FRACTIONS:
        raise InputError(
            f"task data {files[0].path}: {len(parts):,} different labels with a fraction"
            f" ({', '.join(sorted(parts)[:3])}, ...); a classifier learns classes: round them, or cut them into a few"
        )
    if parts:
        return files, ()

    def whole(item: Item) -> Item:
        return replace(item, labels=tuple(label.partition(".")[0] for label in item.labels))

    evened = [replace(file, items=tuple(map(whole, file.items))) for file in files]
    return evened, (f"labels such as {min(floats)} are read as {min(floats).partition('.')[0]}",)
