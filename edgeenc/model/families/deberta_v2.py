"""DeBERTa v2 and v3, and mDeBERTa: attention that also weighs how far apart tokens are, from one table of distances."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from edgeenc.model.axes import linear, norm
from edgeenc.model.family import FIELDS, Config, Family, LastLayer, Variant
from edgeenc.model.graph_text import FamilyText, GraphText

_LAYER = "deberta.encoder.layer.*"


def _number(config: Config, name: str) -> int:
    found = getattr(config, name, None)
    return found if type(found) is int else 0


def _counted(config: Config) -> Mapping[str, int]:
    """Return the rows of the types, and of the distances: as many buckets, or distances, to the left and to the right.

    Worked example: mDeBERTa has 256 buckets, so 512 rows; with none, and 512 positions, there are 1,024.
    """
    most = max(_number(config, "max_relative_positions"), 0) or _number(config, FIELDS["positions"])
    buckets = max(_number(config, "position_buckets"), 0)
    return {"types": _number(config, FIELDS["types"]), "relative": 2 * (buckets or most)}


def _why_not(config: Config) -> str:
    """Return what in a configuration makes parameters that no row knows."""
    hidden, heads = _number(config, FIELDS["hidden"]), _number(config, FIELDS["heads"])
    if _number(config, "conv_kernel_size") > 0:
        return (
            f"conv_kernel_size is {_number(config, 'conv_kernel_size')}; the convolution behind the first layer of"
            " such a deberta-v2 model cannot be cut; those of version 3, mDeBERTa among them, have none"
        )
    for name, own in (("embedding_size", hidden), ("attention_head_size", hidden // heads)):
        if (found := getattr(config, name, None) or own) != own:
            return f"{name} is {found!r}; a deberta-v2 model can be cut only where it is {own}"
    return ""


@contextmanager
def _plain_graph() -> Iterator[None]:
    """Put plain functions in the place of two that the library compiles, which leave branches in a traced graph.

    An encoder has as many keys as queries, so that the distances are always those that were given; and the root by
    which scores are divided follows from the sizes of the model alone.
    """
    import torch
    from transformers.models.deberta_v2 import modeling_deberta_v2 as library

    def root(query_BTW: torch.Tensor, factor: int) -> torch.Tensor:
        return torch.tensor(float(int(query_BTW.size(-1)) * factor)).sqrt()

    before = library.build_rpos, library.scaled_size_sqrt
    library.build_rpos = lambda query, key, distances, buckets, most: distances
    library.scaled_size_sqrt = root
    try:
        yield
    finally:
        library.build_rpos, library.scaled_size_sqrt = before


FAMILY = Family(
    name="deberta-v2",
    class_name="DebertaV2ForMaskedLM",
    head_modules=("cls",),
    body="deberta.",
    layer_pattern=re.compile(r"deberta\.encoder\.layer\.(?P<layer>\d+)\."),
    embeddings={
        "deberta.embeddings.word_embeddings.weight": ("vocab", "hidden"),
        **norm("deberta.embeddings.LayerNorm"),
        "deberta.encoder.rel_embeddings.weight": ("relative", "hidden"),
    },
    layer={
        **linear(f"{_LAYER}.attention.self.query_proj", "attention", "hidden"),
        **linear(f"{_LAYER}.attention.self.key_proj", "attention", "hidden"),
        **linear(f"{_LAYER}.attention.self.value_proj", "attention", "hidden"),
        **linear(f"{_LAYER}.attention.output.dense", "hidden", "attention"),
        **norm(f"{_LAYER}.attention.output.LayerNorm"),
        **linear(f"{_LAYER}.intermediate.dense", "ffn", "hidden"),
        **linear(f"{_LAYER}.output.dense", "hidden", "ffn"),
        **norm(f"{_LAYER}.output.LayerNorm"),
    },
    head={
        **linear("cls.predictions.transform.dense", "hidden", "hidden"),
        **norm("cls.predictions.transform.LayerNorm"),
        "cls.predictions.bias": ("vocab",),
    },
    tokenizer="Unigram",
    tied={
        "cls.predictions.decoder.weight": "deberta.embeddings.word_embeddings.weight",
        "cls.predictions.decoder.bias": "cls.predictions.bias",
    },
    ignored=("mask_predictions.", "deberta.embeddings.position_ids"),
    fields={name: place for name, place in FIELDS.items() if name != "types"},
    required={"relative_attention": True, "share_att_key": True},
    derived=("pooler_hidden_size", "attention_head_size", "embedding_size"),
    counted=_counted,
    why_not=_why_not,
    fixed={"legacy": True},
    former={
        "lm_predictions.lm_head.bias": "cls.predictions.bias",
        "lm_predictions.lm_head.": "cls.predictions.transform.",
    },
    parts=(
        Variant(
            "positions",
            there=lambda config: bool(getattr(config, "position_biased_input", True)),
            embeddings={"deberta.embeddings.position_embeddings.weight": ("positions", "hidden")},
            left_over=True,
        ),
        Variant(
            "types",
            there=lambda config: _number(config, FIELDS["types"]) > 0,
            embeddings={"deberta.embeddings.token_type_embeddings.weight": ("types", "hidden")},
        ),
        Variant(
            "distance-norm",
            there=lambda config: "layer_norm" in str(getattr(config, "norm_rel_ebd", "")).lower(),
            embeddings=norm("deberta.encoder.LayerNorm"),
        ),
    ),
    text=FamilyText(
        body=GraphText((2320, 9970), (1670, 10830)),
        masked=GraphText((2660, 11220), (2000, 12280)),
    ),
    traced=_plain_graph,
    last_layer=LastLayer("encoder.layer", "attention.self.query_proj", "attention.output.dense", "pooler.dense"),
)
"""Queries and keys of the distances come from the matrices that make those of the tokens, so that they are cut with
these. The head of `legacy: false` is the same arithmetic as the other one under other names; the library's class for it
ties the wrong matrix, so it is read into the other."""
