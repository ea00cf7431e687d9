"""One label a text: a row has a text and its label, which is read at the first token, the leading special one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from edgeenc.model.purposes.text_classification import TEXT_CLASSIFICATION
from edgeenc.tasks.columns.cells import label_of, listing, said
from edgeenc.tasks.datatable import DataTable
from edgeenc.tasks.item import Item
from edgeenc.tasks.scores.metrics import ACCURACY, MACRO_F1
from edgeenc.tasks.task_kind import TaskKind

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer


def _items(table: DataTable, text: str, label: str) -> Iterator[Item]:
    for at, row in zip(table.lines, table.rows, strict=True):
        found, given = row[text], row[label]
        if not isinstance(found, str):
            raise table.wrong(at, f"{text!r} is {said(found)}, expected a text; {listing(table)}")
        if isinstance(given, list | dict):
            raise table.wrong(at, f"{label!r} is {said(given)}, expected one label; {listing(table)}")
        yield Item((found,), (label_of(table, label, at, given),), lines=(at,))


def _encode(tokenizer: Tokenizer, items: Sequence[Item]) -> tuple[list[Encoding], list[tuple[int, ...]]]:
    return tokenizer.encode_batch([item.words[0] for item in items]), [(0,)] * len(items)


CLASSIFY = TaskKind(
    name="classify",
    default=True,
    purpose=TEXT_CLASSIFICATION,
    lists=False,
    texts="texts",
    solver="classifier",
    items=_items,
    encode=_encode,
    line_up=lambda item: item.labels[0],
    metrics=(MACRO_F1, ACCURACY),
    default_metric=lambda parts: MACRO_F1,
    reads_first=True,
)
