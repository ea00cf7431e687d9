"""Read `config.json` of a checkpoint folder; for its shape alone the library, which takes seconds, is not loaded."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

from edgeenc.errors import InputError
from edgeenc.model.families import family_names, family_of
from edgeenc.model.family import Config
from edgeenc.model.shape import Shape, shape_of
from edgeenc.record.form import parse

if TYPE_CHECKING:
    from transformers import PretrainedConfig


def load_config(folder: Path) -> PretrainedConfig:
    """Read `config.json` of a checkpoint folder; no weights are read.

    Raises:
        InputError: the folder or the file is missing or damaged.
    """
    from transformers import AutoConfig

    _require_file(folder)
    _require_family(folder)
    try:
        return AutoConfig.from_pretrained(folder, local_files_only=True)
    except Exception as error:  # transformers 5 checks each field with a class of its own
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
        raise InputError(f"checkpoint {folder}: config.json cannot be read ({reason})") from None


def load_shape(folder: Path) -> Shape:
    """Return the shape that `config.json` of a checkpoint folder describes.

    A file that leaves out a field which decides the shape is read by the library, which knows the default.

    Raises:
        InputError: as `load_config`, or the file describes no model that can be compressed.
    """
    config = _plain(folder) or load_config(folder)
    require_tied(config, folder)
    return shape_of(config)


def require_tied(config: Config, folder: Path) -> None:
    """Refuse a model with two tables of tokens.

    Raises:
        InputError: the output matrix is not the embedding; the library ties them where the file is silent.
    """
    if not getattr(config, "tie_word_embeddings", True):
        raise InputError(
            f"checkpoint {folder}: the output matrix is not tied to the embedding (tie_word_embeddings is false);"
            " such models are not supported, since one of the two tables would be lost"
        )


class FileConfig(SimpleNamespace):
    """The fields of a `config.json` as attributes; nothing is filled in."""

    model_type: str = ""


def plain_config(fields: Mapping[str, object]) -> FileConfig:
    """Return `fields` of a `config.json` as a configuration."""
    return FileConfig(**fields)


def _written(folder: Path) -> FileConfig:
    """Return the configuration as the file has it.

    Raises:
        OSError: the file cannot be read.
        ValueError: it holds no JSON object.
    """
    return plain_config(parse(dict[str, object], (folder / "config.json").read_bytes()))


def _plain(folder: Path) -> FileConfig | None:
    """Return the configuration as the file has it, or None where it lacks a field, or nothing can be read."""
    _require_file(folder)
    try:
        config = _written(folder)
        family = family_of(config.model_type)
    except (OSError, ValueError, InputError):
        return None
    return config if {*family.fields.values(), *family.required} <= set(vars(config)) else None


def _require_family(folder: Path) -> None:
    """Refuse what does not say what it is, before the library lists all families that it knows."""
    with suppress(OSError, ValueError):  # what cannot be read is the library's to explain
        if not _written(folder).model_type:
            raise InputError(f"checkpoint {folder}: config.json has no model_type; expected one of {family_names()}")


def _require_file(folder: Path) -> None:
    if not folder.is_dir():
        raise InputError(f"checkpoint {folder}: no such folder")
    if not (folder / "config.json").is_file():
        raise InputError(
            f"checkpoint {folder}: config.json is missing; a checkpoint folder of transformers is expected"
        )


def labels_of(config: PretrainedConfig) -> tuple[str, ...]:
    """Return the labels of a classifier, by number."""
    names = config.id2label or {}
    return tuple(names[number] for number in range(len(names)))
