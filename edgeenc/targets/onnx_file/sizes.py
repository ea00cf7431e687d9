"""Predict the bytes of an exported file from the shape alone: no library, no weights.

A file is its numbers plus the text of its graph: node and tensor names, dimensions, attributes. The numbers follow from
the shape; the text was measured once, for graphs in the form of `graph.tidy`. It is 1 % of an int8 file of 3 MB, and
more of a smaller one.
"""

from __future__ import annotations

from edgeenc.errors import BudgetError
from edgeenc.model.axes import Axes, Rows
from edgeenc.model.dense_shape import DenseShape
from edgeenc.model.graph_text import GraphText
from edgeenc.model.purpose import Purpose
from edgeenc.model.shape import Shape

TABLES = ("vocab", "positions", "types")
"""Axes whose rows are looked up: one scale a row, and no zero points."""


DENSE_TEXT, DENSE_TEXT_INT8 = 150, 320
"""Of the nodes of a Dense module, measured."""

FACTOR_TEXT = 94
"""Bytes of the text of one division by factors."""
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


def fp32_bytes(shape: Shape, purpose: Purpose, labels: int = 0) -> int:
    """Return the predicted bytes of `onnx/model.onnx`: 4 per parameter, 8 per row of positions (its index), and text.

    `labels` are those of a classifier; one of texts has a dense layer of hidden x hidden besides.

    Worked example: 3 layers of 192 with 3 heads, FFN 768, vocabulary 8,000, 512 positions and 2 types are 2,969,664
    parameters without the head: 11,878,656 bytes of weights, 4,096 of indices, 16,180 of text.
    """
    head = sum(shape.count(axes) for axes in purpose.head.rows(shape).values())
    head += (shape.hidden + 1) * purpose.head.outputs(shape, labels)
    once, layer = _text(shape, purpose).plain
    return 4 * (shape.encoder_parameters + head) + 8 * _position_rows(shape) + once + shape.layers * layer


def int8_bytes(shape: Shape, purpose: Purpose, labels: int = 0) -> int:
    """Return the predicted bytes of `onnx/model_quantized.onnx`.

    One byte per weight of a product or table; 4 per table row (its scale); 5 per output channel of a product (scale and
    zero point); 4 per channel that products read (its factor, see `smooth`); 4 per bias and norm; 8 per row of
    positions (its index); and text. The masked-LM output shares the word table and its scales.

    Worked example: a linear layer of 192 inputs and 768 outputs takes 192 * 768 + 5 * 768 + 4 * 768 bytes and 4 * 192
    of factors, its float32 form four times 193 * 768.
    """
    table = shape.table
    whole = _int8_rows(shape, table.embeddings) + shape.layers * _int8_rows(shape, table.layer)
    whole -= _int8_rows(shape, shape.absent)
    whole += _int8_rows(shape, purpose.head.rows(shape))
    whole += purpose.head.outputs(shape, labels) * (shape.hidden + 5 + 4)
    whole += _factors(shape, table.embeddings) + shape.layers * _factors(shape, table.layer)
    whole += _factors(shape, purpose.head.rows(shape))
    once, layer = _text(shape, purpose).quantized
    return whole + 8 * _position_rows(shape) + once + shape.layers * layer


def fp32_dense(dense: DenseShape) -> int:
    """Return the bytes of a Dense module in `onnx/model.onnx`: 4 per parameter, and the text of its nodes."""
    return 4 * dense.parameters + DENSE_TEXT


def int8_dense(dense: DenseShape) -> int:
    """Return the bytes of a Dense module in `onnx/model_quantized.onnx`: a table of its outputs, and a bias."""
    return dense.gives * (dense.reads + 4 + 4 * dense.bias) + DENSE_TEXT_INT8


def _int8_rows(shape: Shape, rows: Rows) -> int:
    return sum(_int8_tensor(shape, axes) for axes in rows.values())


def _int8_tensor(shape: Shape, axes: Axes) -> int:
    if len(axes) == 1:
        return 4 * shape.count(axes)
    return shape.count(axes) + (4 if axes[0] in TABLES else 5) * shape.size(axes[0])


def _factors(shape: Shape, rows: Rows) -> int:
    """Return the bytes of the factors before products; those between the same two axes read the same activations."""
    products = {axes for axes in rows.values() if len(axes) == 2 and axes[0] not in TABLES}
    return sum(4 * shape.size(into) + FACTOR_TEXT for _, into in products)


def _position_rows(shape: Shape) -> int:
    """Return the rows of the position table, which is 0 where positions are computed."""
    return sum(shape.positions for axes in shape.table.embeddings.values() if axes[0] == "positions")


def _text(shape: Shape, purpose: Purpose) -> GraphText:
    """Return the text of this family's graph: that of BERT and what the family has beside it."""
    return purpose.head.text.with_more(purpose.head.more_text(shape.table.text))
