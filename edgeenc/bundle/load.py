"""Use a bundle in Python: texts in; vectors, labels, tags or words out, as the exported file computes them.

Axis letters: T tokens, H hidden, V vocabulary, C labels, D dimensions of a vector.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer

from edgeenc.bundle.assemble import check, load_golden_tokenizer
from edgeenc.errors import InputError, UsageError
from edgeenc.model.answers import NO_LABEL, Answer, Known, ReadText
from edgeenc.model.config import labels_of, load_config
from edgeenc.model.purpose import Purpose, labelled_purpose
from edgeenc.model.sentence_head import SentenceHead, read_sentence_head
from edgeenc.targets.sessions.session import Session
from edgeenc.targets.target import target_of
from edgeenc.tasks.encode import by_length, encode, padded
from edgeenc.tasks.item import Item
from edgeenc.tasks.task_kind import task_kind_for, task_kinds

BATCH = 16


@dataclass(frozen=True)
class Bundle:
    """A bundle that was loaded; call it with texts.

    Attributes:
        folder: where it lies.
        tokenizer: truncates at the length that the model reads.
        session: the exported file, ready to run.
        labels: of a classifier or tagger, by their number.
        pool: of sentence vectors, how they are made; it has the prompts.
    """

    folder: Path
    tokenizer: Tokenizer
    session: Session
    labels: tuple[str, ...] = ()
    pool: SentenceHead | None = None

    @property
    def purpose(self) -> Purpose:
        """What the exported file computes."""
        return self.session.purpose

    def __call__(self, texts: str | Sequence[str], *, prompt: str | None = None) -> list[Answer]:
        """Return an answer for each text; a tagger's words are what white space sets apart.

        Args:
            texts: one or several.
            prompt: what a sentence vector is for, such as "query" and "passage": the prompt of that name is put before
                each text; without a name, the model's default prompt where it has one.

        Raises:
            UsageError: a masked LM is given a text without exactly one mask token, or there is no such prompt.
        """
        known, before = Known(self.tokenizer, self.labels), self._prompt(prompt)
        asked = [before + text for text in ([texts] if isinstance(texts, str) else texts)]
        return [self.purpose.answer(text, known) for text in self.read(asked)]

    def _prompt(self, name: str | None) -> str:
        prompts = self.pool.prompts if self.pool else {}
        if name is not None and name not in prompts:
            known = f"it has {', '.join(prompts)}" if prompts else "it has none"
            raise UsageError(f"bundle {self.folder}: no prompt {name!r}; {known}")
        return self.pool.prompt(name) if self.pool else ""

    def read(self, texts: Sequence[str]) -> list[ReadText]:
        """Return the raw output for each text: hidden states (T, H), logits (T, V), (T, C) or (C), or a vector (D)."""
        kind = task_kind_for(self.purpose) or task_kinds()[0]  # an encoder reads texts as a classifier of them does
        words = [tuple(text.split()) if kind.lists else (text,) for text in texts]
        items = [Item(found, (NO_LABEL,) * len(found), (True,) * len(found)) for found in words]
        most = int(self.tokenizer.truncation["max_length"])
        encoded = encode(items, kind, self.tokenizer, most)
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
    check(folder)
    target = target_of(folder)
    there = target.files_in(folder)
    if precision and precision not in there:
        raise InputError(f"bundle {folder}: has no file of precision {precision}; build it again")
    smallest, _ = target.smallest_in(folder)
    chosen = target.precision(precision) if precision else smallest
    config = load_config(folder)
    purpose = labelled_purpose(config)
    labels = labels_of(config) if purpose else ()
    session = chosen.open(there[chosen.name], threads, purpose)
    pool = read_sentence_head(folder) if session.purpose.pooled_from else None
    return Bundle(folder, load_golden_tokenizer(folder), session, labels, pool)
