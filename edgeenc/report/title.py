"""What was built, in words: an encoder, a classifier of texts, or a tagger of words."""

from __future__ import annotations

from edgeenc.record.facts import Facts
from edgeenc.record.scores import Score

OF_WORDS = ("span_f1", "token_accuracy")
"""Metrics of labelled words; the others are of whole texts."""
NAMES = {"ner": "named-entity", "pos": "part-of-speech"}
"""Tasks whose names are abbreviations."""


def title(facts: Facts) -> str:
    """Return what a build is called: `Tagalog encoder (tl)`, `Tagalog topic classifier (tl)`."""
    kinds = dict.fromkeys(map(_kind, facts.tasks)) or ["encoder"]
    return f"{facts.language.name} {' and '.join(kinds)} ({facts.language.tag})"


def _kind(score: Score) -> str:
    name = NAMES.get(score.task, score.task.replace("-", " "))
    return f"{name} {'tagger' if score.metric in OF_WORDS else 'classifier'}"
