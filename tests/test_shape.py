"""Parameter counts from arithmetic alone, held against published models and against the library."""

from __future__ import annotations

from dataclasses import replace

import pytest
from transformers import BertConfig, BertForMaskedLM

from edgeenc.model.shape import Shape, shape_of

MBERT = Shape(
    layers=12, hidden=768, heads=12, head_width=64, ffn=3072, vocab=119_547, positions=512, types=2, family="bert"
)


@pytest.mark.parametrize(
    ("changes", "parameters"),
    [
        ({}, 177_974_523),
        ({"layers": 6}, 135_447_291),
        ({"layers": 6, "ffn": 2048}, 126_003_963),
        ({"layers": 6, "ffn": 2048, "hidden": 564, "head_width": 47}, 89_692_779),
        ({"layers": 6, "ffn": 2048, "hidden": 312, "head_width": 26}, 47_710_587),
        ({"layers": 6, "ffn": 2048, "hidden": 312, "head_width": 26, "vocab": 40_000}, 22_812_376),
    ],
)
def test_parameters_of_the_published_shapes(changes: dict[str, int], parameters: int) -> None:
    """The counts of arXiv:2505.16956's mBERT line, tied table once, no pooler."""
    assert replace(MBERT, **changes).parameters == parameters


def test_the_library_counts_the_same() -> None:
    """A built model has as many parameters as its shape says."""
    config = BertConfig(
        vocab_size=131, hidden_size=48, num_hidden_layers=2, num_attention_heads=3, intermediate_size=40,
        max_position_embeddings=33,
    )  # fmt: skip
    assert shape_of(config).parameters == BertForMaskedLM(config).num_parameters()
