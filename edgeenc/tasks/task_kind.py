"""A task kind: what is labelled, and how, as one value in one file of `kinds/`.

Nobody else asks which kind it is: reading, splitting, encoding, tuning, scoring and reports read what the value says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgeenc.errors import InputError
from edgeenc.kinds import named, values_of
from edgeenc.model.purpose import Purpose
from edgeenc.record.steps import TagTally
from edgeenc.tasks.datatable import DataTable
from edgeenc.tasks.item import UNLABELLED, Item, Labelled, Predicted
from edgeenc.tasks.scores.metric import TaskMetric

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer

FOLDER = "edgeenc.tasks.kinds"


@dataclass(frozen=True, slots=True)
class Baseline:
    """What must be beaten: a label, and its use as the prediction for every word of some items."""

    label: str
    predicted: Predicted


Mended = tuple[Sequence[Labelled], TagTally | None, tuple[str, ...]]
"""The files, what was counted in them, and the lines that say it."""


def majority(train: Sequence[Item], test: Sequence[Item]) -> Baseline:
    """Return the label that `train` has most often, said of every word of `test`."""
    label = Counter(label for item in train for label in item.labels).most_common(1)[0][0]
    return Baseline(label, tuple((label,) * len(item.labels) for item in test))


def whole_text(text: str) -> Item:
    """Return a text as one item that nobody labelled."""
    return Item((text,), (UNLABELLED,))


def unmended(files: Sequence[Labelled], metric: str) -> Mended:
    """Return the files as they are."""
    return files, None, ()


@dataclass(frozen=True)
class TaskKind:
    """What a task asks of a model.

    Attributes:
        name: as in a language's file.
        purpose: what the exported model computes.
        lists: whether the cells of the label column are lists; of several such kinds the first is guessed.
        texts: what the text column holds, in an error message.
        solver: what a model of this kind is called in titles.
        items: read a table by its columns of texts and labels; raises InputError naming the line.
        encode: encodings of the items, already truncated, and for each word of each item the place of its label's
            logits, or `NOWHERE`.
        line_up: what items are lined up by before some are held out; the same for all where labels cannot be evened.
        metrics: what can be computed.
        default_metric: the one that counts where none is asked for, from the items of each part.
        default: whether it is guessed from untold data of its form, before others of that form.
        reads_first: whether the label is read at the first token alone, which then may start as the mean of all.
        baseline: what must be beaten, from train and test items.
        reading: raised when `encode` makes other tokens of the same items, so that old results are not taken for new.
        unlabelled: the item of a text that nobody labelled.
        mend: put all files of a task into the form that is learnt, from them and the name of the metric that was asked
            for, which may be empty.
    """

    name: str
    purpose: Purpose
    lists: bool
    texts: str
    solver: str
    items: Callable[[DataTable, str, str], Iterator[Item]]
    encode: Callable[[Tokenizer, Sequence[Item]], tuple[list[Encoding], list[tuple[int, ...]]]]
    line_up: Callable[[Item], str]
    metrics: tuple[TaskMetric, ...]
    default_metric: Callable[[Mapping[str, Sequence[Item]]], TaskMetric]
    reads_first: bool = False
    default: bool = False
    baseline: Callable[[Sequence[Item], Sequence[Item]], Baseline] = majority
    reading: int = 1
    unlabelled: Callable[[str], Item] = whole_text
    mend: Callable[[Sequence[Labelled], str], Mended] = unmended


def task_kinds() -> tuple[TaskKind, ...]:
    """Return every task kind, those first that are guessed where none is named."""
    return tuple(sorted(values_of(FOLDER, TaskKind), key=lambda one: not one.default))


def task_kind_named(name: str) -> TaskKind:
    """Return the task kind of that name.

    Raises:
        InputError: there is none.
    """
    return named("task kind", name, task_kinds(), InputError)


def task_kind_for(purpose: Purpose) -> TaskKind | None:
    """Return the task kind whose models compute this purpose, if there is one."""
    return next((kind for kind in task_kinds() if kind.purpose is purpose), None)


def metrics() -> tuple[TaskMetric, ...]:
    """Return the metrics of every kind."""
    return tuple(metric for kind in task_kinds() for metric in kind.metrics)


def metric_named(name: str) -> TaskMetric:
    """Return the metric of that name.

    Raises:
        InputError: there is none.
    """
    return named("metric", name, metrics(), InputError)


def solver_of(kind: str | None, metric: str) -> str:
    """Return what a model is called that was scored on a task of this kind.

    Where no kind is told, or one that is not known here, the metric tells it; one that is not known, a classifier.
    """
    kinds = task_kinds()
    told = [one for one in kinds if one.name == kind]
    told += [one for one in kinds if any(known.name == metric for known in one.metrics)]
    return (told or kinds)[0].solver
