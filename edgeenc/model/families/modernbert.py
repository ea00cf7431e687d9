"""ModernBERT: rotated positions, gated blocks, and layers of which only some attend to the whole text."""

from __future__ import annotations

import re

from edgeenc.model.family import Family
from edgeenc.model.graph_text import FamilyText, GraphText

_LAYER = "model.layers.*"

FAMILY = Family(
    name="modernbert",
    class_name="ModernBertForMaskedLM",
    head_modules=("head", "decoder"),
    body="model.",
    layer_pattern=re.compile(r"model\.layers\.(?P<layer>\d+)\."),
    embeddings={
        "model.embeddings.tok_embeddings.weight": ("vocab", "hidden"),
        "model.embeddings.norm.weight": ("hidden",),
        "model.final_norm.weight": ("hidden",),
    },
    layer={
        f"{_LAYER}.attn_norm.weight": ("hidden",),
        f"{_LAYER}.attn.Wqkv.weight": ("3*attention", "hidden"),
        f"{_LAYER}.attn.Wo.weight": ("hidden", "attention"),
        f"{_LAYER}.mlp_norm.weight": ("hidden",),
        f"{_LAYER}.mlp.Wi.weight": ("2*ffn", "hidden"),
        f"{_LAYER}.mlp.Wo.weight": ("hidden", "ffn"),
    },
    head={
        "head.dense.weight": ("hidden", "hidden"),
        "head.norm.weight": ("hidden",),
        "decoder.bias": ("vocab",),
    },
    tokenizer="BPE",
    tied={"decoder.weight": "model.embeddings.tok_embeddings.weight"},
    absent=frozenset({f"{_LAYER}.attn_norm.weight"}),
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
    refused={
        "truncate-hidden": "its positions are rotations of pairs of channels of a head, which narrower heads would tear"
        " apart, and query, key and value are packed into one matrix"
    },
    text=FamilyText(
        body=GraphText((3600, -400), (2720, -1800)),
        masked=GraphText((3520, -310), (2360, -1710)),
    ),
)
"""Query, key and value are one matrix, a neuron has a gate beside it, and layer 0 uses the norm of the embeddings."""
