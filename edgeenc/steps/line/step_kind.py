"""What a kind of step is: one value in the file of its name beside this folder, which says everything about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Generic, TypeVar

from edgeenc.kinds import values_of
from edgeenc.model.dense_shape import Maps
from edgeenc.model.shape import Shape
from edgeenc.planned import ENCODER, Request
from edgeenc.record.form import parse
from edgeenc.record.steps import FileFigures
from edgeenc.targets.target import Precision, targets

if TYPE_CHECKING:
    from edgeenc.planned import Step
    from edgeenc.steps.line.work import Work
    from edgeenc.store import Manifest
    from edgeenc.targets.sessions.session import Ids

F = TypeVar("F", covariant=True)

Predict = Callable[[Request, Shape, Maps], int]
"""The bytes of an exported file, of what is built, the shape of its encoder, and the Dense modules behind it."""


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
        shows_shape: whether what it makes is an encoder whose sizes plans and reports show.
        require_fits: refuses a file of so many bytes, with the name of the step in its words.
    """

    name: str
    version: int
    figures: type[F]
    does: Callable[[Work], F]
    predicts: Predict | None = None
    require_fits: Callable[[str, int], None] | None = None
    shows_shape: bool = False


def exported_bytes(request: Request, shape: Shape, maps: Maps) -> int:
    """Return the predicted bytes of the first file of the target, if an encoder of this shape is exported."""
    return request.target.first.bytes_of(shape, maps, request.purpose, request.labels)


STAGE = "stage"
"""The kind of all stages of a recipe, whose steps are called by the recipe, and whose versions are their own."""


def step_kinds() -> Mapping[str, StepKind[object]]:
    """Return every kind of step by its name: those of the files of the folder, and one for each file of a target.

    Raises:
        ValueError: two have one name, so that one would be taken for the other.
    """
    own: tuple[StepKind[object], ...] = values_of("edgeenc.steps", StepKind)
    made = tuple(file_kind(one) for target in targets() for one in target.precisions)
    found = {kind.name: kind for kind in (*own, *made)}
    if len(found) < len(own) + len(made):
        names = sorted(kind.name for kind in (*own, *made))
        raise ValueError(f"two kinds of steps have one name, of {', '.join(names)}")
    return found


@cache
def file_kind(precision: Precision) -> StepKind[object]:
    """Return the kind of step that makes a file of a target, as its target says."""

    def make_file(work: Work) -> FileFigures:
        source = work.file(precision.source) if precision.source else work.input(ENCODER)
        texts = _texts(work) if precision.reads_texts else ()
        path = precision.make(source, work.out / precision.file, work.plan.request.purpose, texts)
        return FileFigures(bytes=path.stat().st_size)

    return StepKind(
        name=precision.step,
        version=precision.version,
        figures=FileFigures,
        does=make_file,
        predicts=lambda request, shape, maps: precision.bytes_of(shape, maps, request.purpose, request.labels),
        require_fits=precision.require_fits,
    )


CALIBRATION_BATCHES = 2
"""Batches of 2,048 tokens on which the sizes of activations are measured."""


def _texts(work: Work) -> Sequence[Ids]:
    """Return training texts of the corpus with the tokens of the encoder that is exported."""
    from edgeenc.compress.whole_texts import whole_rows
    from edgeenc.model.encoder import load_tokenizer
    from edgeenc.model.sentence_head import sentence_head_if_known

    folder = work.input(ENCODER)
    head = sentence_head_if_known(folder)[0]
    return whole_rows(load_tokenizer(folder), head, work.longest(ENCODER), work.corpus(), CALIBRATION_BATCHES)


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
