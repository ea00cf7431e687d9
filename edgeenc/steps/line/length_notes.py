"""What a plan says of lengths in a recipe that are more than its encoder reads: to how many tokens texts are cut."""

from __future__ import annotations

from collections.abc import Iterator

from edgeenc.planned import Request
from edgeenc.stages.training import TrainingOptions


def notes_of_lengths(request: Request, longest: int) -> tuple[str, ...]:
    """Return a note for each length that an encoder which reads `longest` tokens does not reach.

    Worked example: `fine_tuning.max_length is 512: the encoder reads 128 tokens, so texts are cut there`.
    """
    return tuple(
        f"{name} is {length:,}: the encoder reads {longest:,} tokens, so texts are cut there"
        for name, length in _lengths(request)
        if length > longest
    )


def _lengths(request: Request) -> Iterator[tuple[str, int]]:
    """Yield the lengths that a build uses and cuts, by what a recipe calls them; a stage may refuse others itself."""
    recipe = request.recipe
    for stage in recipe.stages:
        if isinstance(stage, TrainingOptions):
            yield f"{stage.label}: the longest of sequence_lengths", max(stage.sequence_lengths)
    if request.task_data is not None:
        yield "fine_tuning.max_length", recipe.fine_tuning.max_length
    if request.makes_vectors and recipe.sentence is not None and recipe.sentence.max_seq_length is not None:
        yield "sentence.max_seq_length", recipe.sentence.max_seq_length
