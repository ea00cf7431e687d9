"""What a published checkpoint holds, from its headers alone: whether an encoder can be read out of it, and how.

A plan asks before anything runs; `load_encoder` reads what is found here, so both refuse the same in the same words.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from edgeenc.errors import InputError
from edgeenc.model.config import load_shape
from edgeenc.model.family import Family
from edgeenc.model.header import Stored
from edgeenc.model.shape import Shape
from edgeenc.model.weights import OTHER_FLOATS, headers
from edgeenc.text.around import frame_of
from edgeenc.text.specials import Specials
from edgeenc.text.token_ids import TokenIds, token_ids
from edgeenc.text.types import tokenizer_types
from edgeenc.text.vocabulary_files import without_tokenizer

if TYPE_CHECKING:
    import numpy as np

HeadState = Literal["published", "grown", "trained"]
"""The masked-LM head of an encoder: as its files have it; made up, since they have none; made up and then trained."""

_OLD = ((".gamma", ".weight"), (".beta", ".bias"))
"""The first BERT checkpoints call the weight of a norm gamma and its bias beta."""

_NUMBERS = {"F64": "<f8", "F32": "<f4", "F16": "<f2"}


HEADLESS = "the teacher has no masked-LM head"


@dataclass(frozen=True)
class Checkpoint:
    """How an encoder is read out of a folder.

    Attributes:
        shape: of the encoder; its tokens are those that the tokenizer has.
        head: whether the files have a masked-LM head.
        names: what the family calls each stored tensor that is read.
        passed: stored tensors that are not read: poolers and heads of other tasks.
        rows: of the stored table of tokens.
        keep: ids of the tokens, ascending; the rows of all others are left out.
        left_out: added tokens that have no row.
        types: of the tensors that are read, where they are no float32.
    """

    shape: Shape
    head: HeadState
    names: Mapping[str, str]
    passed: tuple[str, ...]
    rows: int
    keep: tuple[int, ...]
    left_out: tuple[str, ...] = ()
    types: tuple[str, ...] = ()

    @property
    def holes(self) -> bool:
        """Whether tokens must be numbered again, since an id below others has none."""
        return self.keep[-1] >= len(self.keep)

    @property
    def notes(self) -> tuple[str, ...]:
        """What is done beside reading, in words."""
        spare, added = self.rows - len(self.keep), len(self.left_out)
        said = []
        if self.types:
            said.append(f"the weights are {' and '.join(self.types)} and are computed as float32")
        if spare:
            said.append(f"{spare:,} rows have no token" if spare > 1 else "1 row has no token")
        if added:
            said.append(f"{added:,} added tokens have no row and are left out: {_first(map(repr, self.left_out))}")
        if self.head == "grown":
            said.append(HEADLESS)
        return tuple(said)


def read_checkpoint(folder: Path) -> Checkpoint:
    """Return how an encoder is read out of a checkpoint folder; no tensor is loaded.

    Raises:
        InputError: a file is missing or damaged; tensors are missing, unknown or of a wrong size; tokens have no row;
            or the tokenizer lacks a special token.
    """
    shape = load_shape(folder)
    header = headers(folder)
    names, passed = _named(folder, header, shape.table)
    head = _head(folder, shape, names)
    stored = {own: header[name].shape for name, own in names.items() if head == "published" or not _of_head(shape, own)}
    names = {name: own for name, own in names.items() if own in stored}
    _require_whole(folder, shape, stored, head)
    _require_tied(folder, header, names, shape.table)
    found = tokens_of(folder)
    keep, left_out = _rows(folder, found, shape.vocab)
    _require_type(folder, found)
    _require_specials(folder, found, left_out)
    read = replace(shape, vocab=len(keep))
    passed = (*passed, *(set(header) - set(names) - set(passed)))
    types = tuple(sorted({OTHER_FLOATS[header[name].dtype] for name in names if header[name].dtype in OTHER_FLOATS}))
    return Checkpoint(read, head, names, passed, shape.vocab, keep, left_out, types)


def _require_type(folder: Path, found: TokenIds) -> None:
    """Refuse a tokenizer of a type that cannot be trimmed; where a file says none, the library judges it."""
    known = sorted({one.name for one in tokenizer_types()})
    if found.kind and found.kind not in known:
        raise InputError(
            f"checkpoint {folder}: a tokenizer of type {found.kind} is not known; known are: {', '.join(known)}"
        )


def tokens_of(folder: Path) -> TokenIds:
    """Return the tokens of the `tokenizer.json` of a checkpoint folder.

    Raises:
        InputError: the file is missing or damaged, or gives one id to two tokens.
    """
    path = folder / "tokenizer.json"
    if not path.is_file():
        raise InputError(f"checkpoint {folder}: {without_tokenizer(folder)}")
    try:
        return token_ids(path.read_bytes())
    except InputError as error:
        raise InputError(f"checkpoint {folder}: {error}") from None
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
        what = f"{type(error).__name__}: {error}"[:200]
        raise InputError(f"checkpoint {folder}: tokenizer.json is damaged ({what})") from None


def own_name(stored: str, family: Family) -> str | None:
    """Return what a family calls a stored tensor, or None for what an encoder does not read.

    Worked example: `encoder.layer.0.output.LayerNorm.gamma` of a `BertModel` is
    `bert.encoder.layer.0.output.LayerNorm.weight`; `bert.pooler.dense.weight` and `classifier.weight` are None.
    """
    name = stored
    for old, new in _OLD:
        name = name.removesuffix(old) + new if name.endswith(old) else name
    name = family.today(name)
    whole = name if name.startswith(family.body) else f"{family.body}{name}"
    if any(one.startswith(family.foreign) for one in (name, whole, name.removeprefix(family.body))):
        return None
    inside = {row.removeprefix(family.body).partition(".")[0] for row in (*family.embeddings, *family.layer)}
    if name.startswith(family.body) or name in family.rows:
        return name
    return whole if name.partition(".")[0] in inside else None


def _named(folder: Path, header: Mapping[str, Stored], family: Family) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return what the family calls each tensor that it has, and the names of all others."""
    found = {name: own_name(name, family) for name in header}
    names = {name: own for name, own in found.items() if own is not None}
    unknown = [name for name, own in names.items() if family.in_layer(own, "*") not in family.rows]
    if unknown:
        raise _unfit(folder, f"{len(unknown):,} tensors that no {family.name} encoder has", unknown)
    twice = [name for name, own in names.items() if own != name and own in header]
    if twice:
        raise _unfit(folder, f"{len(twice):,} tensors are stored under two names", twice)
    return names, tuple(name for name, own in found.items() if own is None)


def _of_head(shape: Shape, name: str) -> bool:
    family = shape.table
    return name in family.head or family.tied.get(name) in family.head


def _head(folder: Path, shape: Shape, names: Mapping[str, str]) -> HeadState:
    """Return whether there is a masked-LM head; a transform without a bias of the tokens is that of a classifier.

    Raises:
        InputError: the configuration says that there is one, and only a part of it is there.
    """
    family = shape.table
    held = {family.tied.get(own, own) for own in names.values()} & set(family.head)
    if any("vocab" in family.head[name] for name in held):
        return "published"
    if held and _says_masked(folder):
        lost = sorted(set(family.head) - held)
        raise _unfit(folder, f"{len(lost)} of {len(family.head)} tensors of the masked-LM head are missing", lost)
    return "grown"


def _says_masked(folder: Path) -> bool:
    named = json.loads((folder / "config.json").read_bytes()).get("architectures")
    return any(str(one).endswith(("ForMaskedLM", "ForPreTraining")) for one in named or ())


def _require_whole(folder: Path, shape: Shape, stored: Mapping[str, Sequence[int]], head: HeadState) -> None:
    """Refuse tensors that are missing or of another size than the configuration says."""
    family = shape.table
    rows = {**family.embeddings, **(family.head if head == "published" else {})}
    for name, axes in family.layer.items():
        rows |= {name.replace("*", str(n)): axes for n in range(shape.layers) if n or name not in family.absent}
    expected = {name: tuple(map(shape.size, axes)) for name, axes in rows.items()}
    second = {first: name for name, first in family.tied.items() if name in stored}
    lost = [name for name in expected if name not in stored and name not in second]
    if lost:
        raise _unfit(folder, f"{len(lost):,} of {len(expected):,} tensors are missing", lost)
    more = [name for name in stored if name not in expected and name not in family.tied]
    if more:
        raise _unfit(folder, f"{len(more):,} tensors more than config.json says", more)
    sizes = expected | {name: expected[first] for name, first in family.tied.items() if first in expected}
    other = [
        f"{name} {_by(stored[name])} for {_by(sizes[name])}"
        for name in stored
        if name in sizes and tuple(stored[name]) != sizes[name]
    ]
    if other:
        raise _unfit(folder, f"{len(other):,} tensors are of another size", other)


def _require_tied(folder: Path, header: Mapping[str, Stored], names: Mapping[str, str], family: Family) -> None:
    """Refuse a tensor that is stored beside the one to which it is tied, and differs from it."""
    import numpy as np

    place = {own: name for name, own in names.items()}
    for name, first in family.tied.items():
        if name in place and first in place:
            one, other = (_values(folder, header[place[own]]) for own in (name, first))
            if not np.array_equal(one, other):
                raise InputError(f"checkpoint {folder}: {name} differs from {first}, to which it should be tied")


def _values(folder: Path, stored: Stored) -> np.ndarray[tuple[int, ...], np.dtype[np.generic]]:
    """Return the numbers of a tensor, or its bytes where numpy has no such type, from the file where it lies."""
    import numpy as np

    path, (first, last) = folder / stored.file, stored.data_offsets
    with path.open("rb") as file:
        start = 8 + int.from_bytes(file.read(8), "little")
    dtype = np.dtype(_NUMBERS.get(stored.dtype, "u1"))
    count = (last - first) // dtype.itemsize
    return np.memmap(path, dtype, "r", start + first, (count,)) if count else np.empty(0, dtype)


def _rows(folder: Path, found: TokenIds, rows: int) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Return the ids of the tokens that have a row, and the added tokens that have none.

    Raises:
        InputError: the model's own tokens have none.
    """
    beyond = {token: number for token, number in found.ids.items() if number >= rows}
    lost = [f"{token!r} (id {number:,})" for token, number in beyond.items() if token not in found.added]
    if lost:
        raise InputError(
            f"checkpoint {folder}: {len(lost):,} of {len(found.ids):,} tokens have no row in the embedding of {rows:,}"
            f" rows: {_first(lost)}; they do not belong together: take the model's own tokenizer, or add rows with"
            " resize_token_embeddings of transformers and save the model again"
        )
    return tuple(number for number in found.ascending if number < rows), tuple(beyond)


def _require_specials(folder: Path, found: TokenIds, left_out: Sequence[str]) -> None:
    """Refuse a tokenizer without one of the special tokens, or with one that has no row."""
    try:
        own = Specials.of(found)
    except InputError as error:
        raise InputError(f"checkpoint {folder}: {error}") from None
    lost = [token for token in own.names.tokens().values() if token in left_out]
    _require_frame(folder, found, own)
    if lost:
        raise InputError(
            f"checkpoint {folder}: the special tokens {', '.join(lost)} have no row in the embedding; add the rows with"
            " resize_token_embeddings of transformers and save the model again"
        )


def _require_frame(folder: Path, found: TokenIds, own: Specials) -> None:
    """Refuse a tokenizer that does not put the two special tokens around a text that the model was trained with.

    Libraries add them by the class of a tokenizer, whatever its file says; an app that reads the file has none.
    """
    try:
        frame = frame_of(found.rest)
    except InputError as error:
        raise InputError(f"checkpoint {folder}: {error}") from None
    if frame != (own.cls, own.sep):
        names = {number: token for token, number in found.ids.items() if number in frame}
        put = " ".join(names.get(number, f"id {number:,} (no token)") for number in frame) or "nothing"
        raise InputError(
            f"checkpoint {folder}: tokenizer.json puts {put} around a text, expected {own.names.cls} and"
            f" {own.names.sep}; set its post_processor, or save it again with the fast tokenizer of transformers"
        )


def _unfit(folder: Path, what: str, names: Sequence[str]) -> InputError:
    return InputError(f"checkpoint {folder}: the weights do not fit config.json: {what}: {_first(names)}")


def _first(words: Sequence[str] | map[str]) -> str:
    """Return the first three words in one line."""
    found = list(words)
    return ", ".join(found[:3]) + (", ..." if len(found) > 3 else "")


def _by(sizes: Sequence[int]) -> str:
    return " x ".join(map(str, sizes)) or "1"
