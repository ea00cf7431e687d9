"""Take in the text: normalise, deduplicate and split it; of a user's own also say what was found in it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from edgeenc.record.steps import CorpusFigures
from edgeenc.steps.line.step_kind import StepKind

if TYPE_CHECKING:
    from edgeenc.steps.line.work import Work


def make_corpus(work: Work) -> CorpusFigures:
    """Write the corpus of each language, and of several also the whole of them."""
    from edgeenc.text.mixture import save_mixture, take_text

    request = work.plan.request
    several = len(request.texts) > 1
    folders = {text.language.bcp47: work.out / text.language.bcp47 if several else work.out for text in request.texts}
    tallies = [
        take_text(text, folder, work.step.seed, request.recipe.data_fraction)
        for text, folder in zip(request.texts, folders.values(), strict=True)
    ]
    if not several:
        return replace(_sizes(work.out), text=tallies[0])
    dropped = save_mixture(request.texts, work.out)
    languages = {
        tag: replace(_sizes(folder), text=tally, held_out_elsewhere=dropped.get(tag))
        for (tag, folder), tally in zip(folders.items(), tallies, strict=True)
    }
    return replace(_sizes(work.out), languages=languages)


def _sizes(folder: Path) -> CorpusFigures:
    """Return lines, distinct characters and bytes of a corpus."""
    from edgeenc.text.corpus import load_corpus

    corpus = load_corpus(folder)
    return CorpusFigures(
        train=len(corpus.train),
        valid=len(corpus.valid),
        test=len(corpus.test),
        characters=corpus.characters,
        bytes=(folder / "train.txt").stat().st_size,
    )


STEP = StepKind(name="corpus", version=2, figures=CorpusFigures, does=make_corpus)
