"""Read a task's data from wherever it lies into train, validation and test, and say what was guessed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from edgeenc.errors import InputError
from edgeenc.record.steps import TagTally
from edgeenc.tasks.columns.cells import OPTIONS
from edgeenc.tasks.columns.columns import Columns, choose, other_meaning, to_items
from edgeenc.tasks.columns.labels import require_plain, without_fractions
from edgeenc.tasks.datatable import DataTable, read_table
from edgeenc.tasks.examples import TaskData
from edgeenc.tasks.item import Item, Labelled
from edgeenc.tasks.parts import WHOLE, find_parts
from edgeenc.tasks.spec import TaskSpec
from edgeenc.tasks.split import hold_out, mark
from edgeenc.tasks.task_kind import TaskKind

SHARE = 0.1
"""Of one file for the test part, and as much for the validation part; or of train where only validation is missing."""
FEWEST = 10
"""Examples of train, and of a file that is split."""
WITHHELD = "-1"
"""Label of every test example where a benchmark keeps the right ones to itself; such a part is left aside."""
MOST_SHOWN = 12
"""Labels in a line."""

Items = tuple[Item, ...]


def read_task(spec: TaskSpec, seed: int, *, offline: bool = False) -> tuple[TaskData, tuple[str, ...]]:
    """Return a task's examples, and the lines that tell the user what was guessed and found.

    Args:
        spec: where the data lies; what it leaves empty is guessed.
        seed: of the split, where the source has none.
        offline: look into the hub's cache only.

    Raises:
        InputError: the data is missing, damaged, ambiguous, or nothing that a classifier can learn from.
        UsageError: a dataset of the hub without its commit.
    """
    files = find_parts(spec.data, offline=offline)
    first = "train" if files.get("train") else next(iter(files))
    numbered = any(column.isdecimal() for column in (spec.text_column, spec.label_column))
    opening = read_table(files[first][0], numbered=numbered)
    columns = choose(spec, opening)
    found, tally, mended = _items(spec, files, opening, columns)
    if all(label == WITHHELD for item in found.get("test", ()) for label in item.labels):
        found.pop("test", None)
    train, validation, test, how = _split(spec.data, found, columns.kind, seed)
    labels = tuple(sorted({label for item in train for label in item.labels}))
    _check(spec.data, train, labels, columns)
    if not validation or not test:
        raise InputError(f"task data {spec.data}: too few examples of each label to hold some out; add examples")
    data = TaskData(columns.kind, labels, train, validation, test, tally)
    said = (*mended, *_overlaps(data), *_unseen(spec.data, data), *_unnamed(data), *_doubtful(data))
    return data, (_summary(spec, data, columns, how), *other_meaning(spec, opening, columns), *said)


def _items(
    spec: TaskSpec, files: Mapping[str, Sequence[Path]], opening: DataTable, columns: Columns
) -> tuple[dict[str, Items], TagTally | None, tuple[str, ...]]:
    """Return the items of each part, mended, with what was mended in them."""
    parts, found = list[str](), list[Labelled]()
    for part, paths in files.items():
        for path in paths:
            table = opening if path == opening.path else read_table(path, numbered=opening.headless)
            parts.append(part)
            found.append(Labelled(path, to_items(table, columns), table.unit))
            require_plain(found[-1])
    evened, floats = without_fractions(found)
    mended, tally, lines = columns.kind.mend(evened, spec.metric)
    items: dict[str, Items] = {part: () for part in files}
    for part, file in zip(parts, mended, strict=True):
        items[part] += file.items
    return items, tally, (*floats, *lines)


def _split(source: str, found: Mapping[str, Items], kind: TaskKind, seed: int) -> tuple[Items, Items, Items, str]:
    """Return train, validation and test, and how they came to be."""
    train = found.get(WHOLE) or found.get("train", ())
    if not train:
        raise InputError(f"task data {source}: no train part, only {', '.join(found)}; add a file named train")
    different = len({mark(item) for item in train})
    if different < FEWEST:
        raise InputError(f"task data {source}: {different} different texts to learn from, expected at least {FEWEST}")
    test, validation = found.get("test"), found.get("validation")
    if test and validation:
        return train, validation, test, "parts as in the source"
    if validation:
        kept, held = hold_out(train, kind, SHARE, seed)
        return (
            kept,
            held,
            validation,
            f"test is the source's validation part, validation a tenth of train by seed {seed}",
        )
    if test:
        kept, held = hold_out(train, kind, SHARE, seed)
        return kept, held, test, f"validation is a tenth of train by seed {seed}"
    rest, test = hold_out(train, kind, SHARE, seed)
    kept, held = hold_out(rest, kind, SHARE / (1 - SHARE), seed)
    return kept, held, test, f"split by seed {seed}"


def _check(source: str, train: Items, labels: Sequence[str], columns: Columns) -> None:
    """Refuse what no classifier can learn."""
    if len(labels) < 2:
        raise InputError(
            f"task data {source}: one label only ({labels[0]!r} in column {columns.label!r}), expected at least two;"
            f" if that is the wrong column, say which with {OPTIONS}"
        )
    count = sum(len(item.labels) for item in train)
    if len(labels) > max(20, count // 2):
        raise InputError(
            f"task data {source}: {len(labels):,} different labels for {count:,} examples in column {columns.label!r},"
            f" which is no set of labels; say which column is with {OPTIONS}"
        )


def _summary(spec: TaskSpec, data: TaskData, columns: Columns, how: str) -> str:
    sizes = " / ".join(f"{len(part):,}" for part in (data.train, data.validation, data.test))
    return (
        f"{spec.name}: text column: {columns.text}, label column: {columns.label}, {len(data.labels)} labels:"
        f" {_some(data.labels)}, train / validation / test: {sizes} examples, {how}"
    )


def _overlaps(data: TaskData) -> list[str]:
    """Say how many texts of the other parts are also in train; they make a figure too good."""
    known = {mark(item) for item in data.train}
    lines = []
    for name, items in (("test", data.test), ("validation", data.validation)):
        count = sum(mark(item) in known for item in items)
        if count:
            lines.append(
                f"{count:,} of {len(items):,} {name} examples are also in train (but for case and punctuation)"
            )
    return lines


def _unseen(source: str, data: TaskData) -> list[str]:
    """Say which labels no model can get right, because train lacks them."""
    lines = []
    for name, items in (("test", data.test), ("validation", data.validation)):
        given = [label for item in items for label in item.labels]
        new = sorted(set(given) - set(data.labels))
        count = sum(label in new for label in given)
        if count == len(given):
            raise InputError(
                f"task data {source}: no label of the {name} part ({_some(new)}) occurs in train"
                f" ({_some(data.labels)}); if its labels are withheld, leave its file out, and examples are held out"
            )
        if new:
            lines.append(
                f"labels of {name} that train lacks: {_some(new)}; no model can get their {count:,} places right"
            )
    return lines


def _unnamed(data: TaskData) -> list[str]:
    if all(label.lstrip("-").isdecimal() for label in data.labels):
        return ["the labels are numbers, and the file does not say what they mean"]
    return []


_NONE = frozenset({"None", "NONE", "nan", "NaN", "NULL", "null", "N/A", "#N/A"})


def _doubtful(data: TaskData) -> list[str]:
    """Say which labels may be no labels, and which join several of the others."""
    none = [label for label in data.labels if label in _NONE]
    joined = [
        label for label in data.labels if len(parts := re.split("[|;,]", label)) > 1 and set(parts) <= {*data.labels}
    ]
    lines = [f"labels that may say that there is none: {_some(none)}; they are learnt as labels"] if none else []
    if joined:
        lines.append(f"labels that join others: {_some(joined)}; each is learnt as one label, for a text has one")
    return lines


def _some(labels: Sequence[str]) -> str:
    return ", ".join(label[:40] for label in labels[:MOST_SHOWN]) + (", ..." if len(labels) > MOST_SHOWN else "")
