"""Make the int8 form of an exported file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeenc.record.steps import FileFigures
from edgeenc.steps.line.kind import StepKind
from edgeenc.targets.sizes import int8_bytes

if TYPE_CHECKING:
    from edgeenc.steps.line.work import Work


def make_int8(work: Work) -> FileFigures:
    """Write the int8 file."""
    from edgeenc.steps.line.work import ONNX
    from edgeenc.targets.quantize import quantize

    path = quantize(work.file("fp32"), work.out / ONNX["int8"])
    return FileFigures(bytes=path.stat().st_size)


STEP = StepKind(name="quantize", version=1, figures=FileFigures, does=make_int8, predicts=int8_bytes)
