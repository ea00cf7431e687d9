"""Where and in which numbers a model is measured: every device, and every precision with all that hangs on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from edgeenc.targets.onnx import FP32, INT8

if TYPE_CHECKING:
    import torch

Device = Literal["cpu", "cuda"]
Precision = Literal["fp32", "int8", "bf16", "fp16"]
DEVICES: Mapping[str, str] = {"cpu": "CPU", "cuda": "GPU"}
"""Every device, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberFormat:
    """What a precision means for files and numbers.

    Attributes:
        name: of the precision.
        onnx_name: what transformers.js and optimum call the file, in the folder or in `onnx` in it.
        weight_bytes, activation_bytes: of one number; between the products of an int8 graph everything is float32.
        dtype: PyTorch's name of it; empty where a checkpoint cannot be computed in it.
    """

    name: Precision
    onnx_name: str
    weight_bytes: int
    activation_bytes: int
    dtype: str

    @property
    def quantized(self) -> bool:
        """Whether it is a form of a file alone, since a checkpoint cannot be computed in it."""
        return not self.dtype

    def torch_dtype(self) -> torch.dtype:
        """Return the dtype of PyTorch."""
        import torch

        return getattr(torch, self.dtype)


PRECISIONS: Mapping[Precision, NumberFormat] = {
    one.name: one
    for one in (
        NumberFormat(name="fp32", onnx_name=FP32.file, weight_bytes=4, activation_bytes=4, dtype="float32"),
        NumberFormat(name="int8", onnx_name=INT8.file, weight_bytes=1, activation_bytes=4, dtype=""),
        NumberFormat(name="bf16", onnx_name="model_bf16.onnx", weight_bytes=2, activation_bytes=2, dtype="bfloat16"),
        NumberFormat(name="fp16", onnx_name="model_fp16.onnx", weight_bytes=2, activation_bytes=2, dtype="float16"),
    )
}
