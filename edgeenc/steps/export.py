"""Export an encoder or a classifier."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeenc.plan import ENCODER
from edgeenc.record.steps import FileFigures
from edgeenc.steps.line.kind import StepKind
from edgeenc.targets.sizes import fp32_bytes

if TYPE_CHECKING:
    from edgeenc.steps.line.work import Work


def make_onnx(work: Work) -> FileFigures:
    """Write the fp32 file."""
    from edgeenc.steps.line.work import ONNX
    from edgeenc.targets.onnx import export

    path = export(work.input(ENCODER), work.out / ONNX["fp32"], work.plan.request.task)
    return FileFigures(bytes=path.stat().st_size)


STEP = StepKind(name="export", version=1, figures=FileFigures, does=make_onnx, predicts=fp32_bytes, one_file=True)
