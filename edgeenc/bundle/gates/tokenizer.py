"""The tokenizer's files tokenize text as the tokenizer that was built does, also for transformers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from tokenizers import Tokenizer
from transformers import AutoTokenizer

from edgeenc.bundle.gate import GateCase, GateKind
from edgeenc.errors import InputError
from edgeenc.record.gates import Gate


def tokenizer_gate(tokenizer: Tokenizer, folder: Path, lines: Sequence[str]) -> Gate:
    """Compare the ids of every line with those of the files in `folder`, as `tokenizers` and as transformers load them.

    Raises:
        InputError: the files cannot be loaded.
    """
    try:
        saved = Tokenizer.from_file(str(folder / "tokenizer.json"))
        library = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except Exception as error:  # the libraries raise bare Exception
        raise InputError(
            f"{folder}: the tokenizer files cannot be loaded ({error}); save the tokenizer again"
        ) from None
    wrong = []
    for line in lines:
        right = tokenizer.encode(line).ids
        if saved.encode(line).ids != right or library(line, verbose=False)["input_ids"] != right:
            wrong.append(line)
    figure = 1 - len(wrong) / max(1, len(lines))
    return Gate("tokenizer", figure, 1.0, not wrong and bool(lines), "share", wrong[0] if wrong else "")


def _measure(case: GateCase) -> Iterator[Gate]:
    yield tokenizer_gate(case.tokenizer, case.folder, case.lines)


TOKENIZER = GateKind("tokenizer", _measure)
