"""What a prediction is worth: one figure in 0..1 for each metric, by scikit-learn and seqeval.

| metric | figure | by |
|---|---|---|
| `accuracy` | share of texts with the right label | scikit-learn |
| `macro_f1` | mean over the labels of the gold items of each label's F1 | scikit-learn |
| `token_accuracy` | share of words with the right tag | scikit-learn |
| `span_f1` | micro F1 over spans: a span counts if start, end and type are right | seqeval, strict, IOB2 |

Macro F1 is taken over the labels that occur in the gold items, and over no other: every model, seed and resample is
then averaged over the same labels. It is scikit-learn's default wherever nothing is predicted that the gold items
lack; a prediction of such a label costs the label that was right, and adds no label to the mean. A division by zero
is 0: a label that is in neither side of a resample, or gold without a span. The empty string stands for a word that
got no prediction, and is always wrong; where spans are read it lies outside.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from edgeenc.errors import InputError
from edgeenc.tasks.item import Item, Predicted
from edgeenc.tasks.scores.metric import TaskMetric
from edgeenc.tasks.tags.iob2 import check_iob2, outside

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def macro_f1(items: Sequence[Item], predicted: Predicted) -> float:
    """Return the mean over the labels of the gold items of each label's F1.

    Worked example: gold a a b, predicted a b b. F1 of a is 2*1/(2+1), of b 2*1/(1+2): macro F1 is 2/3.

    Raises:
        InputError: there is no item.
    """
    import numpy as np

    gold, guessed = _flat(items, predicted)
    return float(np.mean(_f1_each(gold, guessed, sorted(set(gold)))))


def accuracy(items: Sequence[Item], predicted: Predicted) -> float:
    """Return the share of words, or texts, with the right label.

    Worked example: gold a a b, predicted a b b: 2/3.

    Raises:
        InputError: there is no item.
    """
    return _accuracy(*_flat(items, predicted))


def span_f1(items: Sequence[Item], predicted: Predicted) -> float:
    """Return the micro F1 over spans, of which start, end and type must be right.

    Raises:
        InputError: there is no item, or the gold tags are not IOB2.
    """
    _flat(items, predicted)
    check_iob2(items)
    return _span_f1([list(item.labels) for item in items], outside(predicted))


def per_tag_f1(items: Sequence[Item], predicted: Predicted) -> dict[str, float]:
    """Return the F1 of each label of the gold items, in their alphabetic order.

    Raises:
        InputError: there is no item.
    """
    gold, guessed = _flat(items, predicted)
    labels = sorted(set(gold))
    return dict(zip(labels, _f1_each(gold, guessed, labels), strict=True))


# The libraries are loaded where they are called: they take a second, and a plan, which asks for the metric's name, does
# without. Neither has types of its own, and a checker takes those of the defaults for the only ones.
def _accuracy(gold: list[str], guessed: list[str]) -> float:
    from sklearn.metrics import accuracy_score

    return float(accuracy_score(gold, guessed))


def _f1_each(gold: list[str], guessed: list[str], labels: list[str]) -> list[float]:
    import numpy as np
    from sklearn.metrics import f1_score

    figures = f1_score(gold, guessed, labels=labels, average=None, zero_division=0)  # pyright: ignore[reportArgumentType]
    return np.asarray(figures).tolist()


def _span_f1(gold: list[list[str]], guessed: list[list[str]]) -> float:
    import numpy as np
    from seqeval.metrics import f1_score
    from seqeval.scheme import IOB2

    figure = f1_score(gold, guessed, mode="strict", scheme=IOB2, zero_division=0)  # pyright: ignore[reportArgumentType]
    return float(np.mean(figure))


def _flat(items: Sequence[Item], predicted: Predicted) -> tuple[list[str], list[str]]:
    """Return the gold and the predicted label of every word."""
    if not items:
        raise InputError("no example to score; the test part must not be empty")
    pairs = [
        pair for item, labels in zip(items, predicted, strict=True) for pair in zip(item.labels, labels, strict=True)
    ]
    gold, guessed = zip(*pairs, strict=True)
    return list(gold), list(guessed)


def _counts_by_label(items: Sequence[Item], predicted: Predicted) -> NDArray[np.float64]:
    from edgeenc.tasks.scores.counts import by_label

    return by_label(items, predicted)


def _counts_of_shares(items: Sequence[Item], predicted: Predicted) -> NDArray[np.float64]:
    from edgeenc.tasks.scores.counts import shares

    return shares(items, predicted)


def _counts_of_spans(items: Sequence[Item], predicted: Predicted) -> NDArray[np.float64]:
    from edgeenc.tasks.scores.counts import spans

    return spans(items, predicted)


MACRO_F1 = TaskMetric("macro_f1", macro_f1, _counts_by_label)
ACCURACY = TaskMetric("accuracy", accuracy, _counts_of_shares)
TOKEN_ACCURACY = TaskMetric("token_accuracy", accuracy, _counts_of_shares, by_label=True)
SPAN_F1 = TaskMetric("span_f1", span_f1, _counts_of_spans)
