"""The tokenizer's files tokenize text, in many forms, as the tokenizer that was built does: each of its readers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from tokenizers import Tokenizer
from transformers import AutoTokenizer, BertTokenizer

from edgeenc.bundle.gate import GateCase, GateKind
from edgeenc.errors import InputError
from edgeenc.record.gates import Gate
from edgeenc.text.bert_reader import BertReading
from edgeenc.text.spelling import forms

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

LIST = "vocab.txt"
FORMED = 64
"""Lines that are read in every form: a reader in Python takes milliseconds a line."""


def tokenizer_gate(tokenizer: Tokenizer, folder: Path, lines: Sequence[str]) -> Gate:
    """Compare the ids of every line with those of the files in `folder`, as `tokenizers` and as transformers load them.

    The first lines are also read in every form of `forms`, and by those who ask for the list of tokens, `vocab.txt`.

    Raises:
        InputError: the files cannot be loaded.
    """
    try:
        saved = Tokenizer.from_file(str(folder / "tokenizer.json"))
        library = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        by_list = _by_list(folder)
    except Exception as error:  # the libraries raise bare Exception
        raise InputError(
            f"{folder}: the tokenizer files cannot be loaded ({error}); save the tokenizer again"
        ) from None
    wrong: list[str] = []
    for place, line in enumerate(lines):
        few = place < FORMED
        for text in forms(line) if few else (line,):
            right = tokenizer.encode(text).ids
            found = [saved.encode(text).ids, _ids(library, text)]
            if any(ids != right for ids in found) or (few and by_list and _ids(by_list, text) != right):
                wrong.append(line)
                break
    figure = 1 - len(wrong) / max(1, len(lines))
    return Gate("tokenizer", figure, 1.0, not wrong and bool(lines), "share", wrong[0] if wrong else "")


def _by_list(folder: Path) -> PreTrainedTokenizerBase | None:
    """Return the reader that knows only the list of tokens and the settings beside it, where there is such a list."""
    if not (folder / LIST).is_file():
        return None
    settings = json.loads((folder / "tokenizer_config.json").read_text("utf-8"))
    asked = {field.name: settings.get(field.name) for field in fields(BertReading)}
    return BertTokenizer(str(folder / LIST), **{name: value for name, value in asked.items() if value is not None})


def _ids(reader: PreTrainedTokenizerBase, text: str) -> list[int]:
    return reader.encode(text, verbose=False)


def _measure(case: GateCase) -> Iterator[Gate]:
    yield tokenizer_gate(case.tokenizer, case.folder, case.lines)


TOKENIZER = GateKind("tokenizer", _measure)
