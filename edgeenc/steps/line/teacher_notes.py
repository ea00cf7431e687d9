"""What a plan says of its teacher before anything runs: what is left out of it, and which steps miss a trained head."""

from __future__ import annotations

from collections.abc import Iterator

from edgeenc.model.checkpoint import HEADLESS, Checkpoint
from edgeenc.planned import Request
from edgeenc.stages.stage import Stage


def notes_of(found: Checkpoint, request: Request) -> tuple[str, ...]:
    """Return what is worth knowing of the teacher of a build, in words.

    Worked example: of a teacher without a masked-LM head a recipe that only trims says that no bits per character are
    measured; one that adapts says that `adapt` trains the head that is grown; of one that makes sentence vectors and
    needs no head nothing is said.
    """
    head = tuple(_head(request)) if found.head == "grown" else ()
    if head or not request.measures_vectors:
        return (*found.notes, *head)
    return tuple(note for note in found.notes if note != HEADLESS)


def _head(request: Request) -> Iterator[str]:
    """Yield what follows from a head that is not there."""
    stages = request.recipe.stages
    trained = next((place for place, stage in enumerate(stages) if stage.trains_head), None)
    counted = "" if request.measures_vectors else "; bits per character are measured from there on"
    if trained is None and not request.measures_vectors:
        yield "no step trains one, so bits per character are not measured"
    elif trained is not None:
        yield (
            f"one is grown (identity, tied to the embedding, no bias) and {stages[trained].label} trains it{counted}"
        )
    before = stages if trained is None else stages[:trained]
    ranked = [stage.label for stage in before if stage.reads_logits]
    if ranked:
        yield (
            f"{' and '.join(ranked)} ranks by the loss of a head that nobody has trained: put adapt before it, or rank"
            " without one (prune-ffn score: activation, drop-layers rule: vectors, truncate-hidden method: pca)"
        )
    taught = [stage.label for stage in stages if _learns_from(stage, stages, trained)]
    if taught:
        yield f"{' and '.join(taught)} learns from logits of a head that nobody has trained: let it read adapt"
    if trained is None and request.purpose.reads_head:
        yield f"{request.purpose.name} ships a head that nobody has trained: put adapt into the recipe"


def _learns_from(stage: Stage, stages: tuple[Stage, ...], trained: int | None) -> bool:
    """Tell whether a stage reads the logits of a step before the one that first trains the head."""
    labels = [one.label for one in stages]
    if not stage.imitates:
        return False
    return any(name not in labels or trained is None or labels.index(name) < trained for name in stage.reads)
