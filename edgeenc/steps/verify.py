"""Run PyTorch and every exported file on the same real text, and stop the build where a bound is crossed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeenc.planned import DATA, STUDENT, TEACHER
from edgeenc.record.steps import GateFigures
from edgeenc.steps.line.step_kind import StepKind

if TYPE_CHECKING:
    from edgeenc.bundle.gate import AppReading
    from edgeenc.steps.line.work import Work

GATE_LINES = 200


def pass_gates(work: Work) -> GateFigures:
    """Hold the exported files against the gates.

    Raises:
        GateError: a bound is crossed.
    """
    from edgeenc.bundle.gate import GateCase, not_run, run_gates
    from edgeenc.bundle.gate_text import ALONE, gate_batches
    from edgeenc.bundle.opened import opened
    from edgeenc.model.encoder import load_tokenizer

    request, folder = work.plan.request, work.input(STUDENT)
    lines, tokenizer, reads = work.texts()[:GATE_LINES], load_tokenizer(folder), work.longest_text(STUDENT)
    files = {precision.name: path for precision, path in work.files()}
    case = GateCase(
        folder,
        tokenizer,
        lines,
        gate_batches(lines, tokenizer, reads, request.purpose),
        opened(request.target, folder, files, request.purpose, work.runtime.threads),
        request.recipe.bounds,
        teacher=load_tokenizer(work.input(TEACHER)),
        labelled=_labelled(work) if DATA in work.step.inputs else None,
    )
    short = {"read": ALONE, "reads": reads} if reads > ALONE else {}
    return GateFigures(gates=run_gates(case), not_run=not_run(case), **short)


def _labelled(work: Work) -> AppReading:
    """Return test items of the task, and the labels of the model that is shipped."""
    from edgeenc.bundle.gate import AppReading
    from edgeenc.model.config import labels_of, load_config
    from edgeenc.tasks.examples import load_task

    data, config = load_task(work.input(DATA)), load_config(work.input(STUDENT))
    return AppReading(data.kind, data.test[:GATE_LINES], labels_of(config), work.longest(STUDENT))


STEP = StepKind(name="verify", version=3, figures=GateFigures, does=pass_gates)
