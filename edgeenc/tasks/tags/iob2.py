"""Tags that mark spans: `B-X` for the first word of a span of type X, `I-X` for its other words, `O` outside."""

from __future__ import annotations

from collections.abc import Iterable

from edgeenc.errors import InputError
from edgeenc.tasks.item import Item, Predicted

REMEDY = (
    "write the tags in IOB2 (B-X for the first word of a span, I-X for its other words, O outside),"
    " or score words with the metric token_accuracy"
)


def check_iob2(items: Iterable[Item], part: str = "test") -> None:
    """Do nothing if all tags are IOB2: `O`, `B-X`, or `I-X` right after `B-X` or `I-X` of the same type.

    Raises:
        InputError: they are not; part, sentence and word are named, both counted from 1.
    """
    for number, item in enumerate(items, 1):
        before = "O"
        for place, tag in enumerate(item.labels):
            where = f"{part} part, sentence {number}, word {place + 1} ({item.words[place]!r})"
            if tag != "O" and (tag[:2] not in ("B-", "I-") or len(tag) < 3):
                raise InputError(f"{where}: the tag {tag!r} is not IOB2; {REMEDY}")
            if tag[0] == "I" and before not in (f"B{tag[1:]}", tag):
                raise InputError(f"{where}: {tag!r} after {before!r} starts no span in IOB2; {REMEDY}")
            before = tag


def outside(predicted: Predicted) -> list[list[str]]:
    """Return the predicted tags as seqeval takes them: lists, and `O` for a word without prediction."""
    return [[tag or "O" for tag in tags] for tags in predicted]
