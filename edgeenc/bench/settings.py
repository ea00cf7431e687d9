"""Where and in which numbers a model is measured: every device, and every precision with all that hangs on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from edgeenc.targets.target import targets

if TYPE_CHECKING:
    import torch

Device = Literal["cpu", "cuda"]
DEVICES: Mapping[str, str] = {"cpu": "CPU", "cuda": "GPU"}
"""Every device, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberFormat:
    """Numbers that a model is computed in.

    Attributes:
        name: as on the command line.
        weight_bytes, activation_bytes: of one number; between the products of an int8 graph everything is float32.
        dtype: PyTorch's name of it; empty where a checkpoint cannot be computed in it.
    """

    name: str
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


FORMATS: Mapping[str, NumberFormat] = {
    one.name: one
    for one in (
        NumberFormat(name="fp32", weight_bytes=4, activation_bytes=4, dtype="float32"),
        NumberFormat(name="int8", weight_bytes=1, activation_bytes=4, dtype=""),
        NumberFormat(name="bf16", weight_bytes=2, activation_bytes=2, dtype="bfloat16"),
        NumberFormat(name="fp16", weight_bytes=2, activation_bytes=2, dtype="float16"),
    )
}
"""What this machine's peaks are measured in, and a checkpoint can be loaded in; files of a target are computed so."""


def precisions() -> tuple[str, ...]:
    """Return every precision: those that a checkpoint can be loaded in, and those of the files of every target."""
    return tuple(dict.fromkeys([*FORMATS, *(name for target in targets() for name in target.paths)]))


def format_of(precision: str) -> NumberFormat:
    """Return what a precision is computed in.

    Worked example: `int8` in `int8`; a file of a target that it calls `half`, and widens as it loads it, in `fp32`.
    """
    made = {one.name: one.numbers for target in targets() for one in target.precisions}
    return FORMATS[precision if precision in FORMATS else made[precision]]


def file_called(engine: str, precision: str) -> str:
    """Return what a file of this precision is called that this engine runs; the precision where none is known."""
    paths = [target.paths.get(precision) for target in targets() if target.engine == engine]
    return next((path.rpartition("/")[2] for path in paths if path), f"of precision {precision}")
