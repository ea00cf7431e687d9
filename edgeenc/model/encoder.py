"""An encoder is a masked-LM model, its tokenizer and its family's table; loaded strictly, saved as safetensors.

Axis letters: B batch, T tokens, H hidden, P masked positions, V vocabulary.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from torch import Tensor, nn

from edgeenc.errors import InputError
from edgeenc.model.config import load_encoder_config
from edgeenc.model.family import Family
from edgeenc.model.shape import Shape, shape_of
from edgeenc.model.weights import WEIGHTS, read_weights
from edgeenc.text.bert_reader import bert_reading
from edgeenc.text.parse import parse_tokenizer
from edgeenc.text.specials import Specials
from edgeenc.text.types import type_of

if TYPE_CHECKING:
    from transformers import PreTrainedModel

OWN_WEIGHTS = "edgeenc.safetensors"
"""Weights of a model with layers that no class of the library has; the library must not take a part of them for all."""


@dataclass(frozen=True)
class Encoder:
    """A masked-LM model with its tokenizer. Treated as immutable: stages return a new one."""

    model: PreTrainedModel
    tokenizer: Tokenizer
    family: Family

    @property
    def shape(self) -> Shape:
        """The sizes of the model."""
        return shape_of(self.model.config)

    def hidden(self, ids_BT: Tensor, attend_BT: Tensor | None = None) -> Tensor:
        """Return the last hidden states (B, T, H); `attend_BT` is 1 at tokens and 0 at padding."""
        return self.model.base_model(input_ids=ids_BT, attention_mask=attend_BT).last_hidden_state

    def logits(self, hidden: Tensor) -> Tensor:
        """Return the masked-LM logits (..., V) of hidden states (..., H)."""
        for name in self.family.head_modules:
            hidden = getattr(self.model, name)(hidden)
        return hidden


def load_encoder(folder: Path) -> Encoder:
    """Load a checkpoint folder (`config.json`, `model.safetensors`, `tokenizer.json`) as float32, strictly.

    Raises:
        InputError: a file is missing or damaged, a tensor is missing, unknown or of a wrong size, or tokenizer and
            embedding disagree about the vocabulary.
    """
    config = load_encoder_config(folder)
    family = shape_of(config).table
    state = _state(folder, family)
    try:
        with torch.random.fork_rng(devices=[]):
            model = family.model_class(config)
        nn.Module.float(model)
    except (ValueError, KeyError, IndexError, TypeError, RuntimeError, ArithmeticError) as error:
        raise InputError(f"checkpoint {folder}: config.json describes no model that can be built ({error!r})") from None
    try:
        model.load_state_dict(state, strict=True)
    except RuntimeError as error:
        raise InputError(f"checkpoint {folder}: the weights do not fit config.json: {error}") from None
    tokenizer = load_tokenizer(folder)
    if tokenizer.get_vocab_size() != config.vocab_size:
        raise InputError(
            f"checkpoint {folder}: the tokenizer has {tokenizer.get_vocab_size():,} tokens, the embedding"
            f" {config.vocab_size:,} rows; they do not belong together"
        )
    return Encoder(model.eval(), tokenizer, family)


def load_tokenizer(folder: Path) -> Tokenizer:
    """Read `tokenizer.json` of a checkpoint folder, without truncation or padding.

    Raises:
        InputError: the file is missing or damaged.
    """
    path = folder / "tokenizer.json"
    if not path.is_file():
        raise InputError(f"checkpoint {folder}: tokenizer.json is missing; save the fast tokenizer into the folder")
    try:
        tokenizer = parse_tokenizer(path.read_text(encoding="utf-8"))
    except Exception as error:  # the library raises bare Exception
        raise InputError(f"checkpoint {folder}: tokenizer.json is damaged ({error})") from None
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def _state(folder: Path, family: Family) -> dict[str, Tensor]:
    """Return the checkpoint's tensors as float32, tied names filled in, foreign heads left out."""
    state = load_state(folder)
    state = {_modern(name): tensor for name, tensor in state.items() if not name.startswith(family.foreign)}
    state = {family.today(name): tensor for name, tensor in state.items()}
    if not any(name in state and "vocab" in axes for name, axes in family.head.items()):
        state = {name: tensor for name, tensor in state.items() if name not in family.head}  # of a classifier
    for name, source in family.tied.items():
        if source not in state:
            continue
        if not torch.equal(state.setdefault(name, state[source]), state[source]):
            raise InputError(f"checkpoint {folder}: {name} differs from {source}, to which it should be tied")
    return state


def load_state(folder: Path, weights: str = WEIGHTS) -> dict[str, Tensor]:
    """Return the tensors of a checkpoint folder, in its file `weights` or the parts of its index, as float32.

    Raises:
        InputError: the file is missing or damaged.
    """
    return read_weights(folder, weights)


def _modern(name: str) -> str:
    """Return today's name of a parameter: the first BERT checkpoints call the weight of a norm gamma, its bias beta."""
    for old, new in ((".gamma", ".weight"), (".beta", ".bias")):
        name = name.removesuffix(old) + new if name.endswith(old) else name
    return name


def save_encoder(encoder: Encoder, folder: Path) -> None:
    """Write `config.json`, `model.safetensors` and the tokenizer's files; the same encoder gives the same bytes."""
    state = encoder.family.untied(encoder.model.state_dict())
    save_checkpoint(encoder.model, state, encoder.tokenizer, folder)


def save_checkpoint(
    model: PreTrainedModel, state: Mapping[str, Tensor], tokenizer: Tokenizer, folder: Path, weights: str = WEIGHTS
) -> None:
    """Write any model of the library with the tensors `state` and its tokenizer; what changes by itself is left out."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file({n: t.detach().contiguous().cpu() for n, t in state.items()}, folder / weights, metadata={"format": "pt"})
    config = model.config.to_dict() | {"architectures": [type(model).__name__]}
    for volatile in ("transformers_version", "_name_or_path", "_attn_implementation_autoset", "dtype", "torch_dtype"):
        config.pop(volatile, None)
    (folder / "config.json").write_text(json.dumps(config, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    save_tokenizer(tokenizer, folder, shape_of(model.config))


def save_tokenizer(tokenizer: Tokenizer, folder: Path, shape: Shape) -> None:
    """Write the files from which transformers, transformers.js and mobile code read a tokenizer.

    These are three, and for WordPiece its list of tokens beside them, which the first readers of BERT ask for; unless
    those would read it in another way than `tokenizer.json` says.
    """
    special = Specials.of(tokenizer).names.tokens()
    tokenizer.save(str(folder / "tokenizer.json"))
    list_file = type_of(tokenizer).list_file
    reading = bert_reading(tokenizer) if list_file else None
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": shape.longest}
    config |= asdict(reading) if reading else {}
    reads = {} if shape.types > 1 else {"model_input_names": ["input_ids", "attention_mask"]}
    _write_json(folder / "tokenizer_config.json", config | special | reads)
    _write_json(folder / "special_tokens_map.json", special)
    if list_file is None or reading is None:
        return
    vocabulary = tokenizer.get_vocab()
    tokens = sorted(vocabulary, key=vocabulary.__getitem__)
    (folder / list_file).write_text("".join(f"{token}\n" for token in tokens), encoding="utf-8")


def _write_json(path: Path, value: Mapping[str, str | int | bool | list[str]]) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
