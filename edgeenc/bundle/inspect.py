"""What `edgeenc inspect PATH` shows of a checkpoint folder or a bundle; weights are counted by their header alone."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypedDict

from pydantic import JsonValue, TypeAdapter
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from edgeenc.errors import InputError
from edgeenc.model.bottleneck import added_parameters, reduction_of
from edgeenc.model.classifier import weights_of
from edgeenc.model.config import load_config
from edgeenc.model.encoder import WEIGHTS
from edgeenc.model.families import family_of
from edgeenc.model.family import Family
from edgeenc.model.purpose import labelled_purpose
from edgeenc.model.shape import shape_of
from edgeenc.store import BUNDLE_MARK, MANIFEST

PARTS = ("embeddings", "layers", "head", "unused")
"""`unused` is what an encoder does not load: poolers, other heads, second copies of tied tensors."""


@dataclass(frozen=True)
class Tensor:
    """A row of a safetensors header: type, sizes, and first and last byte after the header."""

    dtype: str
    shape: list[int]
    data_offsets: tuple[int, int]


class Part(TypedDict):
    """Parameters and bytes of a part of the model, as they are stored."""

    parameters: int
    bytes: int


class TokenizerFound(TypedDict):
    """What splits text: its kind (WordPiece, Unigram, BPE), the number of its pieces, the bytes of tokenizer.json."""

    kind: str
    pieces: int
    bytes: int


class Findings(TypedDict):
    """Everything `look` finds; `parameters` are those an encoder loads, the tied table counted once."""

    path: str
    kind: Literal["bundle", "checkpoint"]
    family: str
    shape: dict[str, int]
    parameters: int
    parts: dict[str, Part]
    dtypes: list[str]
    tokenizer: TokenizerFound | None
    onnx: dict[str, int]
    problems: list[str]


_HEADER = TypeAdapter(dict[str, Tensor])


def look(path: Path) -> Findings:
    """Look into a checkpoint folder or a bundle.

    Raises:
        InputError: no such folder, no `config.json` or file of weights, one of them damaged, or an unknown family.
    """
    config = load_config(path)
    family = family_of(config.model_type)
    shape = shape_of(config)
    weights = weights_of(config)
    header = read_header(path / weights)
    parts = _parts(header, family)
    classifier = labelled_purpose(config) is not None
    if classifier:  # the library counts a part of its head to the body
        parts = parts | {"head": parts["unused"], "unused": Part(parameters=0, bytes=0)}
    counted = sum(parts[name]["parameters"] for name in PARTS if name != "unused")
    found = Findings(
        path=str(path),
        kind="bundle" if _is_bundle(path) else "checkpoint",
        family=family.name,
        shape=shape.sizes,
        parameters=counted,
        parts=parts,
        dtypes=sorted({tensor.dtype for tensor in header.values()}),
        tokenizer=_tokenizer(path / "tokenizer.json"),
        onnx={file.relative_to(path).as_posix(): file.stat().st_size for file in sorted(path.rglob("*.onnx*"))},
        problems=[],
    )
    expected = shape.parameters
    if classifier:
        reduction = reduction_of(config)
        expected = shape.encoder_parameters + parts["head"]["parameters"]
        expected += added_parameters(shape, reduction) if reduction is not None else 0
    if counted != expected:
        found["problems"].append(f"{weights} has {counted:,} parameters, config.json says {expected:,}")
    if found["tokenizer"] is None:
        found["problems"].append("tokenizer.json is missing")
    elif found["tokenizer"]["pieces"] != shape.vocab:
        pieces = found["tokenizer"]["pieces"]
        found["problems"].append(f"the tokenizer has {pieces:,} pieces, config.json says {shape.vocab:,}")
    return found


def read_header(path: Path) -> dict[str, Tensor]:
    """Return the header of a safetensors file: eight bytes of length, then JSON; the tensors are not read.

    Raises:
        InputError: the file is missing, damaged or cut off.
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


def render(found: Findings) -> RenderableType:
    """Return the findings as tables for the terminal."""
    title = f"{found['path']}: {found['kind']}, {found['family']}, {found['parameters']:,} parameters"
    shape = Text(", ".join(f"{name.replace('_', ' ')} {size:,}" for name, size in found["shape"].items()))
    table = Table("part", "parameters", "MB", box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    for name, part in found["parts"].items():
        if part["bytes"]:
            table.add_row(name, f"{part['parameters']:,}", f"{part['bytes'] / 1e6:.2f}")
    for name, size in found["onnx"].items():
        table.add_row(name, "", f"{size / 1e6:.2f}")
    if (tokenizer := found["tokenizer"]) is not None:
        label = f"tokenizer.json ({tokenizer['kind']}, {tokenizer['pieces']:,} pieces)"
        table.add_row(label, "", f"{tokenizer['bytes'] / 1e6:.2f}")
    told = [Text(f"problem: {problem}", style="bold red") for problem in found["problems"]]
    return Group(Text(title, style="bold"), shape, Text(f"stored as {', '.join(found['dtypes'])}"), table, *told)


def _parts(header: dict[str, Tensor], family: Family) -> dict[str, Part]:
    parts = {name: Part(parameters=0, bytes=0) for name in PARTS}
    for name, tensor in header.items():
        part = parts[_part_of(name, header, family)]
        first, last = tensor.data_offsets
        part["parameters"] += math.prod(tensor.shape)
        part["bytes"] += last - first
    return parts


def _part_of(name: str, header: dict[str, Tensor], family: Family) -> str:
    """Return the part of a tensor; the second name of a tied tensor counts only where the first is not there."""
    first = family.tied.get(name, name)
    if name.startswith(family.ignored) or (first != name and first in header):
        return "unused"
    if family.layer_of(first) is not None:
        return "layers"
    if first.startswith(family.body):
        return "embeddings"
    return "head" if first.split(".")[0] in family.head_modules else "unused"


def _tokenizer(path: Path) -> TokenizerFound | None:
    """Return kind and size of a `tokenizer.json`, or None where there is none; pieces added later are counted once."""
    try:
        text = path.read_bytes()
        found = json.loads(text)
        model, vocab = found["model"], found["model"]["vocab"]
        pieces = {row[0] for row in vocab} if isinstance(vocab, list) else set(vocab)
        pieces |= {token["content"] for token in found.get("added_tokens") or []}
        return TokenizerFound(kind=str(model["type"]), pieces=len(pieces), bytes=len(text))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise InputError(f"{path}: damaged ({type(error).__name__}: {error}); get the file again") from None


def _is_bundle(path: Path) -> bool:
    try:
        return BUNDLE_MARK in json.loads((path / MANIFEST).read_bytes())
    except (OSError, ValueError, TypeError):
        return False
