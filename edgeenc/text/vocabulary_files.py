"""Files that older tokenizers are kept in, of which a `tokenizer.json` can be made."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

SENTENCEPIECE = ("sentencepiece.bpe.model", "spm.model", "spiece.model", "sentencepiece.model", "tokenizer.model")
"""Models of SentencePiece; the first is what XLM-R and its kin have."""

WORDPIECE = "vocab.txt"
_BPE = ("vocab.json", "merges.txt")


def vocabulary_among(names: Collection[str]) -> tuple[str, ...]:
    """Return which of the names of a folder's files hold the tokens of an older tokenizer; none where there are none.

    Worked example: `spm.model` and `config.json` give `spm.model`; `vocab.json` alone gives none, since BPE needs its
    merges too.
    """
    kinds = (*((name,) for name in SENTENCEPIECE), (WORDPIECE,), _BPE)
    return next((kind for kind in kinds if set(kind) <= set(names)), ())


def vocabulary_files(folder: Path) -> tuple[str, ...]:
    """Return the names of the files in a folder that hold the tokens of an older tokenizer, as `vocabulary_among`."""
    return vocabulary_among([path.name for path in folder.iterdir() if path.is_file()])


def without_tokenizer(folder: Path) -> str:
    """Return what to say of a folder without `tokenizer.json`: that it is missing, and how to make it."""
    found = " and ".join(vocabulary_files(folder))
    if found:
        return f"tokenizer.json is missing; there is {found}: `edgeenc convert {folder}` makes it of that, once"
    return "tokenizer.json is missing; save the fast tokenizer into the folder"
