"""Bytes of the text of an exported graph: node and tensor names, dimensions, attributes.

The numbers in the values of families and purposes were measured on exports of 1, 3, 6 and 12 layers with torch 2.13,
optimum-onnx 0.1 and ONNX Runtime 1.31.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GraphText:
    """Bytes (once, per layer): of the file as exported, and of its quantized form."""

    plain: tuple[int, int] = (0, 0)
    quantized: tuple[int, int] = (0, 0)

    def with_more(self, more: GraphText) -> GraphText:
        """Return the sum of both."""
        plain, quantized = zip(self.plain, more.plain, strict=True), zip(self.quantized, more.quantized, strict=True)
        once, layer = (sum(pair) for pair in plain)
        quantized_once, quantized_layer = (sum(pair) for pair in quantized)
        return GraphText((once, layer), (quantized_once, quantized_layer))


@dataclass(frozen=True, slots=True)
class FamilyText:
    """What the text of a family's graph takes beside that of BERT: of the body alone, and with the masked-LM head."""

    body: GraphText = GraphText()
    masked: GraphText = GraphText()
