"""Text of several languages: each by itself in a folder of its own, and what is read of them together.

Axis letters: L lines.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from pydantic import JsonValue

from edgeenc.language import Tag
from edgeenc.machine.disk import file_hash, on_disk
from edgeenc.record.steps import TextTally
from edgeenc.text.corpus import (
    SHARES,
    Corpus,
    deduplicate,
    fingerprint,
    load_corpus,
    read_lines,
    save_corpus,
    split_heldout,
)
from edgeenc.text.files import corpus_files
from edgeenc.text.first_look import look_into
from edgeenc.text.forms import PLAIN
from edgeenc.text.intake import take_in
from edgeenc.text.words import is_unspaced

FINEST = 100
"""Rows after which languages come again in the same order, at most."""


@dataclass(frozen=True, slots=True)
class Text:
    """Where the text of a language is.

    Attributes:
        language: of the text.
        train: text to learn from; where `heldout` is None it is split by seed.
        heldout: text to choose checkpoints and report on.
        name: what the user called the text; empty where that is the file's name.
        weight: share of the language in what is read, 0 to 1.
        column: that holds the text, in a file that has columns; empty where it is a usual one.
    """

    language: Tag
    train: Path
    heldout: Path | None = None
    name: str = ""
    weight: float = 1.0
    column: str = ""

    @property
    def called(self) -> str:
        """What reports call the text."""
        return self.name or self.train.name or self.train.resolve().name


def called(texts: Sequence[Text]) -> str:
    """Return what reports call the text of a build; `starter` where all of it is the kit's."""
    names = [text.called for text in texts]
    if len(set(names)) == 1:
        return names[0]
    return ", ".join(f"{text.language.bcp47}={text.called}" for text in texts)


def corpus_fields(texts: Sequence[Text], fraction: float = 1.0) -> dict[str, JsonValue]:
    """Return what decides the corpus of a build; of one whole text it is what it was before there were several."""
    found = [_fields(text) for text in texts]
    several: dict[str, JsonValue] = {
        "texts": [
            {"language": text.language.bcp47, "weight": text.weight} | fields
            for text, fields in zip(texts, found, strict=True)
        ]
    }
    whole = several if len(texts) > 1 else found[0]
    return whole | ({"data_fraction": fraction} if fraction < 1 else {})


def _fields(text: Text) -> dict[str, JsonValue]:
    """Return what decides the corpus of one language.

    Raises:
        InputError: a user's text is no text, or cannot be read.
    """
    fields: dict[str, JsonValue] = {"train": file_hash(text.train), "heldout": None}
    if text.heldout is None and text.train.exists():
        fields |= _read_fields(text)
    fields |= {"words": "segmented"} if is_unspaced(text.language) else {}  # what is masked and scored as one
    return fields | ({"heldout": file_hash(text.heldout)} if text.heldout else {"split": "documents"})


def text_notes(texts: Sequence[Text]) -> tuple[str, ...]:
    """Return for each text that is a folder or a zip file which files of it are read, as a build says it.

    Raises:
        InputError: a user's text is no text, or cannot be read.
    """
    own = [text for text in texts if text.heldout is None and text.train.exists()]
    return tuple(f"corpus {text.called}: {said}" for text in own if (said := corpus_files(text.train).said))


def _read_fields(text: Text) -> dict[str, JsonValue]:
    """Return how a user's text is read; of one file of lines there is nothing to say."""
    files = corpus_files(text.train)
    files.require_column(text.column)
    look_into(text.train, files, text.column)
    fields: dict[str, JsonValue] = {"column": text.column} if text.column else {}
    fields |= {} if files.forms == (PLAIN.name,) else {"forms": list(files.forms)}
    if text.train.is_dir():
        paths = dict.fromkeys(piece.path for piece, _ in files.pieces)
        names = [(str(path.relative_to(text.train)), file_hash(path)) for path in paths]
        fields["train"] = hashlib.sha256(json.dumps(names).encode()).hexdigest()
    return fields


def take_text(text: Text, folder: Path, seed: int, fraction: float = 1.0) -> TextTally | None:
    """Write the corpus of one language into `folder`; of a user's own text say what was found in it.

    Raises:
        InputError: as `intake.take_in`.
    """
    if text.heldout is None:
        return take_in(text.train, folder, seed, fraction, text.column)
    lines = deduplicate(read_lines(text.train))
    save_corpus(split_heldout(lines, read_lines(text.heldout), fraction), folder)
    return None


def save_mixture(texts: Sequence[Text], folder: Path) -> dict[str, int]:
    """Write the whole of several languages, whose corpora are in `folder` by their tags, and their weights.

    Training lines that another language holds out are left out; returned is how many of each language. Together, the
    training text is one language after the other (who trains reads each by its weight), and held-out lines are mixed,
    so that any first part of them has all languages.
    """
    tags = [text.language.bcp47 for text in texts]
    corpora = {tag: load_corpus(folder / tag) for tag in tags}
    dropped = {tag: _drop(tag, corpora, folder / tag) for tag in tags}
    with on_disk(folder):
        with (folder / "train.txt").open("wb") as file:
            for tag in tags:
                with (folder / tag / "train.txt").open("rb") as part:
                    while block := part.read(1 << 24):
                        file.write(block)
        for name in ("valid", "test"):
            lines = mixed([getattr(load_corpus(folder / tag), name) for tag in tags])
            (folder / f"{name}.txt").write_text("".join(f"{line}\n" for line in lines), "utf-8", newline="\n")
        weights = {text.language.bcp47: text.weight for text in texts}
        (folder / SHARES).write_text(json.dumps(weights) + "\n", encoding="utf-8")
    return dropped


def _drop(tag: str, corpora: dict[str, Corpus], folder: Path) -> int:
    """Leave out what other languages hold out: of the training lines all, of the valid lines what they report on."""
    others = [corpus for other, corpus in corpora.items() if other != tag]
    test = {fingerprint(line) for corpus in others for line in corpus.test}
    valid = {fingerprint(line) for corpus in others for line in corpus.valid}
    own, count = corpora[tag], 0
    for name, held in (("train", test | valid), ("valid", test)):
        lines: Iterator[str] = iter(getattr(own, name))
        fresh = folder / f"{name}.new"
        with on_disk(folder), fresh.open("w", encoding="utf-8", newline="\n") as file:
            for line in lines:
                if fingerprint(line) in held:
                    count += 1
                else:
                    file.write(f"{line}\n")
        fresh.replace(folder / f"{name}.txt")
    return count


def mixed(lists: Sequence[Sequence[str]]) -> list[str]:
    """Return all lines of several lists, each list evenly spread and in its order.

    Worked example: a b c d and x y give a x b c y d.
    """
    placed = chain.from_iterable(
        (((2 * place + 1) / len(lines), number, line) for place, line in enumerate(lines))
        for number, lines in enumerate(lists)
    )
    return [line for _, _, line in sorted(placed, key=lambda item: item[:2])]


def pattern_of(corpus: Corpus) -> tuple[int, ...]:
    """Return which language each row of a batch is of, repeated for ever, so that each has its weight; see `dealt`."""
    return dealt([part.weight for part in corpus.each])


def dealt(weights: Sequence[float]) -> tuple[int, ...]:
    """Deal places out by `weights`, which add up to 1: each to the one that lacks most, the first of several.

    Worked example: 0.8 and 0.2 give 0 0 1 0 0; halves give 0 1; one language 0.
    """
    exact = (size for size in range(1, FINEST) if all(abs(size * w - round(size * w)) < 1e-9 for w in weights))
    given, pattern = [0] * len(weights), list[int]()
    for place in range(next(exact, FINEST)):
        lacks = [round(weight * (place + 1) - had, 9) for weight, had in zip(weights, given, strict=True)]
        pattern.append(lacks.index(max(lacks)))
        given[pattern[-1]] += 1
    return tuple(pattern)
