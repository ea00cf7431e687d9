"""Which axis each dimension of each parameter carries: one table a family.

`*` stands for a layer number. An axis `3*attention` is three blocks of the axis `attention` in one dimension, as where
query, key and value are packed into one matrix: an index of the axis is then kept in each block.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Axes = tuple[str, ...]
Rows = Mapping[str, Axes]


@dataclass(frozen=True)
class Table:
    """The parameters of a family, tied ones under their first name.

    Attributes:
        embeddings: what lies around the layers; a norm after the last one too.
        layer: what every layer has.
        head: what turns hidden states into logits.
        tied: second names of tensors, and the name under which each is counted and kept.
        absent: parameters of a layer that layer 0 lacks.
        unused_positions: rows at the start of the position table that no piece of a text reads.
        refused: stages that cannot work on the family, by their kind, and why.
    """

    embeddings: Rows
    layer: Rows
    head: Rows
    tied: Mapping[str, str] = field(default_factory=dict)
    absent: frozenset[str] = frozenset()
    unused_positions: int = 0
    refused: Mapping[str, str] = field(default_factory=dict)

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


def unpacked(axis: str) -> tuple[int, str]:
    """Return how many blocks of which axis a dimension has.

    Worked example: `3*attention` is (3, "attention"), `hidden` is (1, "hidden").
    """
    blocks, star, name = axis.rpartition("*")
    return (int(blocks), name) if star else (1, axis)


def _linear(name: str, out: str, into: str) -> dict[str, Axes]:
    return {f"{name}.weight": (out, into), f"{name}.bias": (out,)}


def _norm(name: str) -> dict[str, Axes]:
    return {f"{name}.weight": ("hidden",), f"{name}.bias": ("hidden",)}


def _bert_body(body: str) -> tuple[dict[str, Axes], dict[str, Axes]]:
    """Return the embeddings and a layer of BERT, which RoBERTa has under another prefix."""
    embeddings = {
        f"{body}.embeddings.word_embeddings.weight": ("vocab", "hidden"),
        f"{body}.embeddings.position_embeddings.weight": ("positions", "hidden"),
        f"{body}.embeddings.token_type_embeddings.weight": ("types", "hidden"),
        **_norm(f"{body}.embeddings.LayerNorm"),
    }
    at = f"{body}.encoder.layer.*"
    layer = {
        **_linear(f"{at}.attention.self.query", "attention", "hidden"),
        **_linear(f"{at}.attention.self.key", "attention", "hidden"),
        **_linear(f"{at}.attention.self.value", "attention", "hidden"),
        **_linear(f"{at}.attention.output.dense", "hidden", "attention"),
        **_norm(f"{at}.attention.output.LayerNorm"),
        **_linear(f"{at}.intermediate.dense", "ffn", "hidden"),
        **_linear(f"{at}.output.dense", "hidden", "ffn"),
        **_norm(f"{at}.output.LayerNorm"),
    }
    return embeddings, layer


BERT = Table(
    *_bert_body("bert"),
    head={
        **_linear("cls.predictions.transform.dense", "hidden", "hidden"),
        **_norm("cls.predictions.transform.LayerNorm"),
        "cls.predictions.bias": ("vocab",),
    },
    tied={
        "cls.predictions.decoder.weight": "bert.embeddings.word_embeddings.weight",
        "cls.predictions.decoder.bias": "cls.predictions.bias",
    },
)

ROBERTA = Table(
    *_bert_body("roberta"),
    head={
        **_linear("lm_head.dense", "hidden", "hidden"),
        **_norm("lm_head.layer_norm"),
        "lm_head.bias": ("vocab",),
    },
    tied={
        "lm_head.decoder.weight": "roberta.embeddings.word_embeddings.weight",
        "lm_head.decoder.bias": "lm_head.bias",
    },
    unused_positions=2,
)
"""Positions are numbered from the padding piece's id (1) plus 1, so 514 rows serve texts of 512 pieces."""

_DISTILBERT_LAYER = "distilbert.transformer.layer.*"

DISTILBERT = Table(
    embeddings={
        "distilbert.embeddings.word_embeddings.weight": ("vocab", "hidden"),
        "distilbert.embeddings.position_embeddings.weight": ("positions", "hidden"),
        **_norm("distilbert.embeddings.LayerNorm"),
    },
    layer={
        **_linear(f"{_DISTILBERT_LAYER}.attention.q_lin", "attention", "hidden"),
        **_linear(f"{_DISTILBERT_LAYER}.attention.k_lin", "attention", "hidden"),
        **_linear(f"{_DISTILBERT_LAYER}.attention.v_lin", "attention", "hidden"),
        **_linear(f"{_DISTILBERT_LAYER}.attention.out_lin", "hidden", "attention"),
        **_norm(f"{_DISTILBERT_LAYER}.sa_layer_norm"),
        **_linear(f"{_DISTILBERT_LAYER}.ffn.lin1", "ffn", "hidden"),
        **_linear(f"{_DISTILBERT_LAYER}.ffn.lin2", "hidden", "ffn"),
        **_norm(f"{_DISTILBERT_LAYER}.output_layer_norm"),
    },
    head={
        **_linear("vocab_transform", "hidden", "hidden"),
        **_norm("vocab_layer_norm"),
        "vocab_projector.bias": ("vocab",),
    },
    tied={"vocab_projector.weight": "distilbert.embeddings.word_embeddings.weight"},
)

_MODERNBERT_LAYER = "model.layers.*"

MODERNBERT = Table(
    embeddings={
        "model.embeddings.tok_embeddings.weight": ("vocab", "hidden"),
        "model.embeddings.norm.weight": ("hidden",),
        "model.final_norm.weight": ("hidden",),
    },
    layer={
        f"{_MODERNBERT_LAYER}.attn_norm.weight": ("hidden",),
        f"{_MODERNBERT_LAYER}.attn.Wqkv.weight": ("3*attention", "hidden"),
        f"{_MODERNBERT_LAYER}.attn.Wo.weight": ("hidden", "attention"),
        f"{_MODERNBERT_LAYER}.mlp_norm.weight": ("hidden",),
        f"{_MODERNBERT_LAYER}.mlp.Wi.weight": ("2*ffn", "hidden"),
        f"{_MODERNBERT_LAYER}.mlp.Wo.weight": ("hidden", "ffn"),
    },
    head={
        "head.dense.weight": ("hidden", "hidden"),
        "head.norm.weight": ("hidden",),
        "decoder.bias": ("vocab",),
    },
    tied={"decoder.weight": "model.embeddings.tok_embeddings.weight"},
    absent=frozenset({f"{_MODERNBERT_LAYER}.attn_norm.weight"}),
    refused={
        "truncate-hidden": "its positions are rotations of pairs of channels of a head, which narrower heads would tear"
        " apart, and query, key and value are packed into one matrix"
    },
)
"""Query, key and value are one matrix, a neuron has a gate beside it, and layer 0 uses the norm of the embeddings."""

TABLES: Mapping[str, Table] = {
    "bert": BERT,
    "xlm-roberta": ROBERTA,
    "roberta": ROBERTA,
    "distilbert": DISTILBERT,
    "modernbert": MODERNBERT,
}
"""By the `model_type` of the configuration."""
