"""Which columns of tags a task may learn: `ner` no parts of speech, `pos` no spans, by name and by what they hold.

A column that is named on the command line is not asked.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from edgeenc.tasks.tags.spellings import OUTSIDES, kinds_of, mark_spans

UPOS = frozenset("ADJ ADP ADV AUX CCONJ DET INTJ NOUN NUM PART PRON PROPN PUNCT SCONJ SYM VERB X".split())
"""Universal parts of speech; source: https://universaldependencies.org/u/pos/."""
PENN = frozenset(
    "CC CD DT EX FW IN JJ JJR JJS LS MD NN NNP NNPS NNS PDT POS PRP PRP$ RB RBR RBS RP SYM TO UH VB VBD VBG VBN VBP VBZ"
    " WDT WP WP$ WRB . , : `` '' ( ) # $ -LRB- -RRB- HYPH NFP ADD AFX GW XX".split()
)
"""Parts of speech of the Penn Treebank and OntoNotes; source: Santorini 1990, MS-CIS-90-47."""
CHUNKS = frozenset("ADJP ADVP CONJP INTJ LST NP PP PRT SBAR UCP VP".split())
"""Types of chunks, of CoNLL-2000 and the third column of CoNLL-2003; source: arXiv:cs/0009008."""


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
    """Return what tags mean by themselves: spans, chunks, parts of speech that are known; None for other tags."""
    if mark_spans(tags):
        return CHUNKED if "NP" in kinds_of(tags) and kinds_of(tags) <= CHUNKS else ENTITIES
    upper = {tag.upper() for tag in tags if tag != "_"}
    return SPEECH if len(upper) > 1 and (upper <= UPOS or upper <= PENN) else None
