from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import astuple, replace
from pathlib import Path

import numpy as np
import pytest
from families import MORE_SIZES, TYPES, random_encoder
from tokenizers import Tokenizer, models, processors

from edgeenc.model.dense_shape import DenseShape, parameters_of
from edgeenc.model.encoder import save_encoder
from edgeenc.model.families import families
from edgeenc.model.purpose import Purpose, encoder_purposes
from edgeenc.model.purposes.feature_extraction import FEATURE_EXTRACTION
from edgeenc.model.purposes.fill_mask import FILL_MASK
from edgeenc.model.shape import Shape
from edgeenc.targets.onnx import FP32
from edgeenc.targets.onnx_file.export import export
from edgeenc.targets.onnx_file.quantize import quantize
from edgeenc.targets.onnx_file.sizes import fp32_bytes, fp32_dense, int8_bytes, int8_dense
from edgeenc.text.specials import CONVENTIONS

TASKS = encoder_purposes()


def word_list(family: str, size: int) -> Tokenizer:
    """A tokenizer of so many tokens, which need not be of the family's type."""
    names = CONVENTIONS[1 if "roberta" in family else 0]
    tokens = [*astuple(names), *(f"w{i}" for i in range(size - 5))]
    tokens[0], tokens[1] = tokens[1], tokens[0]  # RoBERTa's padding token is number 1
    numbers = {token: number for number, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.WordPiece(numbers, unk_token=names.unk))
    around = [(name, numbers[name]) for name in (names.cls, names.sep)]
    tokenizer.post_processor = processors.TemplateProcessing(f"{names.cls} $A {names.sep}", special_tokens=around)
    return tokenizer


@pytest.mark.export
@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
@pytest.mark.parametrize(
    "shape",
    [
        Shape(layers=1, hidden=32, heads=4, head_width=8, ffn=48, vocab=120, positions=64, types=2, family="bert"),
        Shape(layers=3, hidden=192, heads=3, head_width=64, ffn=768, vocab=8000, positions=512, types=2, family="bert"),
        Shape(layers=12, hidden=64, heads=4, head_width=16, ffn=96, vocab=500, positions=128, types=2, family="bert"),
    ],
    ids=lambda shape: f"{shape.layers}x{shape.hidden}",
)
@pytest.mark.parametrize("family", [family.name for family in families()])
def test_predicted_bytes_are_those_of_the_files(shape: Shape, family: str, task: Purpose, tmp_path: Path) -> None:
    shape = replace(shape, family=family, types=TYPES.get(family, 0), **MORE_SIZES.get(family, {}))
    if family == "modernbert":  # a single layer has no window, and so no graph of one
        shape = replace(shape, attend_every=3, layers=max(2, shape.layers))
    encoder = random_encoder(shape, word_list(family, shape.vocab))
    assert encoder.shape == shape
    save_encoder(encoder, tmp_path)
    fp32 = export(tmp_path, tmp_path / "model.onnx", task)
    ids_BT = np.arange(5, 21).reshape(2, 8)
    int8 = quantize(fp32, tmp_path / "model_quantized.onnx", [ids_BT])
    near = 0.03 if family == "modernbert" else 0.01
    assert fp32_bytes(shape, task) == pytest.approx(fp32.stat().st_size, rel=near)
    size = int8.stat().st_size  # channels are made alike only where that is better, which no shape tells
    assert (1 - near) * size < int8_bytes(shape, task) < (1.01 + near) * size


def test_worked_examples_by_hand() -> None:
    shape = Shape(
        layers=3, hidden=192, heads=3, head_width=64, ffn=768, vocab=8000, positions=512, types=2, family="bert"
    )
    # tables 8514 * 192, norm 2 * 192, layers 3 * (4 * 192 * 193 + 2 * 192 * 768 + 768 + 192 + 4 * 192)
    assert fp32_bytes(shape, FEATURE_EXTRACTION) == 4 * (1_634_688 + 384 + 3 * 444_864) + 8 * 512 + 1600 + 3 * 4860
    # head: transform 192 * 193, its norm 2 * 192, output bias 8000; the table is not stored again
    more = fp32_bytes(shape, FILL_MASK) - fp32_bytes(shape, FEATURE_EXTRACTION)
    assert more == 4 * (192 * 193 + 384 + 8000) + 3100 + 3 * 5250 - 1600 - 3 * 4860
    assert int8_bytes(shape, FILL_MASK) - int8_bytes(shape, FEATURE_EXTRACTION) < 8000 * 192 / 10


def test_prediction_loads_no_library() -> None:
    code = (
        "import sys; import edgeenc.targets.onnx_file.sizes;"
        "print([m for m in ('torch', 'numpy', 'onnx', 'onnxruntime') if m in sys.modules])"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == "[]"


def test_dense_modules_are_counted_by_hand() -> None:
    """A map of 384 channels to 64 with a bias, and one to 128 of these without."""
    first, second = DenseShape(384, 64, bias=True), DenseShape(64, 128)
    assert (first.parameters, second.parameters) == (64 * 385, 128 * 64)
    assert parameters_of((first, second)) == 24_640 + 8_192
    assert fp32_dense(first) - 4 * 24_640 == fp32_dense(second) - 4 * 8_192 < 200
    assert int8_dense(first) - 64 * (384 + 4 + 4) == int8_dense(second) - 128 * (64 + 4) < 400
    shape = Shape(
        layers=3, hidden=192, heads=3, head_width=64, ffn=768, vocab=8000, positions=512, types=2, family="bert"
    )
    alone = FP32.bytes_of(shape, (), FEATURE_EXTRACTION, 0)
    assert FP32.bytes_of(shape, (first, second), FEATURE_EXTRACTION, 0) - alone == fp32_dense(first) + fp32_dense(
        second
    )
