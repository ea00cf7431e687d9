"""Special tokens of a tokenizer by their role."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import astuple, dataclass, fields
from typing import Protocol

from edgeenc.errors import InputError


class KnowsTokens(Protocol):
    """What knows the id of a token: a tokenizer, or a list of its tokens."""

    def token_to_id(self, token: str) -> int | None:
        """Return the id of a token, or None where there is none."""
        ...


@dataclass(frozen=True, slots=True)
class Names:
    """The special tokens by role, as one family of tokenizers writes them."""

    pad: str
    unk: str
    cls: str
    sep: str
    mask: str

    def tokens(self) -> dict[str, str]:
        """Return them as the library's configuration files have them: `pad_token` and so on."""
        return {f"{field.name}_token": getattr(self, field.name) for field in fields(self)}


CONVENTIONS = (
    Names("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"),
    Names("<pad>", "<unk>", "<bos>", "<eos>", "<mask>"),
    Names("<pad>", "<unk>", "<s>", "</s>", "<mask>"),
)
"""BERT and all that followed it; Gemma and mmBERT; RoBERTa, which got its names from fairseq."""


@dataclass(frozen=True, slots=True)
class Specials:
    """Ids of the special tokens by role, and their names."""

    pad: int
    unk: int
    cls: int
    sep: int
    mask: int
    names: Names

    @property
    def ids(self) -> tuple[int, ...]:
        """All five, ascending."""
        return tuple(sorted((self.pad, self.unk, self.cls, self.sep, self.mask)))

    @staticmethod
    def of(tokenizer: KnowsTokens) -> Specials:
        """Find the special tokens of a tokenizer.

        Raises:
            InputError: it lacks one of them, whichever of the known names are looked for.
        """
        found = [(names, [tokenizer.token_to_id(name) for name in astuple(names)]) for names in CONVENTIONS]
        names, ids = min(found, key=lambda pair: pair[1].count(None))
        missing = [name for name, number in zip(astuple(names), ids, strict=True) if number is None]
        if missing:
            known = " or ".join(" ".join(astuple(convention)) for convention in CONVENTIONS)
            raise InputError(f"the tokenizer has no {', '.join(missing)}; a tokenizer with {known} is expected")
        pad, unk, cls, sep, mask = (number for number in ids if number is not None)
        return Specials(pad, _given(tokenizer, names.unk, unk), cls, sep, mask, names)


def _given(tokenizer: KnowsTokens, unknown: str, number: int) -> int:
    """Return the id that a tokenizer gives for what it does not know: of two tokens `<unk>` (CamemBERT) not the last.

    A list of tokens has no model that could be asked, and the `number` of the name is the answer.
    """
    model = getattr(tokenizer, "model", None)
    if model is None:
        return number
    from edgeenc.text.tokenizer_file import NOWHERE  # a plan asks lists only, and loads no library for that

    with suppress(Exception):  # the library raises bare Exception where the model has no unknown token
        given = [token.id for token in model.tokenize(NOWHERE)]
        return next((one for one in given if model.id_to_token(one) == unknown), number)
    return number
