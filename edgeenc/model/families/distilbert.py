"""DistilBERT: BERT without types of tokens, under other names."""

from __future__ import annotations

import re

from edgeenc.model.axes import linear, norm
from edgeenc.model.family import Family, LastLayer
from edgeenc.model.graph_text import FamilyText, GraphText

_LAYER = "distilbert.transformer.layer.*"

FAMILY = Family(
    name="distilbert",
    class_name="DistilBertForMaskedLM",
    head_modules=("vocab_transform", "activation", "vocab_layer_norm", "vocab_projector"),
    body="distilbert.",
    layer_pattern=re.compile(r"distilbert\.transformer\.layer\.(?P<layer>\d+)\."),
    embeddings={
        "distilbert.embeddings.word_embeddings.weight": ("vocab", "hidden"),
        "distilbert.embeddings.position_embeddings.weight": ("positions", "hidden"),
        **norm("distilbert.embeddings.LayerNorm"),
    },
    layer={
        **linear(f"{_LAYER}.attention.q_lin", "attention", "hidden"),
        **linear(f"{_LAYER}.attention.k_lin", "attention", "hidden"),
        **linear(f"{_LAYER}.attention.v_lin", "attention", "hidden"),
        **linear(f"{_LAYER}.attention.out_lin", "hidden", "attention"),
        **norm(f"{_LAYER}.sa_layer_norm"),
        **linear(f"{_LAYER}.ffn.lin1", "ffn", "hidden"),
        **linear(f"{_LAYER}.ffn.lin2", "hidden", "ffn"),
        **norm(f"{_LAYER}.output_layer_norm"),
    },
    head={
        **linear("vocab_transform", "hidden", "hidden"),
        **norm("vocab_layer_norm"),
        "vocab_projector.bias": ("vocab",),
    },
    tokenizer="WordPiece",
    tied={"vocab_projector.weight": "distilbert.embeddings.word_embeddings.weight"},
    ignored=("distilbert.embeddings.position_ids",),
    fields={
        "layers": "n_layers",
        "hidden": "dim",
        "heads": "n_heads",
        "ffn": "hidden_dim",
        "vocab": "vocab_size",
        "positions": "max_position_embeddings",
    },
    text=FamilyText(
        body=GraphText((-400, 0), (-820, -100)),
        masked=GraphText((-690, 470), (-1210, 610)),
    ),
    last_layer=LastLayer("transformer.layer", "attention.q_lin", "attention.out_lin", "pre_classifier"),
)
