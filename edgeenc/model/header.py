"""The header of a safetensors file: which tensors it holds, with types and sizes; the tensors are not read."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import JsonValue, TypeAdapter

from edgeenc.errors import InputError
from edgeenc.model.four_bits import FORMAT, NAME, STORED, shape_of_blocks


@dataclass(frozen=True)
class Stored:
    """A row of a header: type, sizes, first and last byte after the header, and the name of the file.

    Of weights in blocks, type and sizes are those of what they stand for; the bytes are those of the file.
    """

    dtype: str
    shape: list[int]
    data_offsets: tuple[int, int]
    file: str = ""


_HEADER = TypeAdapter(dict[str, Stored])


def read_header(path: Path) -> dict[str, Stored]:
    """Return the header of a safetensors file: eight bytes of length, then JSON.

    Raises:
        InputError: the file is missing, damaged or truncated.
    """
    try:
        with path.open("rb") as file:
            size = int.from_bytes(file.read(8), "little")
            rows: dict[str, JsonValue] = json.loads(file.read(min(size, path.stat().st_size)))
        said = rows.pop("__metadata__", None)
        header = {name: replace(one, file=path.name) for name, one in _HEADER.validate_python(rows).items()}
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; a safetensors file is expected") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None
    except (ValueError, TypeError, AttributeError, RecursionError):
        raise InputError(f"{path}: the header is damaged; get the file again") from None
    end = 8 + size + max((tensor.data_offsets[1] for tensor in header.values()), default=0)
    if end != path.stat().st_size:
        raise InputError(f"{path}: {path.stat().st_size:,} bytes, its header says {end:,}; get the file again")
    if isinstance(said, dict) and said.get("format") == FORMAT:
        return {name: _of_blocks(path, name, one) if one.dtype == STORED else one for name, one in header.items()}
    return header


def _of_blocks(path: Path, name: str, stored: Stored) -> Stored:
    """Return what a tensor of bytes in a file of blocks stands for."""
    try:
        shape = shape_of_blocks(stored.shape)
    except InputError as error:
        raise InputError(f"{path}: {name}: {error}; get the file again") from None
    first, last = stored.data_offsets
    if last - first != math.prod(stored.shape):
        raise InputError(
            f"{path}: {name}: {last - first:,} bytes for {' x '.join(map(str, stored.shape))}; get the file again"
        )
    return replace(stored, dtype=NAME, shape=shape)
