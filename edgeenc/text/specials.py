"""What a tokenizer's pieces mean beyond their letters: special pieces by their role, and where words begin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass, fields

from tokenizers import Tokenizer

from edgeenc.errors import InputError


@dataclass(frozen=True, slots=True)
class Names:
    """The special pieces by role, as one family of tokenizers writes them."""

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
    Names("<pad>", "<unk>", "<s>", "</s>", "<mask>"),
)
"""BERT and all that followed it; RoBERTa, which got its names from fairseq."""


@dataclass(frozen=True, slots=True)
class Specials:
    """Ids of the special pieces by role, and their names."""

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
    def of(tokenizer: Tokenizer) -> Specials:
        """Find the special pieces of a tokenizer.

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
        return Specials(pad, unk, cls, sep, mask, names)


@dataclass(frozen=True, slots=True)
class Marks:
    """How the pieces of a type of tokenizer show where words begin; one of the two is empty.

    Attributes:
        first: what a piece begins with that begins a word.
        later: what a piece begins with that goes on with a word.
    """

    first: str = ""
    later: str = ""

    def bare(self, piece: str) -> str:
        """Return a piece without its mark; a mark that stands alone is a piece itself.

        Worked example: WordPiece `##ab` is `ab`, Unigram `▁ab` is `ab`, `▁` stays `▁`.
        """
        mark = self.first or self.later
        return piece.removeprefix(mark) if len(piece) > len(mark) else piece

    def goes_on(self, piece: str) -> bool:
        """Tell whether a piece goes on with a word.

        Worked example: WordPiece `##ab` does, Unigram `ab` does and `▁ab` does not.
        """
        return piece.startswith(self.later) if self.later else not piece.startswith(self.first)


MARKS: Mapping[str, Marks] = {"WordPiece": Marks(later="##"), "Unigram": Marks(first="▁"), "BPE": Marks(first="Ġ")}
"""By the type of the tokenizer's model; BPE is the byte-level one, whose `Ġ` is the byte of a space."""


def kind_of(tokenizer: Tokenizer) -> str:
    """Return the type of a tokenizer's model: WordPiece, Unigram or BPE.

    Raises:
        InputError: it is another one.
    """
    kind = type(tokenizer.model).__name__
    if kind not in MARKS:
        raise InputError(f"a tokenizer of type {kind} is not known; known are: {', '.join(sorted(MARKS))}")
    return kind


def marks_of(tokenizer: Tokenizer) -> Marks:
    """Return how the pieces of a tokenizer show where words begin.

    Raises:
        InputError: its type is not known.
    """
    return MARKS[kind_of(tokenizer)]
