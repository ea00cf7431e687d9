"""A linear probe: what logistic regressions on the vectors of labelled texts tell of others.

By cross-validation: the texts of all parts of a set are dealt into five folds, alike in their labels, and those of each
fold are told by a regression that learnt from the other four. So every text counts, 1,004 of a set whose test part has
204, and all models and character n-grams are asked about the same texts by the same folds. Encoders never learnt from
these labels, and neither a checkpoint nor a strength of the penalty is chosen by what comes out, so no part has to be
kept for a last look. Macro F1 is taken once over what was told of all texts, not as the mean over folds, in which a
rare label would be a handful of texts. Its interval says how far the figure depends on which texts were told, not on
how they were dealt. Texts out of one article may lie in different folds, which helps every model.

Source: Stone, Cross-Validatory Choice and Assessment of Statistical Predictions (1974); folds alike in labels: Kohavi,
A Study of Cross-Validation and Bootstrap for Accuracy Estimation and Model Selection (1995), by scikit-learn's
StratifiedKFold; F1 over all folds together: Forman and Scholz, Apples-to-Apples in Cross-Validation Studies (2010).

Axis letters: N texts, F features.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from edgeenc.record.bundle import Predictions
from edgeenc.record.scores import Difference
from edgeenc.record.vectors import LEXICAL, Interval, ProbeScore
from edgeenc.tasks.chosen import PICK, chosen
from edgeenc.tasks.examples import TaskData
from edgeenc.tasks.item import Item, Predicted
from edgeenc.tasks.scores.bootstrap import estimate, paired
from edgeenc.tasks.scores.metrics import MACRO_F1
from edgeenc.tasks.vectors.lexical import PRECISION, lexical_features
from edgeenc.tasks.vectors.reader import Reader

STRENGTH = 10.0
"""The inverse of the L2 penalty, the same for every model; vectors of length 1 need a weaker one than 1."""
MOST_STEPS = 2000
MOST_TEXTS = 1500
"""Of a set: vectors of more cost minutes and say little more. The 1,004 of SIB-200 are all told."""
FOLDS = 5
FEWEST_TEXTS = 50
"""Of fewer, a fold has less than ten, and the interval of macro F1 is wider than any difference that is looked for."""

Places = tuple[int, ...]


@dataclass(frozen=True)
class Probe:
    """A labelled set for a probe.

    Attributes:
        task: what figures call it.
        items: one label a text; no text is there twice.
        folds: of each fold the places of its texts; every text is in one of them.
        left_out: texts whose labels are too rare to be in every fold.
    """

    task: str
    items: tuple[Item, ...]
    folds: tuple[Places, ...]
    left_out: int = 0

    @property
    def parts(self) -> Iterator[tuple[Places, Places]]:
        """Of each fold the places of the texts to learn from, and of those that are told."""
        for told in self.folds:
            yield tuple(sorted(set(range(len(self.items))).difference(told))), told


@dataclass(frozen=True)
class Told:
    """What was told of each text of a probe, in their order, by the vectors of a model."""

    model: str
    precision: str
    labels: Predicted

    @property
    def name(self) -> str:
        """Model and precision in one, such as `student int8`."""
        return f"{self.model} {self.precision}"


def probe_of(task: str, data: TaskData) -> Probe | None:
    """Return a labelled set for a probe, its parts together; None where labels are of words, or there is too little.

    A text that occurs twice counts once, since one of the two would be learnt and the other told. Of many texts
    `MOST_TEXTS` are taken. A label with fewer texts than folds could not be both learnt and told in each of them; its
    texts are left out and counted, for fewer folds would have every label learnt from fewer texts. Of fewer than
    `FEWEST_TEXTS` that remain, or of one label alone, there is no probe.
    """
    if any(len(item.words) != 1 for item in data.train) or not data.kind.reads_first:
        return None
    once = {item.words: item for item in reversed((*data.train, *data.validation, *data.test))}
    taken = chosen(tuple(reversed(once.values())), MOST_TEXTS)
    texts_of = Counter(item.labels for item in taken)
    items = tuple(item for item in taken if texts_of[item.labels] >= FOLDS)
    if len(items) < FEWEST_TEXTS or len({item.labels for item in items}) < 2:
        return None
    return Probe(task, items, dealt([item.labels[0] for item in items]), len(taken) - len(items))


def dealt(labels: Sequence[str]) -> tuple[Places, ...]:
    """Return the places of each fold's texts: every label is as often in one as in another, but for one text.

    It follows from the labels and their order alone, so it is the same for every model, precision and build.
    """
    from sklearn.model_selection import StratifiedKFold

    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=PICK)
    return tuple(tuple(map(int, told)) for _, told in folds.split(np.zeros(len(labels)), list(labels)))


def told_by(probe: Probe, reader: Reader) -> Told:
    """Return what a model's vectors tell of the texts."""
    vectors_NF = reader.searches(_texts(probe.items))
    return Told(
        reader.model,
        reader.precision,
        _told(probe, lambda learnt, told: (vectors_NF[list(learnt)], vectors_NF[list(told)])),
    )


def told_lexically(probe: Probe) -> Told:
    """Return the same of character n-grams; which there are, and how rare, is counted in each fold anew."""
    texts = _texts(probe.items)
    features = _told(probe, lambda *parts: lexical_features(*([texts[place] for place in part] for part in parts)))
    return Told(LEXICAL, PRECISION, features)


def score(probe: Probe, told: Told) -> ProbeScore:
    """Return the macro F1 of what was told, with its interval."""
    found = estimate(MACRO_F1, probe.items, [told.labels])
    return ProbeScore(
        task=probe.task,
        model=told.model,
        precision=told.precision,
        macro_f1=Interval(value=found.value, low=found.low, high=found.high),
        train=min(len(learnt) for learnt, _ in probe.parts),
        n=len(probe.items),
        folds=len(probe.folds),
        left_out=probe.left_out,
    )


def difference(probe: Probe, told: Told, baseline: Told) -> Difference:
    """Return by how much macro F1 differs, with its interval: both were asked about the same texts."""
    found = paired(MACRO_F1, probe.items, [told.labels], [baseline.labels])
    return Difference(
        task=probe.task,
        metric=MACRO_F1.name,
        model=told.model,
        precision=told.precision,
        baseline=baseline.name,
        difference=found.value,
        low=found.low,
        high=found.high,
        seen=found.seen,
    )


def predictions(probe: Probe, each: Sequence[Told]) -> Predictions:
    """Return what a bundle keeps of a probe, so that two of them can be compared text by text."""
    return Predictions(
        task=probe.task,
        metric=MACRO_F1.name,
        items=tuple(item.labels for item in probe.items),
        texts=hashlib.sha256(json.dumps([item.words for item in probe.items]).encode()).hexdigest(),
        models={one.name: (tuple(one.labels),) for one in each},
    )


def _told(probe: Probe, features: Callable[[Places, Places], tuple[object, object]]) -> Predicted:
    """Return a label for each text, by the features of those that are learnt from and of those that are told."""
    labels = {
        place: label
        for learnt, told in probe.parts
        for place, label in zip(told, _fold([probe.items[n] for n in learnt], *features(learnt, told)), strict=True)
    }
    return tuple((labels[place],) for place in range(len(probe.items)))


def _fold(learnt: Sequence[Item], learnt_NF: object, told_NF: object) -> list[str]:
    """Return a label for each row of `told_NF`."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the same number of steps for every model is what counts
        model = LogisticRegression(C=STRENGTH, max_iter=MOST_STEPS)
        model.fit(learnt_NF, [item.labels[0] for item in learnt])
    return [str(label) for label in model.predict(told_NF)]


def _texts(items: Sequence[Item]) -> list[str]:
    return [item.words[0] for item in items]
