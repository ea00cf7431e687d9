"""A task model: an encoder with the head that transformers gives its family, and the names of the labels.

Axis letters: B batch, T tokens, C labels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from edgeenc.errors import InputError
from edgeenc.model.bottleneck import with_its_own
from edgeenc.model.config import labels_of, load_config
from edgeenc.model.encoder import Encoder, load_tokenizer, save_checkpoint
from edgeenc.model.purpose import Purpose, purpose_of_classifier
from edgeenc.model.reduction import weights_of
from edgeenc.model.shape import shape_of
from edgeenc.model.weights import read_weights

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedModel


@dataclass(frozen=True)
class TaskModel:
    """A classifier of texts or of words. Treated as immutable: tuning returns a new one.

    Attributes:
        model: the library's own class, so that it loads the saved folder unchanged.
        tokenizer: without truncation or padding.
        purpose: one label a text, or one a word.
        labels: by number.
    """

    model: PreTrainedModel
    tokenizer: Tokenizer
    purpose: Purpose
    labels: tuple[str, ...]

    @property
    def positions(self) -> int:
        """Tokens that the model reads at most."""
        return shape_of(self.model.config).longest

    def logits(self, ids_BT: Tensor, attend_BT: Tensor) -> Tensor:
        """Return logits (B, C) of texts or (B, T, C) of tokens; `attend_BT` is 1 at tokens and 0 at padding."""
        return self.model(input_ids=ids_BT, attention_mask=attend_BT).logits


def with_head(encoder: Encoder, purpose: Purpose, labels: Sequence[str], seed: int) -> TaskModel:
    """Return a copy of `encoder` under the head of a purpose that needs labels; its start follows from `seed`."""
    names = dict(enumerate(labels))
    fields = encoder.model.config.to_dict() | {"id2label": names, "label2id": {name: i for i, name in names.items()}}
    config = type(encoder.model.config).from_dict(fields)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = _model(config, purpose)
    missing, unknown = model.base_model.load_state_dict(encoder.model.base_model.state_dict(), strict=False)
    assert not unknown and all(name.startswith("pooler.") for name in missing), (missing, unknown)
    nn.Module.float(model)
    return TaskModel(model.eval(), encoder.tokenizer, purpose, tuple(labels))


def save_task_model(model: TaskModel, folder: Path) -> None:
    """Write what transformers loads as a sequence or token classifier; the same model gives the same bytes.

    One with bottlenecks behind its blocks is loaded by `load_task_model` alone; transformers says that it finds no
    weights.
    """
    save_checkpoint(model.model, model.model.state_dict(), model.tokenizer, folder, weights_of(model.model.config))


def load_task_model(folder: Path) -> TaskModel:
    """Load what `save_task_model` wrote, strictly.

    Raises:
        InputError: a file is missing or damaged, or the folder holds no classifier.
    """
    config = load_config(folder)
    purpose = purpose_of_classifier(config, folder)
    with torch.random.fork_rng(devices=[]):
        model = _model(config, purpose)
    try:
        model.load_state_dict(read_weights(folder, weights_of(config)), strict=True)
    except RuntimeError as error:
        raise InputError(f"checkpoint {folder}: the weights do not fit config.json: {error}") from None
    return TaskModel(model.eval(), load_tokenizer(folder), purpose, labels_of(config))


def rebuilt(model: TaskModel, state: Mapping[str, Tensor], ffn: int) -> TaskModel:
    """Return a new model of the same class with `ffn` neurons a block that holds exactly `state`."""
    old = model.model.config
    config = type(old).from_dict(replace(shape_of(old), ffn=ffn).config_like(old))
    with torch.random.fork_rng(devices=[]):
        fresh = nn.Module.to(_model(config, model.purpose), model.model.dtype)
    fresh.load_state_dict(state, strict=True)
    return replace(model, model=fresh.eval())


def _model(config: PretrainedConfig, purpose: Purpose) -> PreTrainedModel:
    """Return the library's classifier with random weights, and with the bottlenecks that its configuration names."""
    import transformers

    return with_its_own(getattr(transformers, purpose.auto_class).from_config(config))
