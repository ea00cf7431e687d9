"""Columns of words and tags: a word a line, cells parted by tabs or spaces; a blank line ends a sentence.

Only tabs and spaces part cells: a no-break space or U+3000 belongs to its word.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgeenc.tasks.files.datafile import LABEL_NAMES, NOTES, TEXT_NAMES, WORD_NAMES, DataRow, suffix, wrong
from edgeenc.tasks.files.given_file import GivenFile
from edgeenc.tasks.files.sentence_lines import DOCUMENT, NOTE, blocks
from edgeenc.tasks.labelled_form import Fit, FormRows, LabelledForm
from edgeenc.tasks.tags.schemes import marks_span

_SPACES = re.compile(r"[ \t]+")
_ID = re.compile(r"\d+([-.]\d+)?")


def column_rows(path: Path, text: str) -> Iterator[DataRow]:
    """Yield the sentences of plain columns: a word a line, cells parted by tabs or else spaces, blank lines between.

    Two columns are `tokens` and `tags`; more are named by their number, `1`, `2`, ..., or by a header. Where the first
    column counts the words of each sentence, `1-2` and `1.1` are no words.
    A line with `#` is a comment, unless it has all cells and a tag of a span, or one that other words have too.

    Raises:
        InputError: lines with more or fewer cells than most.
    """
    form = _form(text)
    if form.width < 2:
        first = next((start for start, _ in blocks(text)), 1)
        raise wrong(path, first, "one cell a line, expected a word and its tag, parted by a tab or a space")
    odd = list[tuple[int, int]]()
    rows = [_row(start, lines, form, odd) for start, lines in blocks(text)]
    if odd:
        (line, count), *others = odd
        said = f"{count} cells, but most lines have {form.width}; expected a word and its tag"
        more = f"; {len(others):,} more such lines, the next is {others[0][0]:,}" if others else ""
        raise wrong(path, line, f"{said}{more}")
    yield from (row for row in rows if row.lines)


def _row(start: int, lines: Sequence[str], form: _Form, odd: list[tuple[int, int]]) -> DataRow:
    """Return a sentence; lines with more or fewer cells than most go to `odd` with their number."""
    words, places = list[list[str]](), list[int]()
    for line, content in enumerate(lines, start):
        cells = form.cells(content)
        if cells[0] == DOCUMENT or form.is_comment(content, cells, first=not words) or cells == list(form.header):
            continue
        if len(cells) != form.width:
            odd.append((line, len(cells)))
        elif not form.counted or cells[0].isdecimal():
            words.append(cells)
            places.append(line)
    columns = map(list, zip(*words, strict=True)) if words else [list[str]() for _ in form.names]
    return DataRow(start, dict(zip(form.names, columns, strict=True)), tuple(places))


@dataclass(frozen=True, slots=True)
class _Form:
    """How the lines of a file are cut.

    Attributes:
        tabbed: whether most lines have tabs.
        width: cells of most lines.
        tags: last cells of the lines that cannot be comments.
        counted: whether the first column counts the words of each sentence.
        header: the first line, where it names the columns.
    """

    tabbed: bool
    width: int = 0
    tags: frozenset[str] = frozenset()
    counted: bool = False
    header: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns."""
        if self.header:
            return self.header
        return ("tokens", "tags") if self.width == 2 else tuple(map(str, range(1, self.width + 1)))

    def cells(self, content: str) -> list[str]:
        """Return the cells of a line; the first is empty where a word is."""
        content = content.rstrip(" \t")
        if self.tabbed and "\t" in content:
            return [cell.strip(" ") for cell in content.split("\t")]
        cells = _SPACES.split(content)
        if len(cells) == self.width + 1 and not cells[0]:  # the line is indented
            cells = cells[1:]
        if self.tabbed and (len(cells) != self.width or cells[-1] not in self.tags):
            return [content]
        return cells

    def is_comment(self, content: str, cells: Sequence[str], *, first: bool) -> bool:
        """Tell whether a line is a comment; `first` where no word of the sentence came before it."""
        if not content.startswith("#"):
            return False
        if self.counted or NOTE.match(content):
            return True
        if len(cells) == self.width and (cells[-1] in self.tags or (cells[0] != "#" and marks_span(cells[-1]))):
            return False
        return bool(_SPACES.search(content[1:].strip()) or "=" in content) if first else content[1:2] in (" ", "\t")


def _form(text: str) -> _Form:
    """Return how the lines of a text are cut, by what most of them are; no line is kept, for there may be millions."""
    tabs = Counter("\t" in line for line in _plain(text))
    tabbed = tabs[True] > tabs[False]
    cut = _Form(tabbed=False).cells if not tabbed else lambda line: line.rstrip(" \t").split("\t")
    widths = Counter(len(cut(line)) for line in _plain(text))
    width = max(sorted(widths), key=lambda one: widths[one], default=2)
    first = next((cells for line in _plain(text) if len(cells := cut(line)) == width), [])
    names = tuple(cell.strip() for cell in first)
    lower = [name.lower() for name in names]
    named = bool(names) and lower[0] in WORD_NAMES and lower[-1] in LABEL_NAMES and len(set(lower)) == width
    header = names if named else ()
    tags, counted = set[str](), width > 2 and bool(first) and first[0][:1] in ("0", "1")
    for cells in map(cut, _plain(text)):
        if len(cells) == width and cells != first[: width if named else 0]:
            tags.add(cells[-1].strip())
            counted = counted and bool(_ID.fullmatch(cells[0]))
    return _Form(tabbed, width, frozenset(tags), counted, header)


def _plain(text: str) -> Iterator[str]:
    """Yield the lines that are no comments."""
    for _, lines in blocks(text):
        yield from (line for line in lines if not line.startswith(("#", DOCUMENT)))


def _looks(given: GivenFile) -> Fit:
    """Return how surely a text is tagged words: blank lines stand between sentences, and no header names texts."""
    if given.suffix == ".tsv":
        return Fit.CERTAIN if _is_tagged(given.text) else Fit.NO
    if given.suffix:
        return Fit.NO
    full = [line for line in given.first_lines if line.strip()]
    counts = [max(len(line.split("\t")), 1) if "\t" in line else len(line.split(" ")) for line in full]
    if full and 10 * sum(1 < count < 11 for count in counts) > 9 * len(counts):
        return Fit.SEEN
    return Fit.PERHAPS if suffix(given.path) == NOTES else Fit.NO


def _is_tagged(text: str) -> bool:
    """Tell whether a file of lines and tabs has sentences of tagged words, with blank lines between, and no table."""
    first = [name.strip().lower() for name in text.split("\n", 1)[0].split("\t")]
    if first[0] not in WORD_NAMES and not {*TEXT_NAMES, *LABEL_NAMES}.isdisjoint(first):
        return False
    return len(list(blocks(text))) > 1


def _read(given: GivenFile) -> FormRows:
    return FormRows(column_rows(given.path, given.text))


FORM = LabelledForm("words and tags", (".conll", ".iob", ".iob2", ".bio"), _looks, _read)
