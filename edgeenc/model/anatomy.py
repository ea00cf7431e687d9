"""Which axis each dimension of each parameter carries: one table a family.

A family is added by writing its table and naming it in `FAMILIES`; no stage changes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edgeenc.errors import InputError
from edgeenc.model.shape import Shape

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PretrainedConfig, PreTrainedModel

Axes = tuple[str, ...]


@dataclass(frozen=True)
class Anatomy:
    """What must be known about a family of encoders to cut its members.

    Attributes:
        family: the `model_type` of the configuration.
        class_name: name of the masked-LM class in transformers.
        head: name of the submodule that turns hidden states into logits.
        body: prefix of the parameters of the encoder proper.
        layer: pattern of a parameter that belongs to a layer; its group `layer` is the number.
        rows: for each parameter name, `*` standing for a layer number, the axis of each dimension.
        tied: names that are second names of another tensor, and that other name.
        ignored: prefixes in published checkpoints that a masked-LM encoder does not have.
    """

    family: str
    class_name: str
    head: str
    body: str
    layer: re.Pattern[str]
    rows: Mapping[str, Axes]
    tied: Mapping[str, str] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()

    @property
    def model_class(self) -> type[PreTrainedModel]:
        """The masked-LM class."""
        import transformers  # seconds, which a plan does without

        return getattr(transformers, self.class_name)

    def layer_of(self, name: str) -> int | None:
        """Return the layer number in a parameter's name, or None where it belongs to no layer."""
        found = self.layer.match(name)
        return int(found["layer"]) if found else None

    def axes(self, name: str) -> Axes:
        """Return the axis of each dimension of the parameter `name`.

        Raises:
            InputError: the table has no row for it, so nobody knows how to cut it.
        """
        found = self.layer.match(name)
        row = name if not found else f"{name[: found.start('layer')]}*{name[found.end('layer') :]}"
        try:
            return self.rows[row]
        except KeyError:
            raise InputError(
                f"{self.family}: unknown parameter {name}; its axes are not in the family's table"
            ) from None

    def shape(self, config: PretrainedConfig) -> Shape:
        """Read the shape off a configuration.

        Raises:
            InputError: a size is missing, not a positive number, or heads do not divide the hidden size.
        """
        sizes = [getattr(config, name, None) for name in self.config_fields(_NO_SHAPE)]
        if not all(isinstance(size, int) and size > 0 for size in sizes):
            raise InputError(f"config.json: sizes are positive whole numbers, found {sizes}")
        if config.hidden_size % config.num_attention_heads:
            raise InputError(
                f"config.json: hidden size {config.hidden_size} does not divide into {config.num_attention_heads} heads"
            )
        return Shape(
            layers=config.num_hidden_layers,
            hidden=config.hidden_size,
            heads=config.num_attention_heads,
            head_width=config.hidden_size // config.num_attention_heads,
            ffn=config.intermediate_size,
            vocab=config.vocab_size,
            positions=config.max_position_embeddings,
            types=config.type_vocab_size,
        )

    def config_fields(self, shape: Shape) -> dict[str, int]:
        """Return the fields of the library's configuration that give `shape`."""
        return {
            "num_hidden_layers": shape.layers,
            "hidden_size": shape.hidden,
            "num_attention_heads": shape.heads,
            "intermediate_size": shape.ffn,
            "vocab_size": shape.vocab,
            "max_position_embeddings": shape.positions,
            "type_vocab_size": shape.types,
        }

    def untied(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return `state` without the second names of tied tensors."""
        return {name: tensor for name, tensor in state.items() if name not in self.tied}


def _linear(name: str, out: str, into: str) -> dict[str, Axes]:
    return {f"{name}.weight": (out, into), f"{name}.bias": (out,)}


def _norm(name: str) -> dict[str, Axes]:
    return {f"{name}.weight": ("hidden",), f"{name}.bias": ("hidden",)}


_NO_SHAPE = Shape(0, 0, 0, 0, 0, 0, 0, 0)

_BERT_LAYER = "bert.encoder.layer.*"

BERT = Anatomy(
    family="bert",
    class_name="BertForMaskedLM",
    head="cls",
    body="bert.",
    layer=re.compile(r"bert\.encoder\.layer\.(?P<layer>\d+)\."),
    rows={
        "bert.embeddings.word_embeddings.weight": ("vocab", "hidden"),
        "bert.embeddings.position_embeddings.weight": ("positions", "hidden"),
        "bert.embeddings.token_type_embeddings.weight": ("types", "hidden"),
        **_norm("bert.embeddings.LayerNorm"),
        **_linear(f"{_BERT_LAYER}.attention.self.query", "attention", "hidden"),
        **_linear(f"{_BERT_LAYER}.attention.self.key", "attention", "hidden"),
        **_linear(f"{_BERT_LAYER}.attention.self.value", "attention", "hidden"),
        **_linear(f"{_BERT_LAYER}.attention.output.dense", "hidden", "attention"),
        **_norm(f"{_BERT_LAYER}.attention.output.LayerNorm"),
        **_linear(f"{_BERT_LAYER}.intermediate.dense", "ffn", "hidden"),
        **_linear(f"{_BERT_LAYER}.output.dense", "hidden", "ffn"),
        **_norm(f"{_BERT_LAYER}.output.LayerNorm"),
        **_linear("cls.predictions.transform.dense", "hidden", "hidden"),
        **_norm("cls.predictions.transform.LayerNorm"),
        "cls.predictions.bias": ("vocab",),
        "cls.predictions.decoder.weight": ("vocab", "hidden"),
        "cls.predictions.decoder.bias": ("vocab",),
    },
    tied={
        "cls.predictions.decoder.weight": "bert.embeddings.word_embeddings.weight",
        "cls.predictions.decoder.bias": "cls.predictions.bias",
    },
    ignored=("bert.pooler.", "cls.seq_relationship.", "bert.embeddings.position_ids"),
)

FAMILIES: Mapping[str, Anatomy] = {BERT.family: BERT}


def anatomy_of(config: PretrainedConfig) -> Anatomy:
    """Return the table of a configuration's family.

    Raises:
        InputError: no table for this `model_type`.
    """
    try:
        return FAMILIES[config.model_type]
    except KeyError:
        known = ", ".join(sorted(FAMILIES))
        raise InputError(f"model type {config.model_type!r} is not known; known are: {known}") from None
