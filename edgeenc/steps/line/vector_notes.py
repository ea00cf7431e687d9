"""What a plan says of sentence vectors: how the teacher makes them, or why what its folder says is left out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from edgeenc.errors import ShapeError
from edgeenc.model.dense_shape import DenseShape, Maps
from edgeenc.model.sentence_head import SentenceHead, read_sentence_head, sentence_head_if_known
from edgeenc.model.shape import Shape
from edgeenc.planned import Request
from edgeenc.sources import is_random
from edgeenc.stages.stage import Stage

UNSAID = "the teacher's folder does not say how a text's vector is made: mean of tokens, length 1"


def with_sentences(request: Request) -> tuple[Request, str]:
    """Return a request that knows how its teacher makes one vector of a text, and why what its folder says is left out.

    Raises:
        InputError: sentence vectors are asked for, and the folder says something that is not known.
    """
    said, why = _said(request)
    spec = request.recipe.sentence
    head = said if spec is None else spec.over(said)
    return replace(request, sentence=head), why


def notes_of_sentences(request: Request, shape: Shape, why: str) -> tuple[str, ...]:
    """Return what is worth knowing of the vectors of a teacher of this shape, in words."""
    if not request.makes_vectors:
        return (f"what its folder says of sentence vectors is left out: {why}",) if why else ()
    unsaid = (UNSAID,) if request.sentence is None else ()
    head = request.sentence or SentenceHead()
    return (*unsaid, f"sentence vectors are made of the {head.words(shape.hidden, shape.longest)}")


def _said(request: Request) -> tuple[SentenceHead | None, str]:
    if request.known is not None or is_random(request.recipe.teacher):
        return None, ""
    if request.makes_vectors:
        return read_sentence_head(request.teacher), ""
    return sentence_head_if_known(request.teacher)


@dataclass
class VectorLengths:
    """How long the vectors of each step of a plan are; a stage that cannot compare them refuses.

    Attributes:
        head: what makes them of the teacher's hidden states, or the mean.
        known: dimensions of the steps so far, by name.
        maps: Dense modules of the last of them; what the last one gives is its dimensions, whatever the hidden size.
    """

    head: SentenceHead
    known: dict[str, int] = field(default_factory=dict)
    maps: Maps = ()

    @staticmethod
    def of(request: Request, teacher: str, hidden: int) -> VectorLengths:
        """Return what is known once there is a teacher, whose hidden states have `hidden` channels."""
        head = request.sentence or SentenceHead()
        return VectorLengths(head, {teacher: head.dimensions(hidden)}, head.maps)

    def add(self, stage: Stage, hidden: int) -> None:
        """Note how long vectors are after a stage that makes an encoder of `hidden` channels.

        Raises:
            ShapeError: the stage cannot compare those that it reads, or asks for a prompt that is not there.
        """
        if unknown := [name for name in stage.reads_prompts if name not in self.head.prompts]:
            known = ", ".join(self.head.prompts) or "none"
            raise ShapeError(f"{stage.kind}: no prompt {unknown[0]!r}; there are: {known}")
        if self.maps:
            self.maps = (replace(self.maps[0], reads=hidden), *self.maps[1:])
        own = self.maps[-1].gives if self.maps else hidden
        self.known[stage.label] = stage.dimensions_after(own, {name: self.known[name] for name in stage.reads})
        if stage.adds_map:
            self.maps = (*self.maps, DenseShape(own, self.known[stage.label]))
