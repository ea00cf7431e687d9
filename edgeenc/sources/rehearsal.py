"""A teacher of a published shape with random weights, so that a full-size line can be rehearsed without its files.

Only the configuration and a tokenizer are made here; the weights are drawn when the build needs them.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edgeenc.errors import InputError
from edgeenc.machine.disk import on_disk
from edgeenc.model.families import families
from edgeenc.model.published import published
from edgeenc.record.form import parse
from edgeenc.sources.kit import data_folder

RANDOM = "random:"
"""What the name of such a teacher begins with."""

SEED = 0
"""Of the weights: every rehearsal of a shape starts from the same ones."""

_EDITION = 2
"""Of the tokenizers; a folder that another one made is not taken."""


def is_random(spec: str) -> bool:
    """Tell whether a teacher's name asks for random weights."""
    return spec.startswith(RANDOM)


def described(spec: str) -> str:
    """Return what reports call a teacher: its name, and for a random one that it is."""
    return f"random weights in the shape of {spec.removeprefix(RANDOM)}" if is_random(spec) else spec


def random_folder(spec: str) -> Path:
    """Return a checkpoint folder without weights: `config.json` of a published model, and a tokenizer of its size.

    The tokenizer has the pieces of the kit's first, and then made-up ones up to the size of the vocabulary; those occur
    in no text. Making it again gives the same bytes.

    Args:
        spec: `random:` and then the name of a published model, with or without its organisation and commit, or the
            path of a `config.json`.

    Raises:
        InputError: no such model or file, or one without sizes, or of a family whose tokenizer cannot be made up.
        HostError: the user's cache folder cannot be written.
    """
    from edgeenc.store import default_root

    fields = _config(spec.removeprefix(RANDOM))
    text = json.dumps(fields, indent=1, sort_keys=True) + "\n"
    folder = default_root() / "random" / hashlib.sha256(f"{_EDITION}{text}".encode()).hexdigest()[:16]
    if not (folder / "config.json").is_file():
        made = _tokenizer(spec, fields)
        with on_disk(folder):
            folder.mkdir(parents=True, exist_ok=True)
            _write(folder / "tokenizer.json", made)
            _write(folder / "config.json", text)
    return folder


def known_shapes() -> list[str]:
    """Return the names of the published models whose shapes the package carries."""
    return sorted(model.name for model in published())


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a configuration must say for a tokenizer to be made up."""

    vocab_size: int
    model_type: object = None


def _config(name: str) -> Mapping[str, object]:
    """Return the fields of a configuration.

    Raises:
        InputError: there is none of that name, or the file cannot be read.
    """
    if name.endswith(".json"):
        try:
            return json.loads(Path(name).expanduser().read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise InputError(f"teacher {RANDOM}{name}: cannot be read as JSON ({error})") from None
    stem = name.partition("@")[0].rpartition("/")[2]
    for model in published():
        if model.name == stem:
            return model.config
    raise InputError(
        f"teacher {name or '(no name)'}: no such shape is known to draw random weights in; name one with"
        f" --teacher: {', '.join(known_shapes())}, or the path of a config.json"
    )


def _tokenizer(spec: str, fields: Mapping[str, object]) -> str:
    """Return the `tokenizer.json` of a model.

    Raises:
        InputError: no size of the vocabulary, or no tokenizer can be made up for its family.
    """
    from tokenizers import Tokenizer

    from edgeenc.text.types import tokenizer_types

    try:
        asked = parse(_Asked, json.dumps(fields))
    except ValueError:
        raise InputError(f"teacher {spec}: expected a config.json with a `vocab_size`") from None
    makers = {one.name: one.made_up for one in tokenizer_types() if one.made_up is not None}
    able = {family.name: makers[family.tokenizer] for family in families() if family.tokenizer in makers}
    if asked.model_type not in able:
        known = ", ".join(able)
        raise InputError(f"teacher {spec}: no tokenizer can be made up for {asked.model_type!r}, only for {known}")
    kit = Tokenizer.from_file(str(data_folder("starter") / "model" / "tokenizer.json"))
    ranked = sorted(kit.get_vocab(with_added_tokens=False).items(), key=lambda item: item[1])
    special = {token.content for token in kit.get_added_tokens_decoder().values()}
    return able[str(asked.model_type)]([piece for piece, _ in ranked if piece not in special], asked.vocab_size)


def _write(path: Path, text: str) -> None:
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.write_text(text, encoding="utf-8")
    fresh.rename(path)
