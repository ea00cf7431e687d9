"""Predict the bytes of an exported file from the shape alone: no library, no weights.

A file is its numbers plus the text of its graph: node and tensor names, dimensions, attributes. The numbers follow from
the shape; the text was measured once, for graphs in the form of `graph.tidy`. It is 1 % of an int8 file of 3 MB, and
more of a smaller one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from edgeenc.errors import BudgetError
from edgeenc.model.axes import Axes, Rows
from edgeenc.model.purpose import ExportTask
from edgeenc.model.shape import Shape

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
"""Bytes of graph text of BERT: (once, per layer); a family says itself what it takes beside that. Measured on exports
of 1, 3, 6 and 12 layers with torch 2.13, optimum-onnx 0.1 and ONNX Runtime 1.31."""

TABLES = ("vocab", "positions", "types")
"""Axes whose rows are looked up: one scale a row, and no zero points."""


LARGEST = 2**31 - 1
"""Bytes of one protobuf message; a larger model would need a second file, which not every loader reads."""


def require_one_file(what: str, size: int) -> None:
    """Refuse a model that does not fit one ONNX file.

    Raises:
        BudgetError: saying how far it is.
    """
    if size > LARGEST:
        raise BudgetError(
            f"{what}: the model needs {size:,} bytes, one ONNX file holds {LARGEST:,}; compress it further, or choose a"
            " smaller teacher, which is exported too, to be measured beside the student"
        )


def fp32_bytes(shape: Shape, task: ExportTask, labels: int = 0) -> int:
    """Return the predicted bytes of `onnx/model.onnx`: 4 per parameter, 8 per row of positions (its index), and text.

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
    return 4 * (shape.encoder_parameters + head) + 8 * _position_rows(shape) + _text(shape, "fp32", task)


def int8_bytes(shape: Shape, task: ExportTask, labels: int = 0) -> int:
    """Return the predicted bytes of `onnx/model_quantized.onnx`.

    One byte per weight of a product or table; 4 per table row (its scale); 5 per output channel of a product (scale and
    zero point); 4 per bias and norm; 8 per row of positions (its index); and text. The masked-LM output shares the word
    table and its scales.

    Worked example: a linear layer of 192 inputs and 768 outputs takes 192 * 768 + 5 * 768 + 4 * 768 bytes, its float32
    form four times 193 * 768.
    """
    table = shape.table
    whole = _int8_rows(shape, table.embeddings) + shape.layers * _int8_rows(shape, table.layer)
    whole -= _int8_rows(shape, shape.absent)
    if task == "fill-mask":
        whole += _int8_rows(shape, table.head)
    if task in ("text-classification", "token-classification"):
        outputs = labels + (shape.hidden if task == "text-classification" else 0)
        whole += outputs * (shape.hidden + 5 + 4)
    return whole + 8 * _position_rows(shape) + _text(shape, "int8", task)


def _int8_rows(shape: Shape, rows: Rows) -> int:
    return sum(_int8_tensor(shape, axes) for axes in rows.values())


def _int8_tensor(shape: Shape, axes: Axes) -> int:
    if len(axes) == 1:
        return 4 * shape.count(axes)
    return shape.count(axes) + (4 if axes[0] in TABLES else 5) * shape.size(axes[0])


def _position_rows(shape: Shape) -> int:
    """Return the rows of the position table, which is 0 where positions are computed."""
    return sum(shape.positions for axes in shape.table.embeddings.values() if axes[0] == "positions")


def _text(shape: Shape, precision: Precision, task: ExportTask) -> int:
    once, layer = TEXT[precision, task]
    more_once, more_layer = shape.table.text.get((precision, task), (0, 0))
    return once + more_once + shape.layers * (layer + more_layer)
