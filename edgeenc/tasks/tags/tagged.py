"""Tagged sentences as people have them become words with IOB2 tags, and all that was mended is counted and said."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from edgeenc.errors import InputError, first_three
from edgeenc.record.steps import TagTally
from edgeenc.tasks.item import Item, Labelled, Spot, spots
from edgeenc.tasks.tags.iob2 import REMEDY
from edgeenc.tasks.tags.schemes import IOB1, IOB2, OUTSIDE, as_iob2, begins_alone, marks_span, scheme_of
from edgeenc.tasks.tags.spellings import IO, brackets, spell

FEW = 0.1
"""Of the words that are tagged as in a span: fewer than this share of other tags are mistakes, more are no spans."""

_PREFIX = re.compile(r"[a-z]{2,}(-[a-z]+)*:")
"""A language before a word, as in WikiANN: `tl:`, `zh-min-nan:`."""
_NOWHERE = (f"B-{OUTSIDE}", f"I-{OUTSIDE}")
"""Spans of the type `O`, which UniversalNER has: outside."""

Files = Sequence[Labelled]


def mend(files: Files, *, spans: bool) -> tuple[Files, TagTally | None, tuple[str, ...]]:
    """Return the files without language prefixes and empty words and with IOB2 tags, the counts, and lines that say it.

    Args:
        files: all of a task, since a scheme is that of all.
        spans: whether tags of spans are put into IOB2; without it they stay as they are.

    Raises:
        InputError: a few tags are none of the others' scheme, or the letters of the tags are of no scheme.
    """
    bare, prefixed = _without_prefixes(files)
    whole, empty = _without_empty_words(bare)
    tagged, scheme, strays, spelling = _in_iob2(whole) if spans else (whole, "", [], "")
    tally = TagTally(scheme=scheme, strays=len(strays), empty=len(empty), prefixed=prefixed)
    words = sum(len(item.words) for file in files for item in file.items)
    lines = [
        f"a language stands before each of {prefixed:,} words (as tl: in WikiANN), and is taken off"
        if prefixed
        else "",
        f"empty words, left out: {len(empty):,} of {words:,}: {first_three(empty)}" if empty else "",
        spelling,
        f"the tags are {IO}, without B- or I-: neighbours of one type are one span; they are converted to {IOB2}"
        if scheme == IO
        else "",
        f"the tags are {scheme}; they are converted to {IOB2}" if scheme not in ("", IO, IOB2) else "",
        f"spans that begin without B-: {len(strays):,} of {words:,} tags, written as B-: {first_three(strays)}"
        if strays
        else "",
    ]
    said = tuple(filter(None, lines))
    return tagged, tally if said else None, said


def _without_prefixes(files: Files) -> tuple[Files, int]:
    """Take a language off the words of each file in which every word has the same one; return how many words had it."""
    found, count = list[Labelled](), 0
    for file in files:
        words = [word for item in file.items for word in item.words]
        prefix = _PREFIX.match(words[0]) if len(words) > 1 else None
        if prefix and all(word.startswith(prefix[0]) for word in words):
            count += len(words)
            file = _mapped(file, partial(_cut, letters=len(prefix[0])))
        found.append(file)
    return found, count


def _cut(item: Item, letters: int) -> Item:
    return replace(item, words=tuple(word[letters:] for word in item.words))


def _without_empty_words(files: Files) -> tuple[Files, list[Spot]]:
    """Leave out words of nothing but spaces, which no text has, and sentences of nothing else."""
    empty = [spot for spot in spots(files) if not spot.word.strip()]
    if not empty:
        return files, empty
    kept = [replace(file, items=tuple(item for item in map(_kept, file.items) if item.words)) for file in files]
    return kept, empty


def _kept(item: Item) -> Item:
    """Return an item with the words that are there; a span whose first word is not begins with its next."""
    labels = list(item.labels)
    there = [place for place, word in enumerate(item.words) if word.strip()]
    for place, word in enumerate(item.words[:-1]):
        after = labels[place + 1]
        if not word.strip() and labels[place][:2] == "B-" and after == f"I-{labels[place][2:]}":
            labels[place + 1] = labels[place]
    picked: Callable[[Sequence[str]], tuple[str, ...]] = lambda every: tuple(every[place] for place in there)  # noqa: E731
    lines = tuple(item.lines[place] for place in there) if item.lines else ()
    spaces = tuple(item.spaces[place] for place in there) if item.spaces else ()
    return Item(picked(item.words), picked(labels), spaces, lines)


def _in_iob2(files: Files) -> tuple[Files, str, list[Spot], str]:
    """Return the files with tags in IOB2, the scheme that they had, those that begin a span unlike it, and a line."""
    files = [_mapped(file, _outside) for file in files]
    given = Counter(label for file in files for item in file.items for label in item.labels)
    read = spell(given)
    if not _are_spans(files, read):
        return files, "", [], ""
    scheme = IO if all(own in (OUTSIDE, f"I-{tag}") for tag, own in read.items()) else scheme_of(read.values())
    if scheme is None:
        letters = ", ".join(sorted({f"{tag[0]}-" for tag in read.values() if tag != OUTSIDE}))
        raise InputError(f"task data {files[0].path}: tags with {letters} are of no one scheme; {REMEDY}")
    strays, converted = list[Spot](), list[Labelled]()
    for file in files:
        items = list[Item]()
        for item in file.items:
            labels, places = as_iob2([read[label] for label in item.labels])
            lines = item.lines or (0,) * len(labels)
            strays += [Spot(file.path, lines[place], item.words[place], item.labels[place]) for place in places]
            items.append(replace(item, labels=labels))
        converted.append(replace(file, items=tuple(items)))
    line = "" if scheme == IO else _spelling_line(read)
    if scheme == IO:
        return converted, IO, [], line
    alone = (begins_alone([read[label] for label in item.labels]) for file in files for item in file.items)
    if scheme == IOB2 and strays and not any(alone):
        return converted, IOB1, [], line
    return converted, scheme, strays, line


def _spelling_line(read: Mapping[str, str]) -> str:
    """Return what is said of tags that are spelt in another way; nothing where none is."""
    other = sorted(f"{tag!r} as {own!r}" for tag, own in read.items() if tag != own)
    said = "tags of spans that are spelt in another way are read as B-X, I-X and O"
    return f"{said}: {first_three(other)}" if other else ""


def _are_spans(files: Files, read: Mapping[str, str]) -> bool:
    """Tell whether tags are those of spans, from how each is read.

    Raises:
        InputError: they are but for some, which are named; or they are brackets.
    """
    if brackets(read):
        raise InputError(
            f"task data {files[0].path}: tags in brackets such as {min(read)!r} (CoNLL-2012, Entity=); {REMEDY}"
        )
    if any(own != OUTSIDE and not marks_span(own) for own in read.values()):
        every = list(spots(files))
        other = [spot for spot in every if read[spot.label] != OUTSIDE and not marks_span(read[spot.label])]
        marked = sum(marks_span(read[spot.label]) for spot in every)
        if len(other) >= FEW * marked and (OUTSIDE not in read.values() or not marked):
            return False
        raise InputError(
            f"task data {other[0].path}: {len(other):,} of {len(every):,} tags do not mark spans as the others do:"
            f" {first_three(other)}; {REMEDY}"
        )
    tags = set(read.values())
    return tags != {OUTSIDE} and (scheme_of(tags) is not None or OUTSIDE in tags)


def _outside(item: Item) -> Item:
    """Return an item whose spans of type `O` are outside."""
    if not any(label in _NOWHERE for label in item.labels):
        return item
    return replace(item, labels=tuple(OUTSIDE if label in _NOWHERE else label for label in item.labels))


def _mapped(file: Labelled, change: Callable[[Item], Item]) -> Labelled:
    return replace(file, items=tuple(map(change, file.items)))
