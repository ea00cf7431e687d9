"""Which columns of tags a task may learn: `ner` no parts of speech, `pos` no spans, by name and by what they hold.

A column that is named on the command line is not asked.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from edgeenc.tasks.tags.schemes import are_spans, span_types

UPOS = frozenset("ADJ ADP ADV AUX CCONJ DET INTJ NOUN NUM PART PRON PROPN PUNCT SCONJ SYM VERB X".split())
"""Universal parts of speech; source: https://universaldependencies.org/u/pos/."""
CHUNKS = frozenset("ADJP ADVP CONJP INTJ LST NP PP PRT SBAR UCP VP".split())
"""Types of chunks, of CoNLL-2000 and the third column of CoNLL-2003; source: arXiv:cs/0009008."""
OUTSIDES = frozenset({"O", "o", "0", "_", "-"})
"""How tags of entities say that a word is in none; parts of speech have no such tag."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What tags can mean.

    Attributes:
        words: one of them is part of the name of a task or a column of this meaning.
        said: in a message.
        outsides: tags of words that are in no span, of which other columns have none; nothing where all words count.
    """

    words: frozenset[str]
    said: str
    outsides: frozenset[str] = frozenset()


ENTITIES = Meaning(frozenset({"ner", "ne", "entity", "entities"}), "named entities", OUTSIDES)
SPEECH = Meaning(frozenset({"pos", "upos", "xpos"}), "parts of speech")
CHUNKED = Meaning(frozenset({"chunk", "chunks", "chunking"}), "chunks")
MEANINGS = (ENTITIES, SPEECH, CHUNKED)


def named_meaning(name: str) -> Meaning | None:
    """Return what a task or column of that name means: `ner_tags` named entities; None for other names."""
    words = set(re.split(r"[^a-z]+", name.lower()))
    return next((meaning for meaning in MEANINGS if words & meaning.words), None)


def held_meaning(tags: Collection[str]) -> Meaning | None:
    """Return what tags mean by themselves: spans, chunks, universal parts of speech; None for other tags."""
    if are_spans(tags):
        return CHUNKED if "NP" in span_types(tags) and span_types(tags) <= CHUNKS else ENTITIES
    return SPEECH if len(tags) > 1 and set(tags) - {"_"} <= UPOS else None
