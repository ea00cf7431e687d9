"""CoNLL-U: ten columns parted by tabs, a word a line, a blank line between sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from edgeenc.tasks.files.datafile import DataRow, wrong
from edgeenc.tasks.files.given_file import GivenFile
from edgeenc.tasks.files.sentence_lines import blocks
from edgeenc.tasks.labelled_form import Fit, FormRows, LabelledForm

COLUMNS = ("id", "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc")
KEYED = ("feats", "misc")
"""Columns whose cells are `key=value|key=value`."""

_WORD = re.compile(r"\d+([-.]\d+)?\t.+")
"""A line of a word, of several (`1-2`) or of none (`1.1`)."""


def conllu_rows(path: Path, text: str) -> Iterator[DataRow]:
    """Yield the sentences of CoNLL-U; multiword tokens (`1-2`) and empty nodes (`1.1`) are no words.

    Source: https://universaldependencies.org/format.html
    """
    for start, lines in blocks(text):
        words, places = list[list[str]](), list[int]()
        for line, content in enumerate(lines, start):
            if content.startswith("#"):
                continue
            cells = content.split("\t")
            if len(cells) > len(COLUMNS) and not any(cells[len(COLUMNS) :]):
                cells = cells[: len(COLUMNS)]
            if len(cells) != len(COLUMNS):
                found = f"{len(cells)} cells, expected the {len(COLUMNS)} of CoNLL-U, parted by tabs"
                raise wrong(path, line, f"{found}; name a file of other columns .conll")
            if cells[0].isdecimal():
                words.append(cells)
                places.append(line)
        if words:
            yield DataRow(start, dict(zip(COLUMNS, map(list, zip(*words, strict=True)), strict=True)), tuple(places))


def _looks(given: GivenFile) -> Fit:
    """Return how surely a text has ten columns of which the first counts the words of each sentence."""
    if given.suffix not in _OTHERS:
        return Fit.NO
    full = [line for line in given.first_lines if line.strip()]
    fits = [bool(_WORD.fullmatch(line)) and line.count("\t") == len(COLUMNS) - 1 for line in full]
    return Fit.CERTAIN if full and 10 * sum(fits) > 9 * len(fits) else Fit.NO


def _read(given: GivenFile) -> FormRows:
    return FormRows(conllu_rows(given.path, given.text))


_OTHERS = ("", ".conll", ".iob", ".iob2", ".bio", ".tsv")
"""What such a file is called too."""
FORM = LabelledForm("CoNLL-U", (".conllu",), _looks, _read)
