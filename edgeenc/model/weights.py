"""The weights of a checkpoint folder: one safetensors file, or several with an index. Nothing is ever unpickled here.

What files there are is told without torch, so that a plan refuses what a build would.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgeenc.errors import InputError, first_three
from edgeenc.machine.disk import PULL, is_pointer
from edgeenc.model.four_bits import NAME as BLOCKS
from edgeenc.model.four_bits import dequantised
from edgeenc.model.header import Stored, read_header
from edgeenc.record.form import read_json

if TYPE_CHECKING:
    from torch import Tensor

WEIGHTS = "model.safetensors"
OWN_WEIGHTS = "edgeenc.safetensors"
"""Weights of a model with layers that no class of the library has; the library must not take a part of them for all."""

INDEX = "model.safetensors.index.json"
OTHER_FLOATS = {"F64": "float64", "F16": "float16", "BF16": "bfloat16", BLOCKS: BLOCKS}
"""What people call the types beside float32 that are read."""

FLOATS = ("F32", *OTHER_FLOATS)
"""Types of safetensors that are read; all are computed in float32."""

COUNTS = ("position_ids", "token_type_ids", "num_batches_tracked")
"""Buffers of integers that old versions of the library saved; they hold nothing that was learnt."""

PARTS = re.compile(r"model-\d+-of-\d+\.safetensors")


@dataclass(frozen=True, slots=True)
class Foreign:
    """Weights of another kind: a part of their files' names, what they are, and what helps."""

    part: str
    what: str
    advice: str


FOREIGN = (
    Foreign(
        "adapter_",
        "an adapter (PEFT), which is a part of a model",
        "merge it into its base model with merge_and_unload of peft, and save that",
    ),
    Foreign(
        "tf_model", "TensorFlow weights", "load them once in transformers with from_tf=True and save the model again"
    ),
    Foreign(
        "flax_model", "Flax weights", "load them once in transformers with from_flax=True and save the model again"
    ),
    Foreign(
        ".ckpt", "a TensorFlow checkpoint", "load it once in transformers with from_tf=True and save the model again"
    ),
    Foreign("onnx", "ONNX files, which are for running a model", "take the checkpoint that they were exported from"),
    Foreign("openvino", "OpenVINO files, which are for running a model", "take the checkpoint that they were made of"),
    Foreign(".gguf", "GGUF weights, which are for running a model", "take the checkpoint that they were made of"),
)


def weight_files(folder: Path, weights: str = WEIGHTS) -> list[Path]:
    """Return the safetensors files of a checkpoint folder, by name; the tensors are not read.

    Raises:
        InputError: there are none, a part that the index names is missing, or the index is damaged.
    """
    if (folder / weights).is_file():
        return [folder / weights]
    if weights == WEIGHTS and (folder / INDEX).is_file():
        return [folder / name for name in sorted(set(_index(folder).values()))]
    raise InputError(f"checkpoint {folder}: {_instead(folder, weights)}")


def headers(folder: Path, weights: str = WEIGHTS) -> dict[str, Stored]:
    """Return what the files of a checkpoint folder say of every tensor, by its name; none is read.

    Raises:
        InputError: a file is missing or damaged, index and files disagree, or a tensor is of a type that is not read.
    """
    found: dict[str, Stored] = {}
    for path in weight_files(folder, weights):
        if is_pointer(path):
            raise InputError(f"checkpoint {folder}: {path.name} {PULL}")
        try:
            own = read_header(path)
        except InputError as error:
            raise InputError(f"checkpoint {folder}: {path.name} is damaged ({error})") from None
        if twice := sorted(found.keys() & own.keys()):
            raise InputError(
                f"checkpoint {folder}: {first_three(twice)} in more than one file, {path.name} and one before it"
            )
        _require_floats(folder, path, own)
        found |= own
    if not (folder / weights).is_file():
        _require_as_indexed(folder, sorted(found))
    return found


def read_weights(folder: Path, weights: str = WEIGHTS) -> dict[str, Tensor]:
    """Return the tensors of a checkpoint folder as float32; those that hold no floating-point numbers are left out.

    Raises:
        InputError: as `headers`.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    header = headers(folder, weights)
    state: dict[str, Tensor] = {}
    for path in weight_files(folder, weights):
        try:
            state |= load_file(path)
        except (SafetensorError, OSError) as error:
            raise InputError(f"checkpoint {folder}: {path.name} is damaged ({error})") from None
    state = {name: dequantised(one) if header[name].dtype == BLOCKS else one for name, one in state.items()}
    return {name: tensor.float() for name, tensor in state.items() if tensor.is_floating_point()}


def _index(folder: Path) -> dict[str, str]:
    """Return the file of each tensor, as the index says.

    Raises:
        InputError: the index is damaged, names a path instead of a file beside it, or names files that are missing.
    """
    try:
        found = read_json((folder / INDEX).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"checkpoint {folder}: {INDEX} is damaged ({error})") from None
    files = found.get("weight_map") if isinstance(found, dict) else None
    if not isinstance(files, dict) or not files or not all(isinstance(name, str) for name in files.values()):
        raise InputError(f"checkpoint {folder}: {INDEX} is damaged (no weight_map from tensors to files)")
    names = sorted({str(name) for name in files.values()})
    if wrong := [name for name in names if not _is_part(name)]:
        raise InputError(
            f"checkpoint {folder}: {INDEX} names {first_three(wrong)}; only *.safetensors beside it are read"
        )
    if lost := [name for name in names if not (folder / name).is_file()]:
        raise InputError(f"checkpoint {folder}: {first_three(lost)} missing, which {INDEX} names; fetch all parts")
    return {name: str(file) for name, file in files.items()}


def _is_part(name: str) -> bool:
    return name.endswith(".safetensors") and not set(name) & set("/\\\0")


def _require_as_indexed(folder: Path, found: Sequence[str]) -> None:
    named = set(_index(folder))
    if lost := sorted(named - set(found)):
        raise InputError(f"checkpoint {folder}: {first_three(lost)} not in any part, but in {INDEX}")
    if extra := sorted(set(found) - named):
        raise InputError(
            f"checkpoint {folder}: {first_three(extra)} not in {INDEX}, but in a part; they do not belong together"
        )


def _require_floats(folder: Path, path: Path, header: Mapping[str, Stored]) -> None:
    """Refuse tensors that hold no floating-point numbers."""
    other = [
        f"{name} ({one.dtype})" for name, one in header.items() if one.dtype not in FLOATS and not name.endswith(COUNTS)
    ]
    if other:
        raise InputError(
            f"checkpoint {folder}: {path.name}: {first_three(other)} of a type that is not read; give weights in"
            " float32, float16, bfloat16 or float64"
        )


def _instead(folder: Path, weights: str) -> str:
    """Return what is missing, what is there in its place, and what helps."""
    names: list[str] = []
    with suppress(OSError):
        names = sorted(path.name for path in folder.iterdir())
    if weights == WEIGHTS and any(name.startswith("pytorch_model") for name in names):
        return (
            f"{weights} is missing, there is only a pickle, which a build never opens because it can run code;"
            f" run `edgeenc convert {folder}` once"
        )
    if parts := [name for name in names if PARTS.fullmatch(name)]:
        return f"{INDEX} is missing, which says what is in {first_three(parts)}; fetch it from where they came from"
    for one in FOREIGN:
        if there := [name for name in names if one.part in name]:
            return f"{weights} is missing, there are only {one.what} ({first_three(there)}); {one.advice}"
    if other := [name for name in names if name.endswith(".safetensors")]:
        return f"{weights} is missing; there is {first_three(other)}: if it holds the whole model, call it {weights}"
    return f"{weights} is missing, and there are no weights of another kind; fetch them from where the folder came from"
