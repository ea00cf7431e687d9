"""What was built, in words: an encoder, a classifier of texts, or a tagger of words."""

from __future__ import annotations

from edgeenc.record.facts import Facts
from edgeenc.record.scores import Score
from edgeenc.tasks.task_kind import solver_of

NAMES = {"ner": "named-entity", "pos": "part-of-speech"}
"""Tasks whose names are abbreviations."""


def title(facts: Facts) -> str:
    """Return what a build is called: `Tagalog encoder (tl)`, `Tagalog topic classifier (tl)`."""
    kinds = dict.fromkeys(map(_kind, facts.tasks)) or ["encoder" if facts.vectors is None else "sentence encoder"]
    return f"{facts.language.name} {' and '.join(kinds)} ({facts.language.tag})"


def _kind(score: Score) -> str:
    name = NAMES.get(score.task, score.task.replace("-", " "))
    return f"{name} {solver_of(score.kind, score.metric)}"
