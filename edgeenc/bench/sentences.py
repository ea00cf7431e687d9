"""Real text truncated to an exact number of tokens, or left as it is: what a row is measured on."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer

from edgeenc.bench.subject import Subject
from edgeenc.errors import InputError, UsageError
from edgeenc.record.form import parse
from edgeenc.sources import starter_corpus
from edgeenc.text.corpus import read_lines

GOLDEN = "golden.jsonl"
DISTINCT = 4
"""Batches of one length: more than one, so that the rows of the embedding are not always the same."""
SENTENCES = 64
"""Sentences that are measured at their own length."""


@dataclass(frozen=True, slots=True)
class GoldenText:
    """The field of a golden example that is read."""

    text: str


def bench_text(subjects: Sequence[Subject], file: Path | None) -> tuple[str, list[str]]:
    """Return the lines that every model is measured on, and where they come from.

    They are those of `file`; else the golden texts of the first bundle; else the kit's held-out text of its language.

    Raises:
        InputError: the file cannot be read or has no line.
        UsageError: there is no file and no bundle.
    """
    if file is not None:
        lines = read_lines(file)
        if not lines:
            raise InputError(f"bench: {file} has no text; one sentence or paragraph per line is expected")
        return file.name, lines
    for subject in subjects:
        if (subject.folder / GOLDEN).is_file():
            return f"{GOLDEN} of {subject.name}", _golden(subject.folder / GOLDEN)
        if subject.language:
            path = starter_corpus(subject.language)[1]
            return path.name, read_lines(path)
    raise UsageError("bench: no bundle that carries text is among the models; give one with --text FILE")


def exact_batches(tokenizer: Tokenizer, lines: Sequence[str], length: int, batch: int) -> list[list[str]]:
    """Return `DISTINCT` batches of texts, each of which is exactly `length` tokens once it is truncated.

    Raises:
        UsageError: the length has no room for a token beside those that the tokenizer adds.
    """
    stream = itertools.cycle(lines)
    return [[exact_text(tokenizer, stream, length, len(lines)) for _ in range(batch)] for _ in range(DISTINCT)]


def exact_text(tokenizer: Tokenizer, stream: Iterator[str], length: int, most: int) -> str:
    """Return lines of `stream`, joined and ended after the word that has the last token: `length` tokens or a few more.

    The tokenizer, told to truncate to `length`, then gives exactly that many; no text that is thrown away is timed.

    Args:
        tokenizer: without truncation.
        stream: lines without end.
        length: tokens, those that the tokenizer adds included.
        most: lines without a single token that are borne before giving up.

    Raises:
        UsageError: the length has no room for a token of text.
        InputError: the lines have no tokens.
    """
    room = length - tokenizer.num_special_tokens_to_add(False)
    if room < 1:
        raise UsageError(f"bench: length {length} has no room for text; expected at least {length + 1 - room}")
    text, empty = next(stream), 0
    while len(ends := _ends(tokenizer, text)) < room:
        text, empty = f"{text} {next(stream)}", 0 if ends else empty + 1
        if empty > most:
            raise InputError("bench: the tokenizer makes no tokens of the text; give another with --text FILE")
    space = text.find(" ", ends[room - 1])
    return text if space < 0 else text[:space]


def own_lengths(lines: Sequence[str], batch: int) -> list[list[str]]:
    """Return about `SENTENCES` lines, evenly spread over the text, in batches of `batch`; lines repeat if they must.

    Worked example: of 128 lines every other is taken; at batch 48 they are 2 batches, the second filled up with 32 of
    the first.
    """
    count = min(SENTENCES, len(lines))
    chosen = [lines[number * len(lines) // count] for number in range(count)]
    stream = itertools.cycle(chosen)
    return [list(itertools.islice(stream, batch)) for _ in range(-(-count // batch))]


def _ends(tokenizer: Tokenizer, text: str) -> list[int]:
    """Return where each token of the text ends, in characters."""
    found = tokenizer.encode(text)
    return [end for (_, end), added in zip(found.offsets, found.special_tokens_mask, strict=True) if not added]


def _golden(path: Path) -> list[str]:
    try:
        return [parse(GoldenText, line).text for line in path.read_text("utf-8").splitlines()]
    except (OSError, ValueError) as error:
        raise InputError(f"bench: {path} cannot be read ({error}); build the bundle again") from None
