"""Schemes of tags that mark spans, recognised by their letters and written as IOB2.

In each a tag is `O`, or a letter, a hyphen and the type of a span. Letters that begin a span: B, S, U, W; letters that
end one: E, L, S, U, W; I and M are inside.

Source: IOB1: Ramshaw and Marcus 1995, arXiv:cmp-lg/9505040; IOBES and BILOU: Ratinov and Roth 2009 (W09-1119).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

IOB1, IOB2 = "IOB1", "IOB2"
OUTSIDE = "O"
_LETTERS = {IOB2: "BI", "IOBES": "BIES", "BILOU": "BILU", "BMES": "BMES", "BMEWO": "BMEW"}
_TAG = re.compile(r"[BIESLUMW]-.+", re.DOTALL)


def marks_span(tag: str) -> bool:
    """Tell whether a tag has the form of one for a word in a span."""
    return bool(_TAG.fullmatch(tag))


def are_spans(tags: Collection[str]) -> bool:
    """Tell whether tags are those of spans: every one `O` or `X-...`, of one scheme, with one that marks a span."""
    marked = {tag for tag in tags if tag != OUTSIDE}
    return bool(marked) and all(map(marks_span, marked)) and scheme_of(marked) is not None


def span_types(tags: Collection[str]) -> set[str]:
    """Return the types of the spans: `PER` of `B-PER`."""
    return {tag[2:] for tag in tags if marks_span(tag)}


def scheme_of(tags: Collection[str]) -> str | None:
    """Return the first scheme that has the letters of all tags; IOB1 is told from IOB2 by `begins_alone`."""
    letters = {tag[0] for tag in tags if marks_span(tag)}
    return next((name for name, own in _LETTERS.items() if letters <= set(own)), None)


def begins_alone(tags: Sequence[str]) -> bool:
    """Tell whether a `B-X` of a sentence stands where no span of type X ends: in IOB1 none does."""
    pairs = zip([OUTSIDE, *tags], tags, strict=False)
    return any(tag[:1] == "B" and before[2:] != tag[2:] for before, tag in pairs)


def as_iob2(tags: Sequence[str]) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Return the tags of a sentence in IOB2, and the places of those that start a span without a letter that begins.

    Worked example: `I-PER E-PER O S-LOC` is `B-PER I-PER O B-LOC`, and place 0 is one of these.
    """
    found, strays, open_type = list[str](), list[int](), ""
    for place, tag in enumerate(tags):
        if tag == OUTSIDE:
            found.append(OUTSIDE)
            open_type = ""
            continue
        letter, kind = tag[0], tag[2:]
        begins = letter in "BSUW"
        starts = begins or kind != open_type
        found.append(f"{'B' if starts else 'I'}-{kind}")
        if starts and not begins:
            strays.append(place)
        open_type = "" if letter in "ELSUW" else kind
    return tuple(found), tuple(strays)
