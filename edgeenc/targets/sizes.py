"""Predict the bytes of an exported file from the shape alone: no library, no weights.

A file is its numbers plus the text of its graph: node and tensor names, dimensions, attributes. The numbers follow from
the shape; the text was measured once, for graphs in the form of `graph.tidy`. It is 1 % of an int8 file of 3 MB, and
more of a smaller one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from edgeenc.model.shape import Shape

ExportTask = Literal["feature-extraction", "fill-mask", "text-classification", "token-classification"]
Precision = Literal["fp32", "int8"]

TEXT: Mapping[tuple[Precision, ExportTask], tuple[int, int]] = {
    ("fp32", "feature-extraction"): (1600, 4860),
    ("fp32", "fill-mask"): (3100, 5250),
    ("int8", "feature-extraction"): (2650, 8100),
    ("int8", "fill-mask"): (5200, 8650),
    ("fp32", "text-classification"): (2180, 5260),
    ("int8", "text-classification"): (4300, 8625),
    ("fp32", "token-classification"): (1875, 5258),
    ("int8", "token-classification"): (3440, 8625),
}
"""Bytes of graph text: (once, per layer). Measured on exports of 1, 3, 6 and 12 layers with torch 2.13, optimum-onnx
0.1 and ONNX Runtime 1.31."""


def fp32_bytes(shape: Shape, task: ExportTask, labels: int = 0) -> int:
    """Return the predicted bytes of `onnx/model.onnx`: 4 per parameter, 8 per position (its index), and text.

    `labels` are those of a classifier; one of texts has a dense layer of hidden x hidden besides.

    Worked example: 3 layers of 192 with 3 heads, FFN 768, vocabulary 8,000, 512 positions and 2 types are 2,969,664
    parameters without the head: 11,878,656 bytes of weights, 4,096 of indices, 16,180 of text.
    """
    head = {
        "feature-extraction": 0,
        "fill-mask": shape.head_parameters,
        "text-classification": (shape.hidden + 1) * (shape.hidden + labels),
        "token-classification": (shape.hidden + 1) * labels,
    }[task]
    return 4 * (shape.encoder_parameters + head) + 8 * shape.positions + _text(shape, "fp32", task)


def int8_bytes(shape: Shape, task: ExportTask, labels: int = 0) -> int:
    """Return the predicted bytes of `onnx/model_quantized.onnx`.

    One byte per weight of a product or table; 4 per table row (its scale); 5 per output channel of a product (scale and
    zero point); 4 per bias and norm; 8 per position (its index); and text. The masked-LM output shares the word table
    and its scales.
    """
    rows = shape.vocab + shape.positions + shape.types
    channels = 3 * shape.attention + 2 * shape.hidden + shape.ffn
    products = 4 * shape.hidden * shape.attention + 2 * shape.hidden * shape.ffn
    biases_and_norms = channels + 4 * shape.hidden
    layer = products + 5 * channels + 4 * biases_and_norms
    whole = rows * (shape.hidden + 4) + 8 * shape.hidden + shape.layers * layer + 8 * shape.positions
    if task == "fill-mask":
        whole += shape.hidden**2 + (5 + 4 * 3) * shape.hidden + 4 * shape.vocab
    if task in ("text-classification", "token-classification"):
        outputs = labels + (shape.hidden if task == "text-classification" else 0)
        whole += outputs * (shape.hidden + 5 + 4)
    return whole + _text(shape, "int8", task)


def _text(shape: Shape, precision: Precision, task: ExportTask) -> int:
    once, layer = TEXT[precision, task]
    return once + shape.layers * layer
