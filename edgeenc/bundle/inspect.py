"""What is in a checkpoint folder or a bundle; weights are counted by their header alone."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import JsonValue, TypeAdapter

from edgeenc.errors import InputError
from edgeenc.model.bottleneck import added_parameters, reduction_of
from edgeenc.model.classifier import weights_of
from edgeenc.model.config import load_config
from edgeenc.model.encoder import WEIGHTS
from edgeenc.model.family import Family
from edgeenc.model.purpose import labelled_purpose
from edgeenc.model.shape import shape_of
from edgeenc.record.inspected import Inspected, PartsStored, PartStored, TokenizerFile
from edgeenc.store import BUNDLE_MARK, MANIFEST
from edgeenc.targets.target import targets


@dataclass(frozen=True)
class Tensor:
    """A row of a safetensors header: type, sizes, and first and last byte after the header."""

    dtype: str
    shape: list[int]
    data_offsets: tuple[int, int]


_HEADER = TypeAdapter(dict[str, Tensor])


def look(path: Path) -> Inspected:
    """Look into a checkpoint folder or a bundle.

    Raises:
        InputError: no such folder, no `config.json` or file of weights, one of them damaged, or an unknown family.
    """
    config = load_config(path)
    shape = shape_of(config)
    family = shape.table
    weights = weights_of(config)
    header = read_header(path / weights)
    parts = _parts(header, family)
    expected = shape.parameters
    if labelled_purpose(config) is not None:  # the library counts a part of its head to the body
        parts = replace(parts, head=parts.unused, unused=PartStored())
        reduction = reduction_of(config)
        expected = shape.encoder_parameters + parts.head.parameters
        expected += added_parameters(shape, reduction) if reduction is not None else 0
    exported = dict.fromkeys(file for target in targets() for file in target.all_in(path))
    tokenizer = _tokenizer(path / "tokenizer.json")
    problems = []
    if parts.loaded != expected:
        problems.append(f"{weights} has {parts.loaded:,} parameters, config.json says {expected:,}")
    if tokenizer is None:
        problems.append("tokenizer.json is missing")
    elif tokenizer.tokens != shape.vocab:
        problems.append(f"the tokenizer has {tokenizer.tokens:,} tokens, config.json says {shape.vocab:,}")
    return Inspected(
        path=str(path),
        kind="bundle" if _is_bundle(path) else "checkpoint",
        family=family.name,
        shape=shape.sizes,
        parameters=parts.loaded,
        parts=parts,
        dtypes=tuple(sorted({tensor.dtype for tensor in header.values()})),
        tokenizer=tokenizer,
        files={file.relative_to(path).as_posix(): file.stat().st_size for file in exported},
        problems=tuple(problems),
    )


def read_header(path: Path) -> dict[str, Tensor]:
    """Return the header of a safetensors file: eight bytes of length, then JSON; the tensors are not read.

    Raises:
        InputError: the file is missing, damaged or truncated.
    """
    try:
        with path.open("rb") as file:
            size = int.from_bytes(file.read(8), "little")
            rows: dict[str, JsonValue] = json.loads(file.read(min(size, path.stat().st_size)))
        rows.pop("__metadata__", None)
        header = _HEADER.validate_python(rows)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; a checkpoint folder with {WEIGHTS} is expected") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None
    except (ValueError, TypeError):
        raise InputError(f"{path}: the header is damaged; get the file again") from None
    end = 8 + size + max((tensor.data_offsets[1] for tensor in header.values()), default=0)
    if end != path.stat().st_size:
        raise InputError(f"{path}: {path.stat().st_size:,} bytes, its header says {end:,}; get the file again")
    return header


def _parts(header: dict[str, Tensor], family: Family) -> PartsStored:
    held = [(_part_of(name, header, family), tensor) for name, tensor in header.items()]

    def stored(part: str) -> PartStored:
        own = [tensor for name, tensor in held if name == part]
        return PartStored(
            parameters=sum(math.prod(tensor.shape) for tensor in own),
            bytes=sum(tensor.data_offsets[1] - tensor.data_offsets[0] for tensor in own),
        )

    return PartsStored(
        embeddings=stored("embeddings"), layers=stored("layers"), head=stored("head"), unused=stored("unused")
    )


def _part_of(name: str, header: dict[str, Tensor], family: Family) -> str:
    """Return the part of a tensor; the second name of a tied tensor counts only where the first is not there."""
    first = family.tied.get(family.today(name), family.today(name))
    if name.startswith(family.foreign) or (first != family.today(name) and first in header):
        return "unused"
    if family.layer_of(first) is not None:
        return "layers"
    if first.startswith(family.body):
        return "embeddings"
    return "head" if first.split(".")[0] in family.head_modules else "unused"


def _tokenizer(path: Path) -> TokenizerFile | None:
    """Return kind and size of a `tokenizer.json`, or None where there is none; tokens added later are counted once."""
    try:
        text = path.read_bytes()
        found = json.loads(text)
        model, vocab = found["model"], found["model"]["vocab"]
        tokens = {row[0] for row in vocab} if isinstance(vocab, list) else set(vocab)
        tokens |= {token["content"] for token in found.get("added_tokens") or []}
        return TokenizerFile(kind=str(model["type"]), tokens=len(tokens), bytes=len(text))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise InputError(f"{path}: damaged ({type(error).__name__}: {error}); get the file again") from None


def _is_bundle(path: Path) -> bool:
    try:
        return BUNDLE_MARK in json.loads((path / MANIFEST).read_bytes())
    except (OSError, ValueError, TypeError):
        return False
