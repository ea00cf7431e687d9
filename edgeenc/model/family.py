"""What must be known of a family of encoders: everything about it in one value, which is all that a new one needs.

No library of tensors is loaded for it, so that a plan can ask.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal, Protocol

from edgeenc.errors import InputError, first_three
from edgeenc.model.axes import Axes, Rows, unpacked
from edgeenc.model.graph_text import FamilyText

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel


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

TASK_HEADS = ("classifier.", "pre_classifier.", "qa_outputs.", "pooler.", "summary.", "sequence_summary.")
"""Prefixes of the heads that the library's classes for tasks have; no masked-LM class has parameters of such names."""


def no_sizes(_: Config) -> Mapping[str, int]:
    """Return no sizes."""
    return {}


@dataclass(frozen=True)
class Variant:
    """Parameters that only some configurations of a family have, or have with other axes.

    Attributes:
        name: in one word.
        there: whether a configuration has it.
        embeddings: rows as those of the family, which they replace where they have their names.
        head: rows likewise.
        left_over: whether published checkpoints hold them too where their configuration has them not.
    """

    name: str
    there: Callable[[Config], bool]
    embeddings: Rows = field(default_factory=dict)
    head: Rows = field(default_factory=dict)
    left_over: bool = False


MOST_LAYERS = 1000
"""More is a slip of the finger, and a table of them would fill the memory."""


@dataclass(frozen=True, slots=True)
class LastLayer:
    """Where the last layer of a classifier of texts lies, for a head that reads the first token alone.

    Attributes:
        layers: the list of layers.
        query: in a layer, what makes the queries of the attention.
        output: in a layer, what the attention writes with.
        dense: the head's dense layer.
    """

    layers: str
    query: str
    output: str
    dense: str


@dataclass(frozen=True)
class Family:
    """A family of encoders: what the library calls its parts, and which axes they have, tied ones under one name.

    Attributes:
        name: the `model_type` of the configuration.
        class_name: name of the masked-LM class in transformers.
        head_modules: names of the submodules that turn hidden states into logits, one after the other.
        body: prefix of the parameters of the encoder proper.
        layer_pattern: of a parameter that belongs to a layer; its group `layer` is the number.
        embeddings: rows of what lies around the layers; of a norm after the last one too.
        layer: rows of what every layer has.
        head: rows of what turns hidden states into logits.
        tokenizer: type of the tokenizer of its published models.
        tied: second names of tensors, and the name under which each is counted and kept.
        absent: parameters of a layer that layer 0 lacks.
        ignored: prefixes in published checkpoints that a masked-LM encoder does not have.
        fields: for each size of a shape, what the configuration calls it; a size that is not there is 0.
        required: fields of the configuration that must have this value, since the rows hold for no other.
        derived: fields that the library works out from the others where they are not given.
        counted: sizes that no field says as they are, from a configuration; they go before those of `fields`.
        why_not: why a configuration cannot be cut, beside `required`; "" where it can.
        fixed: fields that say how parameters are called, and the value under which they are called as in the rows.
        former: prefixes of parameters in published checkpoints, and what the rows call them.
        parts: parameters that only some configurations have.
        traced: what holds while a model of the family is traced for an export, where its own code has no plain graph.
        unused_positions: rows at the start of the position table that no token of a text reads.
        refused: stages that cannot work on the family, by their kind, and why.
        text: bytes of graph text that an exported file takes beside that of BERT, measured like that.
        last_layer: where a classifier's head can start as the mean of a text; None where the family pools by itself.
    """

    name: str
    class_name: str
    head_modules: tuple[str, ...]
    body: str
    layer_pattern: re.Pattern[str]
    embeddings: Rows
    layer: Rows
    head: Rows
    tokenizer: Literal["WordPiece", "Unigram", "BPE"]
    tied: Mapping[str, str] = field(default_factory=dict)
    absent: frozenset[str] = frozenset()
    ignored: tuple[str, ...] = ()
    fields: Mapping[str, str] = field(default_factory=lambda: FIELDS)
    required: Mapping[str, str | int | bool] = field(default_factory=dict)
    derived: tuple[str, ...] = ()
    counted: Callable[[Config], Mapping[str, int]] = no_sizes
    why_not: Callable[[Config], str] = lambda _: ""
    fixed: Mapping[str, bool] = field(default_factory=dict)
    former: Mapping[str, str] = field(default_factory=dict)
    parts: tuple[Variant, ...] = ()
    traced: Callable[[], AbstractContextManager[None]] = nullcontext
    unused_positions: int = 0
    refused: Mapping[str, str] = field(default_factory=dict)
    text: FamilyText = field(default_factory=FamilyText)
    last_layer: LastLayer | None = None

    @property
    def model_class(self) -> type[PreTrainedModel]:
        """The masked-LM class."""
        import transformers  # seconds, which a plan does without

        return getattr(transformers, self.class_name)

    def parts_of(self, config: Config) -> tuple[str, ...]:
        """Return the names of the parts that a configuration has."""
        return tuple(part.name for part in self.parts if part.there(config))

    def with_parts(self, names: Sequence[str]) -> Family:
        """Return the family with the rows of these parts among its own."""
        embeddings, head, ignored = dict(self.embeddings), dict(self.head), self.ignored
        for part in self.parts:
            if part.name in names:
                embeddings, head = embeddings | dict(part.embeddings), head | dict(part.head)
            elif part.left_over:
                ignored = (*ignored, *part.embeddings, *part.head)
        return replace(self, embeddings=embeddings, head=head, ignored=ignored) if self.parts else self

    @property
    def foreign(self) -> tuple[str, ...]:
        """Prefixes of what a masked-LM encoder does not have: of the family's own, and of heads for tasks."""
        return (*self.ignored, *TASK_HEADS)

    def today(self, name: str) -> str:
        """Return what the rows call a parameter of a published checkpoint."""
        for old, new in self.former.items():
            if name.startswith(old):
                return new + name.removeprefix(old)
        return name

    @property
    def packed(self) -> bool:
        """Whether query, key and value of a layer are one matrix."""
        return self._blocks("attention") > 1

    @property
    def gated(self) -> bool:
        """Whether a feed-forward neuron has a gate beside it, in the same matrix."""
        return self._blocks("ffn") > 1

    def _blocks(self, axis: str) -> int:
        """Return how many blocks of `axis` one dimension of a layer's parameters has at most."""
        found = [unpacked(own) for axes in self.layer.values() for own in axes]
        return max(blocks for blocks, name in found if name == axis)

    @cached_property
    def rows(self) -> Rows:
        """For each parameter name, `*` standing for a layer number, the axis of each dimension; tied names too."""
        rows = {**self.embeddings, **self.layer, **self.head}
        return rows | {name: rows[first] for name, first in self.tied.items()}

    def layer_of(self, name: str) -> int | None:
        """Return the layer number in a parameter's name, or None where it belongs to no layer."""
        found = self.layer_pattern.match(name)
        return int(found["layer"]) if found else None

    def in_layer(self, name: str, layer: int | str) -> str:
        """Return a parameter's name with another layer number; one that belongs to no layer stays as it is."""
        found = self.layer_pattern.match(name)
        return f"{name[: found.start('layer')]}{layer}{name[found.end('layer') :]}" if found else name

    def axes(self, name: str) -> Axes:
        """Return the axis of each dimension of the parameter `name`.

        Raises:
            InputError: the table has no row for it, so nobody knows how to compress it.
        """
        try:
            return self.rows[self.in_layer(name, "*")]
        except KeyError:
            raise InputError(f"{self.name}: unknown parameter {name}; its axes are not in the family's table") from None

    def sizes(self, config: Config) -> dict[str, int]:
        """Read the sizes that the family knows off a configuration, and the width of a head.

        Raises:
            InputError: a size is missing, not a positive number, heads do not divide the hidden size, or a field has a
                value under which the family's table does not hold.
        """
        found = {name: getattr(config, place, None) for name, place in self.fields.items()}
        sizes = {name: size for name, size in found.items() if type(size) is int and size > 0}
        if wrong := [self.fields[name] for name in found if name not in sizes]:
            raise InputError(f"config.json: {_wrong_sizes(config, wrong)}")
        if sizes["layers"] > MOST_LAYERS:
            raise InputError(
                f"config.json: {self.fields['layers']} is {sizes['layers']:,}; no encoder has so many layers"
            )
        hidden, heads = sizes["hidden"], sizes["heads"]
        if hidden % heads:
            raise InputError(f"config.json: hidden size {hidden} does not divide into {heads} heads")
        for name, value in self.required.items():
            if (other := getattr(config, name, None)) != value:
                raise InputError(
                    f"config.json: {name} is {other!r}; a {self.name} model can be cut only where it is {value!r}"
                )
        if reason := self.why_not(config):
            raise InputError(f"config.json: {reason}")
        return {"head_width": hidden // heads, **sizes, **self.counted(config)}

    def untied(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return `state` without the second names of tied tensors."""
        return {name: tensor for name, tensor in state.items() if name not in self.tied}


def _wrong_sizes(config: Config, places: Sequence[str]) -> str:
    """Return what is the matter with fields that should be sizes, the first three by name."""
    said = [
        f"{place} is {value!r}" if (value := getattr(config, place, None)) is not None else f"{place} is missing"
        for place in places
    ]
    return f"{first_three(said)}; a size is a positive whole number"
