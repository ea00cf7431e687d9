"""A teacher of a published shape with random weights, so that a full-size line can be rehearsed without its files.

Only the configuration and a tokenizer are made here; the weights are drawn when the build needs them.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgeenc.errors import InputError
from edgeenc.machine.disk import on_disk
from edgeenc.model.families import families
from edgeenc.model.published import published
from edgeenc.record.form import parse
from edgeenc.sources.kit import data_folder

if TYPE_CHECKING:
    from tokenizers import Tokenizer

RANDOM = "random:"
"""What the name of such a teacher begins with."""

SEED = 0
"""Of the weights: every rehearsal of a shape starts from the same ones."""


def is_random(spec: str) -> bool:
    """Tell whether a teacher's name asks for random weights."""
    return spec.startswith(RANDOM)


def described(spec: str) -> str:
    """Return what reports call a teacher: its name, and for a random one that it is."""
    return f"random weights in the shape of {spec.removeprefix(RANDOM)}" if is_random(spec) else spec


def random_folder(spec: str) -> Path:
    """Return a checkpoint folder without weights: `config.json` of a published model, and a tokenizer of its size.

    The tokenizer has the kit's tokens first, and then made-up ones up to the size of the vocabulary; those occur in no
    text. Making it again gives the same bytes.

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
    folder = default_root() / "random" / hashlib.sha256(text.encode()).hexdigest()[:16]
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
        except (OSError, ValueError) as error:
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
        InputError: no size of the vocabulary, or no rule for the tokenizers of its family.
    """
    from tokenizers import Tokenizer

    try:
        asked = parse(_Asked, json.dumps(fields))
    except ValueError:
        raise InputError(f"teacher {spec}: expected a config.json with a `vocab_size`") from None
    able = {family.name: TOKENIZERS[family.tokenizer] for family in families() if family.tokenizer in TOKENIZERS}
    if asked.model_type not in able:
        known = ", ".join(able)
        raise InputError(f"teacher {spec}: no tokenizer can be made up for {asked.model_type!r}, only for {known}")
    kit = Tokenizer.from_file(str(data_folder("starter") / "model" / "tokenizer.json"))
    return able[str(asked.model_type)](kit, asked.vocab_size)


def _word_piece(kit: Tokenizer, size: int) -> str:
    """Return a WordPiece tokenizer of `size` tokens: the kit's first ones, then `[unused0]`, `[unused1]`, ...

    Text is split at brackets first, so that no text can hold such a token.
    """
    spec = json.loads(kit.to_str())
    vocabulary = sorted(kit.get_vocab().items(), key=lambda item: item[1])[:size]
    tokens = [token for token, _ in vocabulary]
    tokens += [f"[unused{number}]" for number in range(size - len(tokens))]
    spec["model"]["vocab"] = {token: number for number, token in enumerate(tokens)}
    return json.dumps(spec, ensure_ascii=False) + "\n"


def _unigram(kit: Tokenizer, size: int) -> str:
    """Return a Unigram tokenizer of `size` tokens in the order of XLM-R: specials, the kit's tokens, the mask last.

    A token that begins a word gets the mark of one, a single character both forms; scores fall with the rank, as in
    Zipf's law. Text is split at white space first, so that no text can hold a made-up token, which has a space.
    """
    from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

    ranked = [token for token, _ in sorted(kit.get_vocab().items(), key=lambda item: item[1])]
    plain = [token for token in ranked if not (token.startswith("[") and len(token) > 1)]
    marked = [form for token in plain for form in _forms(token)]
    tokens = list(dict.fromkeys(["\u2581", *marked]))[: size - 5]
    tokens += [f"unused {number}" for number in range(size - 5 - len(tokens))]
    scored = [(token, -math.log(rank + 10)) for rank, token in enumerate(tokens)]
    specials = ["<s>", "<pad>", "</s>", "<unk>"]
    made = Tokenizer(models.Unigram([*((name, 0.0) for name in specials), *scored, ("<mask>", 0.0)], unk_id=3))
    made.normalizer = normalizers.NFKC()
    mark = pre_tokenizers.Metaspace(replacement="\u2581", prepend_scheme="always")
    made.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), mark])
    made.decoder = decoders.Metaspace(replacement="\u2581", prepend_scheme="always")
    made.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    made.add_special_tokens([*specials, AddedToken("<mask>", lstrip=True)])
    return made.to_str() + "\n"


def _forms(token: str) -> list[str]:
    """Return what a WordPiece is in Unigram. Worked example: `aso` gives `▁aso`, `##so` gives `so`, `,` gives both."""
    bare = token.removeprefix("##") or token
    first, later = f"\u2581{bare}", bare
    if len(bare) == 1:
        return [first, later]
    return [later] if bare != token else [first]


TOKENIZERS: Mapping[str, Callable[[Tokenizer, int], str]] = {"WordPiece": _word_piece, "Unigram": _unigram}
"""How to make up a tokenizer of each type."""


def _write(path: Path, text: str) -> None:
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.write_text(text, encoding="utf-8")
    fresh.rename(path)
