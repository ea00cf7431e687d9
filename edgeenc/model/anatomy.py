"""The families of encoders that can be cut: what the library calls the parts whose axes `rows` knows.

A family is added by its table in `rows` and its names here; no stage changes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from edgeenc.errors import InputError
from edgeenc.model.rows import TABLES, Axes, Rows
from edgeenc.model.shape import Shape

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PretrainedConfig, PreTrainedModel


class Config(Protocol):
    """A configuration: the family's name, and beside it sizes under the names of the family."""

    @property
    def model_type(self) -> str:
        """The family."""
        ...


FIELDS: Mapping[str, str] = {
    "layers": "num_hidden_layers",
    "hidden": "hidden_size",
    "heads": "num_attention_heads",
    "ffn": "intermediate_size",
    "vocab": "vocab_size",
    "positions": "max_position_embeddings",
    "types": "type_vocab_size",
}
"""What most configurations call each size."""


@dataclass(frozen=True)
class Anatomy:
    """What must be known about a family of encoders to cut its members.

    Attributes:
        family: the `model_type` of the configuration.
        class_name: name of the masked-LM class in transformers.
        head: names of the submodules that turn hidden states into logits, one after the other.
        body: prefix of the parameters of the encoder proper.
        layer: pattern of a parameter that belongs to a layer; its group `layer` is the number.
        ignored: prefixes in published checkpoints that a masked-LM encoder does not have.
        fields: for each size of a shape, what the configuration calls it; a size that is not there is 0.
        required: fields of the configuration that must have this value, since the table holds for no other.
        derived: fields that the library works out from the others where they are not given.
    """

    family: str
    class_name: str
    head: tuple[str, ...]
    body: str
    layer: re.Pattern[str]
    ignored: tuple[str, ...] = ()
    fields: Mapping[str, str] = field(default_factory=lambda: FIELDS)
    required: Mapping[str, str | int | bool] = field(default_factory=dict)
    derived: tuple[str, ...] = ()

    @property
    def model_class(self) -> type[PreTrainedModel]:
        """The masked-LM class."""
        import transformers  # seconds, which a plan does without

        return getattr(transformers, self.class_name)

    @property
    def tied(self) -> Mapping[str, str]:
        """Names that are second names of another tensor, and that other name."""
        return TABLES[self.family].tied

    @cached_property
    def rows(self) -> Rows:
        """For each parameter name, `*` standing for a layer number, the axis of each dimension; tied names too."""
        table = TABLES[self.family]
        rows = {**table.embeddings, **table.layer, **table.head}
        return rows | {name: rows[first] for name, first in table.tied.items()}

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

    def shape(self, config: Config) -> Shape:
        """Read the shape off a configuration.

        Raises:
            InputError: a size is missing, not a positive number, heads do not divide the hidden size, or a field has a
                value under which the family's table does not hold.
        """
        found = {name: getattr(config, place, None) for name, place in self.fields.items()}
        sizes = {name: size for name, size in found.items() if isinstance(size, int) and size > 0}
        if sizes != found:
            raise InputError(f"config.json: sizes are positive whole numbers, found {list(found.values())}")
        if sizes["hidden"] % sizes["heads"]:
            raise InputError(f"config.json: hidden size {sizes['hidden']} does not divide into {sizes['heads']} heads")
        for name, value in self.required.items():
            if (other := getattr(config, name, None)) != value:
                raise InputError(
                    f"config.json: {name} is {other!r}; a {self.family} model can be cut only where it is {value!r}"
                )
        width = sizes["hidden"] // sizes["heads"]
        return Shape(**{"types": 0, "head_width": width, **sizes}, family=self.family)

    def config_fields(self, shape: Shape) -> dict[str, int]:
        """Return the fields of the library's configuration that give `shape`."""
        return {place: getattr(shape, name) for name, place in self.fields.items()}

    def config_like(self, pattern: PretrainedConfig, shape: Shape) -> dict[str, object]:
        """Return all fields of a configuration that gives `shape` and is otherwise like `pattern`."""
        kept = {name: value for name, value in pattern.to_dict().items() if name not in self.derived}
        return {**kept, **self.config_fields(shape)}

    def untied(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return `state` without the second names of tied tensors."""
        return {name: tensor for name, tensor in state.items() if name not in self.tied}


BERT = Anatomy(
    family="bert",
    class_name="BertForMaskedLM",
    head=("cls",),
    body="bert.",
    layer=re.compile(r"bert\.encoder\.layer\.(?P<layer>\d+)\."),
    ignored=("bert.pooler.", "cls.seq_relationship.", "bert.embeddings.position_ids"),
)

XLM_ROBERTA = Anatomy(
    family="xlm-roberta",
    class_name="XLMRobertaForMaskedLM",
    head=("lm_head",),
    body="roberta.",
    layer=re.compile(r"roberta\.encoder\.layer\.(?P<layer>\d+)\."),
    ignored=("roberta.pooler.", "roberta.embeddings.position_ids"),
    required={"pad_token_id": 1},
)
"""The padding piece is where positions are counted from, so its id is part of the model."""

ROBERTA = Anatomy(
    family="roberta",
    class_name="RobertaForMaskedLM",
    head=XLM_ROBERTA.head,
    body=XLM_ROBERTA.body,
    layer=XLM_ROBERTA.layer,
    ignored=XLM_ROBERTA.ignored,
    required=XLM_ROBERTA.required,
)

DISTILBERT = Anatomy(
    family="distilbert",
    class_name="DistilBertForMaskedLM",
    head=("vocab_transform", "activation", "vocab_layer_norm", "vocab_projector"),
    body="distilbert.",
    layer=re.compile(r"distilbert\.transformer\.layer\.(?P<layer>\d+)\."),
    ignored=("distilbert.embeddings.position_ids",),
    fields={
        "layers": "n_layers",
        "hidden": "dim",
        "heads": "n_heads",
        "ffn": "hidden_dim",
        "vocab": "vocab_size",
        "positions": "max_position_embeddings",
    },
)

MODERNBERT = Anatomy(
    family="modernbert",
    class_name="ModernBertForMaskedLM",
    head=("head", "decoder"),
    body="model.",
    layer=re.compile(r"model\.layers\.(?P<layer>\d+)\."),
    fields={
        "layers": "num_hidden_layers",
        "hidden": "hidden_size",
        "heads": "num_attention_heads",
        "ffn": "intermediate_size",
        "vocab": "vocab_size",
        "positions": "max_position_embeddings",
        "attend_every": "global_attn_every_n_layers",
    },
    required={
        "norm_bias": False,
        "attention_bias": False,
        "mlp_bias": False,
        "classifier_bias": False,
        "decoder_bias": True,
    },
    derived=("layer_types",),
)

FAMILIES: Mapping[str, Anatomy] = {a.family: a for a in (BERT, XLM_ROBERTA, ROBERTA, DISTILBERT, MODERNBERT)}


def anatomy_of(config: Config) -> Anatomy:
    """Return the table of a configuration's family.

    Raises:
        InputError: no table for this `model_type`.
    """
    try:
        return FAMILIES[config.model_type]
    except KeyError:
        known = ", ".join(sorted(FAMILIES))
        raise InputError(f"model type {config.model_type!r} is not known; known are: {known}") from None
