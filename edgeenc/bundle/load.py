"""Use a bundle in Python: texts in; vectors, labels, tags or words out, as the exported file computes them.

Axis letters: B batch, T tokens, H hidden, V vocabulary, C labels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from edgeenc.bundle.assemble import ONNX, check, load_golden_tokenizer
from edgeenc.bundle.gates import mean_pool
from edgeenc.errors import InputError, UsageError
from edgeenc.model.classifier import task_named
from edgeenc.model.config import load_config
from edgeenc.model.purpose import ExportTask
from edgeenc.targets.session import OrtSession, Output
from edgeenc.tasks.encode import NOWHERE, by_length, encode, padded
from edgeenc.tasks.examples import NO_LABEL, Item
from edgeenc.text.specials import Specials

BATCH = 16
MOST_TOKENS = 5
"""Tokens that are offered for a masked one."""


class Guess(NamedTuple):
    """A label or a token with its probability; of a tagger `word` says what was tagged."""

    label: str
    probability: float
    word: str = ""


Answer: TypeAlias = "NDArray[np.float64] | tuple[Guess, ...]"
"""Of an encoder the mean (H,) of the last hidden states. Of a classifier every label, the likeliest first; of a tagger
a guess for each word, with an empty label where the text was too long; of a masked LM the likeliest tokens."""


class ReadText(NamedTuple):
    """One text as the model read it, without padding.

    Attributes:
        words: of a tagger; else the text alone.
        ids: (T) tokens, special ones included.
        places: where each word begins, `NOWHERE` for one that was cut off.
        output: (T, H), (T, V), (T, C) or, of a classifier of texts, (C).
    """

    words: tuple[str, ...]
    ids: tuple[int, ...]
    places: tuple[int, ...]
    output: Output


@dataclass(frozen=True)
class Bundle:
    """A bundle that was loaded; call it with texts.

    Attributes:
        folder: where it lies.
        purpose: what the exported file computes, in the words of the hub.
        tokenizer: truncates at the length that the model reads.
        session: the exported file in ONNX Runtime.
        labels: of a classifier or tagger, by their number.
    """

    folder: Path
    purpose: ExportTask
    tokenizer: Tokenizer
    session: OrtSession
    labels: tuple[str, ...] = ()

    def __call__(self, texts: str | Sequence[str]) -> list[Answer]:
        """Return an answer for each text; a tagger's words are what white space sets apart.

        Raises:
            UsageError: a masked LM is given a text without exactly one mask token.
        """
        answer = ANSWERS[self.purpose]
        return [answer(self, text) for text in self.read([texts] if isinstance(texts, str) else texts)]

    def read(self, texts: Sequence[str]) -> list[ReadText]:
        """Return the raw output for each text: hidden states (T, H), or logits (T, V), (T, C) or (C)."""
        tags = self.purpose == "token-classification"
        words = [tuple(text.split()) if tags else (text,) for text in texts]
        items = [Item(found, (NO_LABEL,) * len(found)) for found in words]
        most = int(self.tokenizer.truncation["max_length"])
        encoded = encode(items, "tag" if tags else "classify", self.tokenizer, most)
        found: dict[int, ReadText] = {}
        for numbers in by_length(encoded, BATCH):
            for number, row in zip(numbers, self.session(*padded(encoded, numbers)), strict=True):
                ids, places = encoded.ids[number], encoded.places[number]
                found[number] = ReadText(words[number], ids, places, row[: len(ids)] if row.ndim == 2 else row)
        return [found[number] for number in range(len(texts))]


def load_bundle(folder: Path | str, precision: str = "", threads: int = 1) -> Bundle:
    """Load a bundle whose every file has its hash.

    Args:
        folder: made by `edgeenc build`.
        precision: `int8` or `fp32`; empty takes the smallest there is.
        threads: of one run.

    Raises:
        InputError: it is no bundle, files are missing or changed, or it has no file of this precision.
    """
    folder = Path(folder)
    files = check(folder)
    there = [name for name in ("int8", "fp32") if ONNX[name] in files and precision in ("", name)]
    if not there:
        raise InputError(f"bundle {folder}: has no file of precision {precision or 'int8 or fp32'}; build it again")
    config = load_config(folder)
    named = task_named(config)
    session = OrtSession(folder / ONNX[there[0]], threads, named)
    labels = tuple((config.id2label or {}).values()) if named else ()
    return Bundle(folder, session.task, load_golden_tokenizer(folder), session, labels)


def _vector(_: Bundle, text: ReadText) -> Answer:
    return mean_pool(text.output[None], np.ones((1, len(text.ids)), np.int64))[0]


def _label(bundle: Bundle, text: ReadText) -> Answer:
    return _likeliest(text.output, bundle.labels, len(bundle.labels))


def _tags(bundle: Bundle, text: ReadText) -> Answer:
    def tag(word: str, place: int) -> Guess:
        if place == NOWHERE:
            return Guess(NO_LABEL, 0.0, word)
        return _likeliest(text.output[place], bundle.labels, 1)[0]._replace(word=word)

    return tuple(map(tag, text.words, text.places))


def _tokens(bundle: Bundle, text: ReadText) -> Answer:
    special = Specials.of(bundle.tokenizer)
    if text.ids.count(special.mask) != 1:
        raise UsageError(
            f"a text with one {special.names.mask} is expected, found {text.ids.count(special.mask)} in"
            f" {' '.join(text.words)!r}"
        )
    names = [bundle.tokenizer.id_to_token(number) or "" for number in range(text.output.shape[-1])]
    return _likeliest(text.output[text.ids.index(special.mask)], names, MOST_TOKENS)


def _likeliest(logits_C: Output, names: Sequence[str], most: int) -> tuple[Guess, ...]:
    """Return the `most` likeliest names with their probabilities, the likeliest first.

    Worked example: logits 0 and log 3 of `a` and `b` give b 0.75 and a 0.25.
    """
    powers_C = np.exp(logits_C.astype(np.float64) - logits_C.max())
    share_C = powers_C / powers_C.sum()
    order: list[int] = np.argsort(-share_C, kind="stable")[:most].tolist()
    return tuple(Guess(names[place], float(share_C[place])) for place in order)


ANSWERS: Mapping[ExportTask, Callable[[Bundle, ReadText], Answer]] = {
    "feature-extraction": _vector,
    "fill-mask": _tokens,
    "text-classification": _label,
    "token-classification": _tags,
}
"""What is made of an output, by what the file computes."""
