"""One label a word: a row has a list of words and one of tags; a tag is read at the first token of its word.

Words are read as running text, which is what an app has, and are found again by their characters, not by counting: a
word that gives no token, such as a zero-width space, moves no other.

Source: first token of a word for its tag: BERT, arXiv:1810.04805, section 5.3.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import regex

from edgeenc.model.purposes.token_classification import TOKEN_CLASSIFICATION
from edgeenc.tasks.columns.cells import as_list, is_empty, label_of, listing, said
from edgeenc.tasks.datatable import DataTable
from edgeenc.tasks.item import NOWHERE, UNLABELLED, Item, Labelled
from edgeenc.tasks.scores.metric import TaskMetric
from edgeenc.tasks.scores.metrics import SPAN_F1, TOKEN_ACCURACY
from edgeenc.tasks.tags.iob2 import check_iob2
from edgeenc.tasks.tags.running_text import running_text
from edgeenc.tasks.tags.schemes import are_spans
from edgeenc.tasks.tags.tagged import mend
from edgeenc.tasks.task_kind import Mended, TaskKind
from edgeenc.text.words import word_spans

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer


_WORD_OR_MARK = regex.compile(r"[\p{L}\p{M}\p{N}]+(?:[-'’.,]?[\p{L}\p{M}\p{N}]+)*|\S")
"""A word with what is inside it, as in `mag-aral` and `3.5`; any other sign by itself."""
_MISC, _GLUED = "misc", "SpaceAfter=No"
"""Column and note of CoNLL-U."""


def _items(table: DataTable, text: str, label: str) -> Iterator[Item]:
    noted = _MISC in table.columns and any(_GLUED in str(row[_MISC]) for row in table.rows)
    for number, (at, row) in enumerate(zip(table.lines, table.rows, strict=True)):
        words, tags = as_list(row[text]), as_list(row[label])
        if words is None or tags is None or not all(isinstance(word, str) for word in words):
            raise table.wrong(
                at,
                f"{text!r} is {said(row[text])} and {label!r} {said(row[label])},"
                f" expected a list of words and one of tags; {listing(table)}",
            )
        if len(words) != len(tags):
            found = f"{len(words)} words in {text!r} but {len(tags)} tags in {label!r}"
            raise table.wrong(
                at,
                f"{found}: {' '.join(map(str, words))[:60]}; each word needs one tag"
                ", and a text that is classified one label, no list",
            )
        lines = tuple(table.line_of(number, word) for word in range(len(words)))
        bare = next((line for line, tag in zip(lines, tags, strict=True) if is_empty(tag)), None)
        if bare is not None:
            raise table.wrong(bare, f"a word without tag in {label!r}; each word needs one tag")
        found = (label_of(table, label, line, tag) for line, tag in zip(lines, tags, strict=True))
        yield Item(tuple(map(str, words)), tuple(found), _spaces(as_list(row[_MISC])) if noted else (), lines)


def _spaces(misc: Sequence[object] | None) -> tuple[bool, ...]:
    """Return whether a space stands before each word, as CoNLL-U notes it after the word before."""
    after = [_GLUED not in str(cell).split("|") for cell in misc or ()]
    return (True, *after[:-1]) if after else ()


def _unlabelled(text: str) -> Item:
    """Return the words of a text and the marks between them, so that they read as the text.

    Worked example: `Si Juan, ang guro.` has the words `Si`, `Juan`, `,`, `ang`, `guro` and `.`.
    """
    spans = [match.span() for run in word_spans(text) for match in _WORD_OR_MARK.finditer(text, *run)]
    spaces = (begin > 0 and text[begin - 1].isspace() for begin, _ in spans)
    words = tuple(text[begin:end] for begin, end in spans)
    return Item(words, (UNLABELLED,) * len(words), tuple(spaces))


def _encode(tokenizer: Tokenizer, items: Sequence[Item]) -> tuple[list[Encoding], list[tuple[int, ...]]]:
    texts = [running_text(item.words, item.spaces) for item in items]
    found = tokenizer.encode_batch([text for text, _ in texts])
    read = zip(found, texts, items, strict=True)
    return found, [_first_tokens(one.offsets, starts, item.words) for one, (_, starts), item in read]


def _first_tokens(offsets: Sequence[tuple[int, int]], starts: Sequence[int], words: Sequence[str]) -> tuple[int, ...]:
    """Return the place of the first token of each word: the first that has a character of it.

    Worked example: `Si Juan,` as `[CLS] Si Ju ##an , [SEP]` with the words at 0, 3 and 7 gives 1, 2 and 4.
    """
    found, place = list[int](), 0
    for start, word in zip(starts, words, strict=True):
        while place < len(offsets) and (offsets[place][1] <= start or offsets[place][0] == offsets[place][1]):
            place += 1
        there = bool(word) and place < len(offsets) and offsets[place][0] < start + len(word)
        found.append(place if there else NOWHERE)
    return tuple(found)


def _metric(parts: Mapping[str, Sequence[Item]]) -> TaskMetric:
    """Return span F1 for tags of spans, token accuracy for others.

    Raises:
        InputError: spans that were not put into IOB2; the place is named.
    """
    tags = {label for items in parts.values() for item in items for label in item.labels}
    if not are_spans(tags):
        return TOKEN_ACCURACY
    for part, items in parts.items():
        check_iob2(items, part)
    return SPAN_F1


def _mend(files: Sequence[Labelled], metric: str) -> Mended:
    """Return words with IOB2 tags; who asks for token accuracy gets the tags as they stand."""
    return mend(files, spans=metric != TOKEN_ACCURACY.name)


TAG = TaskKind(
    name="tag",
    default=True,
    purpose=TOKEN_CLASSIFICATION,
    lists=True,
    texts="words",
    solver="tagger",
    items=_items,
    encode=_encode,
    unlabelled=_unlabelled,
    reading=2,
    line_up=lambda item: "",
    metrics=(SPAN_F1, TOKEN_ACCURACY),
    default_metric=_metric,
    mend=_mend,
)
