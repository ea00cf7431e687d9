"""Run PyTorch and every exported file on the same real text, and stop the build where a bound is crossed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeenc.plan import STUDENT, TEACHER
from edgeenc.record.steps import GateFigures
from edgeenc.steps.line.kind import StepKind

if TYPE_CHECKING:
    from edgeenc.steps.line.work import Work

GATE_LINES = 200


def pass_gates(work: Work) -> GateFigures:
    """Hold the exported files against the gates.

    Raises:
        GateError: a bound is crossed.
    """
    from edgeenc.bundle.gates import gate_batches, int8_gates, kept_pieces_gate, parity_gate, require, tokenizer_gate
    from edgeenc.model.encoder import load_tokenizer
    from edgeenc.targets.session import OrtSession
    from edgeenc.targets.torch_session import checkpoint_session

    task, folder = work.plan.request.task, work.input(STUDENT)
    lines, tokenizer = work.texts()[:GATE_LINES], load_tokenizer(folder)
    batches = gate_batches(lines, tokenizer, work.longest(STUDENT), task)
    bounds = work.plan.request.recipe.bounds
    files = dict(work.onnx())
    fp32 = OrtSession(work.file("fp32"), work.runtime.threads, task)
    gates = [
        tokenizer_gate(tokenizer, folder, lines),
        kept_pieces_gate(load_tokenizer(work.input(TEACHER)), tokenizer, lines),
        parity_gate(checkpoint_session(folder, task), fp32, batches, bounds.parity),
    ]
    if int8 := files.get("int8"):
        gates += int8_gates(fp32, OrtSession(int8, work.runtime.threads, task), batches, bounds)
    require(gates)
    return GateFigures(gates=tuple(gates))


STEP = StepKind(name="verify", version=2, figures=GateFigures, does=pass_gates)
