"""Compare what two bundles said of the same labelled examples, example by example."""

from __future__ import annotations

from dataclasses import replace

from edgeenc.bundle.compared import Line, words
from edgeenc.record.bundle import Predictions
from edgeenc.report.kept import NOTHING_SEEN


def unlike(a: Predictions, b: Predictions) -> str:
    """Return why two bundles cannot be compared example by example, or nothing where they can."""
    if a.items != b.items:
        return f"the gold labels of the test examples differ ({len(a.items):,} and {len(b.items):,} examples)"
    if a.texts != b.texts:
        return "the texts of the test examples differ, or one bundle does not tell them"
    return ""


def paired_line(line: Line, answers: tuple[Predictions, Predictions], names: tuple[str, str]) -> Line:
    """Return a line with the paired difference; examples are told by their gold labels alone, which is all it needs.

    Args:
        line: of both figures as stored.
        answers: of both bundles, which are not `unlike`.
        names: model and precision of which each is compared.
    """
    from edgeenc.tasks.item import Item
    from edgeenc.tasks.scores.bootstrap import paired
    from edgeenc.tasks.task_kind import metric_named

    items = [Item(words=labels, labels=labels) for labels in answers[0].items]
    a, b = (one.models[name] for one, name in zip(answers, names, strict=True))
    found = paired(metric_named(answers[0].metric), items, b, a)
    said = words(-found.value) if found.seen else NOTHING_SEEN
    how = f"points, 95 % CI, paired over {len(items):,} examples"
    return replace(line, change=found.value, words=said, low=found.low, high=found.high, how=how)
