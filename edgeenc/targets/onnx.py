"""ONNX files, for ONNX Runtime, transformers.js, optimum and whatever else reads them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from edgeenc.model.purpose import Purpose
from edgeenc.targets.onnx_file.sizes import fp32_bytes, fp32_dense, int8_bytes, int8_dense, require_one_file
from edgeenc.targets.target import Precision, Target, Usage

if TYPE_CHECKING:
    from edgeenc.targets.sessions.session import Ids, Session


def _export(checkpoint: Path, out: Path, purpose: Purpose, texts: Sequence[Ids]) -> Path:
    from edgeenc.targets.onnx_file.export import export

    return export(checkpoint, out, purpose)


def _quantize(fp32: Path, out: Path, purpose: Purpose, texts: Sequence[Ids]) -> Path:
    from edgeenc.targets.onnx_file.quantize import quantize

    return quantize(fp32, out, texts)


def open_file(path: Path, threads: int, purpose: Purpose | None) -> Session:
    """Return the session of an ONNX file; a measuring process calls this by its name."""
    from edgeenc.targets.sessions.ort_session import OrtSession

    return OrtSession(path, threads, purpose)


def _usage(precision: Precision, purpose: Purpose, positions: int, output: str) -> Usage:
    from edgeenc.targets.onnx_file.usage import usage

    return usage(precision, purpose, positions, output)


FP32 = Precision(
    name="fp32",
    path="onnx/model.onnx",
    step="export",
    version=1,
    make=_export,
    predicted_bytes=fp32_bytes,
    dense_bytes=fp32_dense,
    open=open_file,
    require_fits=require_one_file,
    hub_name="fp32",
)
INT8 = Precision(
    name="int8",
    path="onnx/model_quantized.onnx",
    step="quantize",
    version=5,
    make=_quantize,
    predicted_bytes=int8_bytes,
    dense_bytes=int8_dense,
    open=open_file,
    source=FP32.name,
    rounded=True,
    reads_texts=True,
    numbers="int8",
    hub_name="q8",
)
"""Names and places of the files are those that transformers.js and optimum look for."""

ONNX = Target(
    name="onnx",
    default=True,
    runtime="ONNX Runtime, CPU",
    tags=("onnx", "transformers.js"),
    usage=_usage,
    pattern="*.onnx*",
    engine="ort",
    others={"bf16": "onnx/model_bf16.onnx", "fp16": "onnx/model_fp16.onnx"},
    precisions=(FP32, INT8),
)
