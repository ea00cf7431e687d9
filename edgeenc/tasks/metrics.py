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

import re
from collections.abc import Iterable, Sequence

import numpy as np

from edgeenc.errors import InputError
from edgeenc.tasks.examples import PARTS, Item, TaskData
from edgeenc.tasks.spec import Metric

Predicted = Sequence[tuple[str, ...]]
"""For each item as many labels as it has words."""

_SPAN_TAG = re.compile(r"O|[BIESLU]-.+")
_REMEDY = (
    "write the tags in IOB2 (B-X for the first word of a span, I-X for its other words, O outside),"
    " or score words with the metric token_accuracy"
)


def score(metric: Metric, items: Sequence[Item], predicted: Predicted) -> float:
    """Return the figure of `predicted` against the labels of `items`, in 0..1.

    Worked example: gold a a b, predicted a b b. Accuracy is 2/3. F1 of a is 2*1/(2+1), of b 2*1/(1+2): macro F1 is 2/3.

    Raises:
        InputError: there is no item; or `span_f1` of gold tags that are not IOB2.
    """
    gold, guessed = _flat(items, predicted)
    if metric == "span_f1":
        check_iob2(items)
        return _span_f1([list(item.labels) for item in items], outside(predicted))
    if metric == "macro_f1":
        return float(np.mean(_f1_each(gold, guessed, sorted(set(gold)))))
    return _accuracy(gold, guessed)


def per_tag_f1(items: Sequence[Item], predicted: Predicted) -> dict[str, float]:
    """Return the F1 of each label of the gold items, in their alphabetic order.

    Raises:
        InputError: there is no item.
    """
    gold, guessed = _flat(items, predicted)
    labels = sorted(set(gold))
    return dict(zip(labels, _f1_each(gold, guessed, labels), strict=True))


def default_metric(data: TaskData) -> Metric:
    """Return the figure that counts: macro F1 for texts, span F1 for tags in IOB2, token accuracy for other tags.

    Raises:
        InputError: the tags are those of spans, every one `O` or `X-...`, and break IOB2; the place is named.
    """
    if data.kind == "classify":
        return "macro_f1"
    tags = {label for part in PARTS for item in getattr(data, part) for label in item.labels}
    if tags == {"O"} or not all(map(_SPAN_TAG.fullmatch, tags)):
        return "token_accuracy"
    for part in PARTS:
        check_iob2(getattr(data, part), part)
    return "span_f1"


def check_iob2(items: Iterable[Item], part: str = "test") -> None:
    """Do nothing if all tags are IOB2: `O`, `B-X`, or `I-X` right after `B-X` or `I-X` of the same type.

    Raises:
        InputError: they are not; part, sentence and word are named, both counted from 1.
    """
    for number, item in enumerate(items, 1):
        before = "O"
        for place, tag in enumerate(item.labels):
            where = f"{part} part, sentence {number}, word {place + 1} ({item.words[place]!r})"
            if tag != "O" and (tag[:2] not in ("B-", "I-") or len(tag) < 3):
                raise InputError(f"{where}: the tag {tag!r} is not IOB2; {_REMEDY}")
            if tag[0] == "I" and before not in (f"B{tag[1:]}", tag):
                raise InputError(f"{where}: {tag!r} after {before!r} starts no span in IOB2; {_REMEDY}")
            before = tag


def outside(predicted: Predicted) -> list[list[str]]:
    """Return the predicted tags as seqeval takes them: lists, and `O` for a word without prediction."""
    return [[tag or "O" for tag in tags] for tags in predicted]


# The libraries are loaded where they are called: they take a second, and a plan, which asks for the metric's name, does
# without. Neither has types of its own, and a checker takes those of the defaults for the only ones.
def _accuracy(gold: list[str], guessed: list[str]) -> float:
    from sklearn.metrics import accuracy_score

    return float(accuracy_score(gold, guessed))


def _f1_each(gold: list[str], guessed: list[str], labels: list[str]) -> list[float]:
    from sklearn.metrics import f1_score

    figures = f1_score(gold, guessed, labels=labels, average=None, zero_division=0)  # pyright: ignore[reportArgumentType]
    return np.asarray(figures).tolist()


def _span_f1(gold: list[list[str]], guessed: list[list[str]]) -> float:
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
