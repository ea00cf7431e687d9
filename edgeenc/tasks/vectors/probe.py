"""A linear probe: what a logistic regression on the vectors of labelled texts tells of others.

Axis letters: N texts, F features.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

from edgeenc.record.vectors import LEXICAL, Interval, ProbeScore
from edgeenc.tasks.examples import TaskData
from edgeenc.tasks.item import Item, Predicted
from edgeenc.tasks.scores.bootstrap import estimate
from edgeenc.tasks.scores.metrics import MACRO_F1
from edgeenc.tasks.vectors.lexical import PRECISION, lexical_features
from edgeenc.tasks.vectors.reader import Reader, some

STRENGTH = 10.0
"""The inverse of the L2 penalty, the same for every model; vectors of length 1 need a weaker one than 1."""
MOST_STEPS = 2000
MOST_TEXTS = 1000
"""Of a part: vectors of more cost minutes and say little more."""


@dataclass(frozen=True)
class Probe:
    """A labelled set for a probe: at most `MOST_TEXTS` of its training part and of its test part.

    Attributes:
        task: what figures call it.
        train, test: one label a text.
    """

    task: str
    train: tuple[Item, ...]
    test: tuple[Item, ...]


def probe_of(task: str, data: TaskData) -> Probe | None:
    """Return a labelled set for a probe; None where labels are of words."""
    if any(len(item.words) != 1 for item in data.train) or not data.kind.reads_first:
        return None
    return Probe(task, some(data.train, MOST_TEXTS), some(data.test, MOST_TEXTS))


def probe_reader(probe: Probe, reader: Reader) -> ProbeScore:
    """Return what a model's vectors of the training texts tell of the labels of the test texts."""
    train_NF, test_NF = (reader.searches(_texts(items)) for items in (probe.train, probe.test))
    return _scored(probe, reader.model, reader.precision, _labels(probe, train_NF, test_NF))


def probe_lexical(probe: Probe) -> ProbeScore:
    """Return the same of character n-grams."""
    train_NF, test_NF = lexical_features(_texts(probe.train), _texts(probe.test))
    return _scored(probe, LEXICAL, PRECISION, _labels(probe, train_NF, test_NF))


def _labels(probe: Probe, train_NF: object, test_NF: object) -> Predicted:
    """Return a label for each test text."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the same number of steps for every model is what counts
        model = LogisticRegression(C=STRENGTH, max_iter=MOST_STEPS)
        model.fit(train_NF, [item.labels[0] for item in probe.train])
    return [(str(label),) for label in model.predict(test_NF)]


def _scored(probe: Probe, model: str, precision: str, said: Predicted) -> ProbeScore:
    found = estimate(MACRO_F1, probe.test, [said])
    macro_f1 = Interval(value=found.value, low=found.low, high=found.high)
    counts = {"train": len(probe.train), "n": len(probe.test)}
    return ProbeScore(task=probe.task, model=model, precision=precision, macro_f1=macro_f1, **counts)


def _texts(items: Sequence[Item]) -> list[str]:
    return [item.words[0] for item in items]
