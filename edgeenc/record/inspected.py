"""What `edgeenc inspect` finds in a checkpoint folder or a bundle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class PartStored:
    """Parameters and bytes of a part of the model, as they are stored."""

    parameters: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PartsStored:
    """Every part of a file of weights.

    Attributes:
        unused: what an encoder does not load: poolers, other heads, second copies of tied tensors.
    """

    embeddings: PartStored
    layers: PartStored
    head: PartStored
    unused: PartStored

    @property
    def loaded(self) -> int:
        """Parameters that an encoder loads."""
        return self.embeddings.parameters + self.layers.parameters + self.head.parameters


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenizerFile:
    """What splits text: its kind (WordPiece, Unigram, BPE), the number of its tokens, the bytes of tokenizer.json."""

    kind: str
    tokens: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspected:
    """Everything that is found.

    Attributes:
        parameters: those an encoder loads, the tied table counted once.
        dtypes: types of the stored tensors.
        files: bytes of each exported file, by its path in the folder.
        notes: what is done beside reading where it is a teacher: rows without a token, a head that is not there.
        problems: what does not belong together.
        sentence: how one vector of a text is made, or why that is not known; "" where no file says anything of it.
        refusal: why a build would refuse it as a teacher, in the words of the build; "" where it would not.
    """

    path: str
    kind: Literal["bundle", "checkpoint"]
    family: str
    shape: Mapping[str, int]
    parameters: int
    parts: PartsStored
    dtypes: tuple[str, ...]
    tokenizer: TokenizerFile | None
    files: Mapping[str, int]
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    sentence: str = ""
    refusal: str = ""
