"""Read `config.json` of a checkpoint folder; for its shape alone the library, which takes seconds, is not loaded.

What a file says of how the model was saved, called or tuned for a task is no part of an encoder: `config_fields` knows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

from edgeenc.errors import InputError
from edgeenc.machine.disk import PULL, is_pointer
from edgeenc.model.config_fields import left_behind, require_cuttable, require_typed, without_switches, without_task
from edgeenc.model.families import family_names, family_of
from edgeenc.model.shape import Shape, shape_of
from edgeenc.record.form import parse, read_json

if TYPE_CHECKING:
    from transformers import PretrainedConfig


def load_config(folder: Path) -> PretrainedConfig:
    """Read `config.json` of a checkpoint folder, the labels of a classifier among it; no weights are read.

    Raises:
        InputError: the folder or the file is missing or damaged, the family is not known, a field is of a wrong type,
            or the model is no encoder that can be cut.
    """
    return _by_the_library(_checked(folder), folder)


def load_encoder_config(folder: Path) -> PretrainedConfig:
    """Read `config.json` of a checkpoint folder without what belongs to a task that the encoder learnt before.

    Raises:
        InputError: as `load_config`.
    """
    return _by_the_library(without_task(_checked(folder)), folder)


def load_shape(folder: Path) -> Shape:
    """Return the shape that `config.json` of a checkpoint folder describes.

    A file that leaves out a field which decides the shape is read by the library, which knows the default.

    Raises:
        InputError: as `load_config`, or the file describes no model that can be compressed.
    """
    return shape_of(_plainly(without_task(_checked(folder)), folder))


def look_at_config(folder: Path) -> PretrainedConfig | FileConfig:
    """Return the configuration of a checkpoint folder as the file has it, for its shape, class and adapters alone.

    Raises:
        InputError: as `load_shape`.
    """
    return _plainly(_checked(folder), folder)


def _plainly(fields: dict[str, object], folder: Path) -> PretrainedConfig | FileConfig:
    """Return the fields as a configuration that has a shape, by the library only where that must fill in some."""
    family = family_of(fields.get("model_type"))
    whole = {*family.fields.values(), *family.required} <= set(fields)
    config = plain_config(fields) if whole else _by_the_library(fields, folder)
    with _named(folder):
        shape_of(config)
    return config


def left_out(folder: Path) -> tuple[str, ...]:
    """Return what an encoder leaves behind of the `config.json` of a checkpoint folder, in words.

    Raises:
        InputError: the folder or the file is missing or damaged.
    """
    return left_behind(_written(folder))


class FileConfig(SimpleNamespace):
    """The fields of a `config.json` as attributes; nothing is filled in."""

    model_type: str = ""
    architectures: Sequence[str] | None = None
    id2label: Mapping[str, str] | None = None


def plain_config(fields: Mapping[str, object]) -> FileConfig:
    """Return `fields` of a `config.json` as a configuration."""
    return FileConfig(**fields)


def _by_the_library(fields: Mapping[str, object], folder: Path) -> PretrainedConfig:
    """Return the library's configuration of these fields, all others at their defaults; it has a shape."""
    from transformers import CONFIG_MAPPING

    family = family_of(fields.get("model_type"))
    try:
        config = CONFIG_MAPPING[family.name].from_dict({**fields, **family.fixed})
    except Exception as error:  # transformers 5 checks each field with a class of its own
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
        raise InputError(f"checkpoint {folder}: config.json cannot be read ({reason})") from None
    with _named(folder):
        shape_of(config)
    return config


def _checked(folder: Path) -> dict[str, object]:
    """Return the fields of a model that is run as every other one.

    Raises:
        InputError: as `load_config`.
    """
    fields = _written(folder)
    with _named(folder):
        _require_family(fields)
        require_typed(fields)
        require_cuttable(fields)
    return without_switches(fields)


@contextmanager
def _named(folder: Path) -> Iterator[None]:
    """Put the folder before what is wrong in it."""
    try:
        yield
    except InputError as error:
        raise InputError(f"checkpoint {folder}: {error}") from None


def _require_family(fields: Mapping[str, object]) -> None:
    """Refuse what does not say what it is, and a model of no family that is known, with those that are."""
    model_type = fields.get("model_type")
    if not model_type:
        raise InputError(f"config.json has no model_type; expected one of {family_names()}")
    code = fields.get("auto_map")
    try:
        family_of(model_type)
    except InputError as error:
        own = "; it needs code of its own (auto_map), which is not run" if code else ""
        raise InputError(f"{error}{own}") from None


def _written(folder: Path) -> dict[str, object]:
    """Return the fields as the file has them.

    Raises:
        InputError: the folder or the file is missing, or it holds no JSON object.
    """
    _require_file(folder)
    try:
        return parse(dict[str, object], (folder / "config.json").read_bytes())
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0][:200]
        raise InputError(f"checkpoint {folder}: config.json cannot be read ({reason})") from None


def _require_file(folder: Path) -> None:
    if not folder.is_dir():
        raise InputError(f"checkpoint {folder}: no such folder")
    if is_pointer(folder / "config.json"):
        raise InputError(f"checkpoint {folder}: config.json {PULL}")
    if not (folder / "config.json").is_file():
        inside = sorted(path.parent.name for path in folder.glob("*/config.json") if _is_model(path))
        if inside:
            raise InputError(f"checkpoint {folder}: config.json is missing; the model lies in {inside[0]}: give that")
        raise InputError(
            f"checkpoint {folder}: config.json is missing; a checkpoint folder of transformers is expected"
        )


def _is_model(path: Path) -> bool:
    with suppress(OSError, ValueError):
        found = read_json(path.read_bytes())
        return isinstance(found, dict) and "model_type" in found
    return False


def labels_of(config: PretrainedConfig) -> tuple[str, ...]:
    """Return the labels of a classifier, by number."""
    names = config.id2label or {}
    return tuple(names[number] for number in range(len(names)))
