"""Tagged sentences as lines: CoNLL-U, and plain columns of words and tags; a blank line ends a sentence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from edgeenc.tasks.datafile import LABEL_NAMES, TEXT_NAMES, wrong

COLUMNS = ("id", "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc")
"""Of CoNLL-U."""

Sentence = Mapping[str, list[str]]
"""The cells of a sentence's words by column."""


def conllu_rows(path: Path, text: str) -> Iterator[tuple[int, Sentence]]:
    """Yield the sentences of CoNLL-U with their lines; multiword tokens (`1-2`) and empty nodes (`1.1`) are no words.

    Source: https://universaldependencies.org/format.html
    """
    for start, lines in _blocks(text):
        words = []
        for line, content in enumerate(lines, start):
            cells = content.split("\t")
            if content.startswith("#"):
                continue
            if len(cells) != len(COLUMNS):
                raise wrong(path, line, f"{len(cells)} cells, expected the {len(COLUMNS)} of CoNLL-U, parted by tabs")
            if cells[0].isdecimal():
                words.append(cells)
        if words:
            yield start, dict(zip(COLUMNS, map(list, zip(*words, strict=True)), strict=True))


def column_rows(path: Path, text: str) -> Iterator[tuple[int, Sentence]]:
    """Yield the sentences of plain columns: a word a line, cells parted by tabs or else spaces, blank lines between.

    Two columns are `tokens` and `tags`; more are named by their number, `1`, `2`, ... Comments start with `#`.
    """
    tab = "\t" if "\t" in text else None
    blocks = [
        (start, [(line, content.split(tab)) for line, content in enumerate(lines, start)])
        for start, lines in _blocks(text)
    ]
    widths = [len(cells) for _, block in blocks for _, cells in block if not cells[0].startswith("#")]
    width = max(set(widths), key=widths.count, default=2)
    names = ("tokens", "tags") if width == 2 else tuple(map(str, range(1, width + 1)))
    for start, block in blocks:
        words = []
        for line, cells in block:
            if len(cells) == width and cells[0] != "-DOCSTART-":
                words.append([cell.strip() for cell in cells])
            elif not cells[0].startswith(("#", "-DOCSTART-")):
                raise wrong(path, line, f"{len(cells)} cells, but most lines have {width}; expected a word and its tag")
        if words:
            yield start, dict(zip(names, map(list, zip(*words, strict=True)), strict=True))


def _blocks(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the runs of lines that are not blank, each with the number of its first line."""
    start, block = 1, list[str]()
    for line, content in enumerate([*text.split("\n"), ""], 1):
        if content.strip():
            start = start if block else line
            block.append(content.removesuffix("\r"))
        elif block:
            yield start, block
            block = []


def is_tagged(text: str) -> bool:
    """Tell whether a TSV file has no header, but sentences with blank lines between."""
    first = {name.strip().lower() for name in text.split("\n", 1)[0].split("\t")}
    return len(list(_blocks(text))) > 1 and first.isdisjoint({*TEXT_NAMES, *LABEL_NAMES})
