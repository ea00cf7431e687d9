"""The shape of a masked-language-model encoder, and the arithmetic that follows from it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes that decide how large an encoder is.

    Attributes:
        layers: number of transformer layers.
        hidden: width of the residual stream.
        heads: attention heads per layer.
        head_width: channels per head; `heads * head_width` is the attention width.
        ffn: neurons of the feed-forward block.
        vocab: pieces of the tokenizer, rows of the embedding.
        positions: rows of the position table.
        types: rows of the token-type table.
    """

    layers: int
    hidden: int
    heads: int
    head_width: int
    ffn: int
    vocab: int
    positions: int
    types: int

    @property
    def attention(self) -> int:
        """Channels of all heads together."""
        return self.heads * self.head_width

    @property
    def embedding_parameters(self) -> int:
        """Parameters of the three tables and their norm."""
        return (self.vocab + self.positions + self.types + 2) * self.hidden

    @property
    def layer_parameters(self) -> int:
        """Parameters of one layer: query, key, value, output, two norms, the feed-forward block."""
        attention = 3 * (self.hidden + 1) * self.attention + (self.attention + 1) * self.hidden
        return attention + 2 * self.hidden * self.ffn + self.ffn + self.hidden + 4 * self.hidden

    @property
    def encoder_parameters(self) -> int:
        """Parameters without the masked-LM head; there is no pooler."""
        return self.embedding_parameters + self.layers * self.layer_parameters

    @property
    def head_parameters(self) -> int:
        """Parameters of the masked-LM head that are not shared with the embedding: transform, norm, output bias."""
        return self.hidden**2 + 3 * self.hidden + self.vocab

    @property
    def parameters(self) -> int:
        """Parameters of the masked-LM model, the tied table counted once.

        Worked example: mBERT, 12 layers of 768 with 12 heads of 64, FFN 3072, vocabulary 119,547, 512 positions and
        2 types, has 177,974,523.
        """
        return self.encoder_parameters + self.head_parameters
