"""RoBERTa: a body like that of BERT, another head, and positions that are counted from the padding token."""

from __future__ import annotations

import re

from edgeenc.model.axes import linear, norm
from edgeenc.model.families.bert_rows import bert_embeddings, bert_layer
from edgeenc.model.family import Family, LastLayer
from edgeenc.model.graph_text import FamilyText, GraphText

FAMILY = Family(
    name="roberta",
    class_name="RobertaForMaskedLM",
    head_modules=("lm_head",),
    body="roberta.",
    layer_pattern=re.compile(r"roberta\.encoder\.layer\.(?P<layer>\d+)\."),
    embeddings=bert_embeddings("roberta"),
    layer=bert_layer("roberta"),
    head={
        **linear("lm_head.dense", "hidden", "hidden"),
        **norm("lm_head.layer_norm"),
        "lm_head.bias": ("vocab",),
    },
    tokenizer="BPE",
    tied={
        "lm_head.decoder.weight": "roberta.embeddings.word_embeddings.weight",
        "lm_head.decoder.bias": "lm_head.bias",
    },
    ignored=("roberta.pooler.", "roberta.embeddings.position_ids"),
    required={"pad_token_id": 1},
    unused_positions=2,
    text=FamilyText(
        body=GraphText((640, 0), (640, 0)),
        masked=GraphText((380, 230), (330, 310)),
    ),
    last_layer=LastLayer("encoder.layer", "attention.self.query", "attention.output.dense", "classifier.dense"),
)
"""Positions are numbered from the padding token's id (1) plus 1, so 514 rows serve texts of 512 tokens, and that id is
part of the model; the graph computes them."""
