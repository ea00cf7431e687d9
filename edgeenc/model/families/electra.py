"""ELECTRA: BERT's layers behind tables that may be narrower; its generators are masked LMs, its discriminators not."""

from __future__ import annotations

import re
from collections.abc import Mapping

from edgeenc.model.axes import linear, norm
from edgeenc.model.families.bert_rows import bert_embeddings, bert_layer
from edgeenc.model.family import FIELDS, Config, Family, LastLayer, Variant
from edgeenc.model.graph_text import FamilyText, GraphText

_TABLES = bert_embeddings("electra")
_WIDTH = "embedding_size"


def _factorised(config: Config) -> bool:
    return getattr(config, _WIDTH, 0) != getattr(config, FIELDS["hidden"], 0)


def _embedding(config: Config) -> Mapping[str, int]:
    """Return the width of the tables, 0 where it is the hidden size: then the stream begins in them."""
    return {"embedding": getattr(config, _WIDTH) if _factorised(config) else 0}


FAMILY = Family(
    name="electra",
    class_name="ElectraForMaskedLM",
    head_modules=("generator_predictions", "generator_lm_head"),
    body="electra.",
    layer_pattern=re.compile(r"electra\.encoder\.layer\.(?P<layer>\d+)\."),
    embeddings=_TABLES,
    layer=bert_layer("electra"),
    head={
        **linear("generator_predictions.dense", "hidden", "hidden"),
        **norm("generator_predictions.LayerNorm"),
        "generator_lm_head.bias": ("vocab",),
    },
    tokenizer="WordPiece",
    tied={"generator_lm_head.weight": "electra.embeddings.word_embeddings.weight"},
    ignored=("discriminator_predictions.", "electra.embeddings.position_ids", "electra.embeddings.token_type_ids"),
    fields={**FIELDS, "embedding": _WIDTH},
    counted=_embedding,
    parts=(
        Variant(
            "factorised",
            there=_factorised,
            embeddings={
                **{name: tuple("embedding" if a == "hidden" else a for a in axes) for name, axes in _TABLES.items()},
                **linear("electra.embeddings_project", "hidden", "embedding"),
            },
            head={
                **linear("generator_predictions.dense", "embedding", "hidden"),
                "generator_predictions.LayerNorm.weight": ("embedding",),
                "generator_predictions.LayerNorm.bias": ("embedding",),
            },
        ),
    ),
    text=FamilyText(
        body=GraphText((210, 10), (600, -35)),
        masked=GraphText((200, 238), (690, 315)),
    ),
    last_layer=LastLayer("encoder.layer", "attention.self.query", "attention.output.dense", "classifier.dense"),
)
"""Where tables and layers have one width, there is no projection between them, and both are cut together."""
