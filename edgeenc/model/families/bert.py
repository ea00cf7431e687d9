"""BERT, and mBERT, its multilingual member."""

from __future__ import annotations

import re

from edgeenc.model.axes import linear, norm
from edgeenc.model.families.bert_rows import bert_embeddings, bert_layer
from edgeenc.model.family import Family, LastLayer

FAMILY = Family(
    name="bert",
    class_name="BertForMaskedLM",
    head_modules=("cls",),
    body="bert.",
    layer_pattern=re.compile(r"bert\.encoder\.layer\.(?P<layer>\d+)\."),
    embeddings=bert_embeddings("bert"),
    layer=bert_layer("bert"),
    head={
        **linear("cls.predictions.transform.dense", "hidden", "hidden"),
        **norm("cls.predictions.transform.LayerNorm"),
        "cls.predictions.bias": ("vocab",),
    },
    tokenizer="WordPiece",
    tied={
        "cls.predictions.decoder.weight": "bert.embeddings.word_embeddings.weight",
        "cls.predictions.decoder.bias": "cls.predictions.bias",
    },
    ignored=("bert.pooler.", "cls.seq_relationship.", "bert.embeddings.position_ids"),
    last_layer=LastLayer("encoder.layer", "attention.self.query", "attention.output.dense", "pooler.dense"),
)
