"""The rows of the body that BERT gave to those that followed it, under a prefix of their own."""

from __future__ import annotations

from edgeenc.model.axes import Axes, linear, norm


def bert_embeddings(body: str) -> dict[str, Axes]:
    """Return the rows of the tables of tokens, positions and types, and of their norm."""
    return {
        f"{body}.embeddings.word_embeddings.weight": ("vocab", "hidden"),
        f"{body}.embeddings.position_embeddings.weight": ("positions", "hidden"),
        f"{body}.embeddings.token_type_embeddings.weight": ("types", "hidden"),
        **norm(f"{body}.embeddings.LayerNorm"),
    }


def bert_layer(body: str) -> dict[str, Axes]:
    """Return the rows of a layer."""
    at = f"{body}.encoder.layer.*"
    return {
        **linear(f"{at}.attention.self.query", "attention", "hidden"),
        **linear(f"{at}.attention.self.key", "attention", "hidden"),
        **linear(f"{at}.attention.self.value", "attention", "hidden"),
        **linear(f"{at}.attention.output.dense", "hidden", "attention"),
        **norm(f"{at}.attention.output.LayerNorm"),
        **linear(f"{at}.intermediate.dense", "ffn", "hidden"),
        **linear(f"{at}.output.dense", "hidden", "ffn"),
        **norm(f"{at}.output.LayerNorm"),
    }
