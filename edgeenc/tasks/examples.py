"""Labelled data in one form, whatever file it came from: words, and a label for each."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from edgeenc.record.steps import TagTally
from edgeenc.tasks.item import Item
from edgeenc.tasks.task_kind import TaskKind, task_kind_named

PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class TaskData:
    """A task's examples.

    Attributes:
        kind: what is labelled.
        labels: every label that occurs in training, sorted.
        train, validation, test: examples in the order of the source.
        tally: what was mended in them while they were read; not saved.
    """

    kind: TaskKind
    labels: tuple[str, ...]
    train: tuple[Item, ...]
    validation: tuple[Item, ...]
    test: tuple[Item, ...]
    tally: TagTally | None = field(default=None, compare=False, repr=False)

    @property
    def parts(self) -> Mapping[str, Sequence[Item]]:
        """The items of each part, by its name."""
        return {part: getattr(self, part) for part in PARTS}


def save_task(data: TaskData, folder: Path) -> None:
    """Write `task.json` and a JSONL file for each part."""
    folder.mkdir(parents=True, exist_ok=True)
    head = {"kind": data.kind.name, "labels": list(data.labels)}
    (folder / "task.json").write_text(json.dumps(head, ensure_ascii=False) + "\n", encoding="utf-8")
    for part in PARTS:
        rows = (json.dumps(item.row, ensure_ascii=False) + "\n" for item in getattr(data, part))
        (folder / f"{part}.jsonl").write_text("".join(rows), encoding="utf-8")


def load_task(folder: Path) -> TaskData:
    """Undo `save_task`."""
    head = json.loads((folder / "task.json").read_text(encoding="utf-8"))
    train, validation, test = (tuple(_items(folder / f"{part}.jsonl")) for part in PARTS)
    return TaskData(task_kind_named(head["kind"]), tuple(head["labels"]), train, validation, test)


def _items(path: Path) -> Iterator[Item]:
    for line in path.read_text(encoding="utf-8").split("\n")[:-1]:  # splitlines would cut at U+2028 too
        yield Item(*map(tuple, json.loads(line)))
