"""What a kind of step is: one value in the file of its name beside this folder, which says everything about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Generic, TypeVar

from edgeenc.kinds import values_of
from edgeenc.model.purpose import ExportTask
from edgeenc.model.shape import Shape
from edgeenc.record.form import parse

if TYPE_CHECKING:
    from edgeenc.plan import Step
    from edgeenc.steps.line.work import Work
    from edgeenc.store import Manifest

F = TypeVar("F")

Predict = Callable[[Shape, ExportTask, int], int]
"""The bytes of an exported file, of its encoder's shape, what it computes, and the labels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepKind(Generic[F]):
    """A kind of step; a plan reads it, so that its file loads what it works with only when it works.

    Attributes:
        name: that of its file, and the first word of its steps' names.
        version: raised when the same fields would give other files, so that old results are not taken for new ones.
        figures: the record of what it measures.
        does: fills the folder of a step, and returns what was measured.
        predicts: the bytes of the file that it makes, or that the encoder that it takes would be; None where it makes
            no model.
        one_file: whether what it makes must fit one ONNX file.
    """

    name: str
    version: int
    figures: type[F]
    does: Callable[[Work], F]
    predicts: Predict | None = None
    one_file: bool = False


STAGE = "stage"
"""The kind of all stages of a recipe, whose steps are called by the recipe, and whose versions are their own."""


@cache
def step_kinds() -> Mapping[str, StepKind[object]]:
    """Return every kind of step by its name."""
    return {kind.name: kind for kind in values_of("edgeenc.steps", StepKind)}


def kind_of(step: Step) -> StepKind[object]:
    """Return the kind of a step of a plan."""
    return step_kinds()[step.kind if step.stage is None else STAGE]


def figures_of(manifest: Manifest) -> object:
    """Return what a finished step measured, as the record of its kind.

    Raises:
        ValueError: the figures are not those of such a step; the message names the place.
    """
    kinds = step_kinds()
    return parse((kinds.get(manifest.kind) or kinds[STAGE]).figures, manifest.figures)
