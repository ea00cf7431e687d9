"""How people spell tags of spans: `b-per`, `B_PER`, `B:PER`, `PER-B`, `PER` alone, or `B` alone, read as `B-PER`.

A tag here is a letter that says the place in a span, and a type; `schemes` says what the letters mean.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping

from edgeenc.tasks.tags.schemes import OUTSIDE, marks_span, scheme_of

IO = "IO"
"""The scheme without letters: every word of a span has its type, so that neighbours of one type are one span."""
OUTSIDES = frozenset({"O", "o", "0", "_", "-"})
"""How tags of entities say that a word is in none; parts of speech have no such tag."""
ENTITY_TYPES = frozenset(
    "PER PERS PERSON LOC LOCATION ORG ORGANIZATION ORGANISATION MISC GPE DATE TIME FAC NORP EVENT PRODUCT".split()
)
"""Types that most corpora of entities have; of MasakhaNER, CoNLL-2003, UniversalNER and OntoNotes."""
NAMELESS = "SPAN"
"""The type of spans where a file has letters only."""
HALF = 0.5
"""Of all words: a tag of so many is that of words outside, where all others mark spans."""

_SIGN = "[-_:/.\u2010-\u2015\u2212]"
_FIRST = re.compile(rf"([BIESLUMW]){_SIGN}(.+)", re.IGNORECASE | re.DOTALL)
_LAST = re.compile(rf"(.+){_SIGN}([BIESLUMW])", re.IGNORECASE | re.DOTALL)
_LETTER = re.compile(r"[BIESLUMW]")


def spelt(tags: Collection[str]) -> Mapping[str, str]:
    """Return those tags that mark spans in some spelling, each as `B-PER`; none where the tags are something else.

    Worked example: `b-per PER_I O` gives `B-per` and `I-PER`; `NOUN VERB O` gives nothing.
    """
    given = {tag for tag in tags if tag not in OUTSIDES}
    if given and all(map(_LETTER.fullmatch, given)):
        found = {tag: f"{tag}-{NAMELESS}" for tag in given}
        begins = bool(given & {"B"}) and (len(given) > 1 or OUTSIDE in tags)
        return found if begins and scheme_of(found.values()) else {}
    first = {tag: f"{one[1].upper()}-{one[2]}" for tag in given if (one := _FIRST.fullmatch(tag))}
    last = {tag: f"{one[2].upper()}-{one[1]}" for tag in given if (one := _LAST.fullmatch(tag))}
    found = first if len(first) == len(given) else last if len(last) == len(given) else {**last, **first}
    plain = all(tag == own for tag, own in found.items())
    outside = OUTSIDES & set(tags)
    return found if plain or outside or (len(first) == len(given) and "B" in {own[0] for own in found.values()}) else {}


def spell(counts: Mapping[str, int]) -> Mapping[str, str]:
    """Return for each tag how it is read: as `B-PER`, as `O`, or as it stands where the tags mark no spans.

    Types that differ in case alone are one, as most words have it.

    Args:
        counts: of the words that have each tag.
    """
    found = spelt(counts)
    if not found:
        return _without_letters(counts)
    sizes = Counter[str]()
    for tag, own in found.items():
        sizes[own[2:]] += counts[tag]
    kept: dict[str, str] = {}
    for kind in sorted(sizes, key=lambda one: (-sizes[one], one)):
        kept.setdefault(kind.casefold(), kind)
    read = {tag: f"{own[0]}-{kept[own[2:].casefold()]}" for tag, own in found.items()}
    others = [tag for tag in counts if tag not in read]
    for tag in others:
        alone = len(others) == 1 and counts[tag] >= HALF * sum(counts.values())
        read[tag] = OUTSIDE if tag in OUTSIDES or alone else tag
    return read


def _without_letters(counts: Mapping[str, int]) -> Mapping[str, str]:
    """Return the tags of IO as `I-PER`; others as they stand."""
    if not are_types(counts):
        return {tag: tag for tag in counts}
    return {tag: OUTSIDE if tag in ("O", "o") else f"I-{tag}" for tag in counts}


def are_types(counts: Mapping[str, int]) -> bool:
    """Tell whether tags are types of spans without letters: `O` is the most usual, or all others are known types."""
    types = {tag for tag in counts if tag not in ("O", "o")}
    if not types or len(types) == len(counts) or types & OUTSIDES:
        return False
    most = max(counts[tag] for tag in types)
    return all(tag.upper() in ENTITY_TYPES for tag in types) or sum(counts.get(tag, 0) for tag in "Oo") >= most


def mark_spans(tags: Collection[str]) -> bool:
    """Tell whether tags are those of spans in some spelling; one other may stand for `O`."""
    found = spelt(tags)
    rest = set(tags) - set(found) - OUTSIDES
    if found:
        return len(rest) <= (OUTSIDE not in tags) and scheme_of(found.values()) is not None
    if brackets(tags):
        return True
    types = {tag for tag in tags if tag not in ("O", "o")}
    return bool(types) and len(types) < len(set(tags)) and all(tag.upper() in ENTITY_TYPES for tag in types)


def kinds_of(tags: Collection[str]) -> set[str]:
    """Return the types of the spans that tags mark in some spelling."""
    return {own[2:] for own in spelt(tags).values() if marks_span(own)}


def brackets(tags: Collection[str]) -> bool:
    """Tell whether tags are brackets: `(PER*`, `*`, `*)` of CoNLL-2012, `(e1-person`, `e1)` of `Entity=`."""
    opened = [tag for tag in tags if tag.startswith("(") and len(tag) > 1]
    return bool(opened) and all(tag[0] == "(" or tag[-1] in "*)" or tag in OUTSIDES for tag in tags)
