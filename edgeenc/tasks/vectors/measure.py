"""All that is measured of sentence vectors in one language: the same texts for every model, and for what needs none.

Axis letters: N texts, M lines that are searched.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edgeenc.record.vectors import LEXICAL, TEACHER, AcrossScore, Agreement, LanguageSearches, LanguageVectors
from edgeenc.tasks.chosen import chosen
from edgeenc.tasks.vectors.lexical import PRECISION, lexically_similar
from edgeenc.tasks.vectors.probe import Probe, Told, difference, predictions, score, told_by, told_lexically
from edgeenc.tasks.vectors.ranking import (
    WITHIN,
    Floats,
    Numbers,
    found,
    nearest,
    places,
    reciprocal,
    similar,
    spearman,
    without_itself,
)
from edgeenc.tasks.vectors.reader import Reader

MOST_TEXTS = 1000
"""Held-out texts that are compared: the interval of a share of 1,000 searches is at most 6.2 points wide."""
FEWEST_TEXTS = max(WITHIN) + 2
"""Of fewer texts every one of the others is among the first ten."""


@dataclass(frozen=True)
class Models:
    """What is measured.

    Attributes:
        teacher: untouched; the others are held against it.
        students: measured in every way.
        before: the student before its last training, which is held against the teacher alone; or None.
        seed: of resamples.
    """

    teacher: Reader
    students: tuple[Reader, ...]
    before: Reader | None = None
    seed: int = 0


@dataclass(frozen=True)
class ParallelLines:
    """The same lines in two languages: those that search, and those that are searched.

    Attributes:
        lines, others: line n of both says the same.
        among: language of the others.
        by_teacher: whether the teacher made the vectors that are searched, or every model its own.
    """

    lines: tuple[str, ...]
    others: tuple[str, ...]
    among: str
    by_teacher: bool


@dataclass(frozen=True)
class LanguageText:
    """What there is to measure on in one language."""

    language: str
    texts: tuple[str, ...]
    probes: tuple[Probe, ...] = ()
    parallel: tuple[ParallelLines, ...] = ()


def some_texts(texts: Sequence[str]) -> tuple[str, ...]:
    """Return at most `MOST_TEXTS` of held-out texts, the same in every build."""
    return chosen(texts, MOST_TEXTS)


def measure_language(
    text: LanguageText, models: Models, tell: Callable[[str], None] = lambda _: None
) -> tuple[LanguageVectors, LanguageSearches]:
    """Return what vectors of one language's texts are worth, and where every search found what it sought.

    `tell` is called with what is measured next.
    """
    tell(f"{len(text.texts):,} held-out texts")
    agreement, searches = _agreement(text.texts, models)
    tell(f"{len(text.probes)} labelled sets and {len(text.parallel)} pairs of languages")
    told = [(probe, _told(probe, models)) for probe in text.probes]
    figures = LanguageVectors(
        language=text.language,
        texts=len(text.texts),
        agreement=agreement,
        probes=tuple(score(probe, one) for probe, each in told for one in each),
        probe_differences=tuple(difference(probe, one, each[0]) for probe, each in told for one in each[1:]),
        across=tuple(one for pair in text.parallel for one in _across(pair, models)),
    )
    return figures, replace(searches, probes=tuple(predictions(probe, each) for probe, each in told))


def _told(probe: Probe, models: Models) -> tuple[Told, ...]:
    """Return what every model tells of a labelled set, the teacher first and character n-grams last."""
    return (*(told_by(probe, reader) for reader in (models.teacher, *models.students)), told_lexically(probe))


def _agreement(texts: Sequence[str], models: Models) -> tuple[tuple[Agreement, ...], LanguageSearches]:
    """Return how every model ranks texts beside the teacher; character n-grams come last."""
    read_ND = models.teacher.searches(texts)
    by_teacher_NN = similar(read_ND, read_ND)
    sought_N = nearest(by_teacher_NN)
    found_by = list[Agreement]()
    by_model = dict[str, Numbers]()
    for model, precision, similar_NN in _similarities(texts, models):
        places_N = places(without_itself(similar_NN), sought_N)
        one = Agreement(
            model=model,
            precision=precision,
            spearman=spearman(similar_NN, by_teacher_NN, models.seed),
            recall=found(places_N),
        )
        found_by.append(one)
        by_model[one.name] = places_N
    known = hashlib.sha256("\n".join(texts).encode() + sought_N.astype(np.int64).tobytes()).hexdigest()
    each = {name: tuple(map(int, places_N)) for name, places_N in by_model.items()}
    return tuple(found_by), LanguageSearches(texts=known, places=each)


def _similarities(texts: Sequence[str], models: Models) -> Iterator[tuple[str, str, Floats]]:
    """Yield model, precision and similarities (N, N) of all but the teacher."""
    for reader in (*models.students, *([models.before] if models.before else [])):
        read_ND = reader.searches(texts)
        yield reader.model, reader.precision, similar(read_ND, read_ND)
    yield LEXICAL, PRECISION, lexically_similar(texts, texts)


def _across(pair: ParallelLines, models: Models) -> Iterator[AcrossScore]:
    """Yield what searches across two languages find, of models whose vectors have the length of those searched."""
    by_teacher_MD = models.teacher.searched(pair.others) if pair.by_teacher else None
    for reader in (models.teacher, *models.students):
        searches_ND = reader.searches(pair.lines)
        searched_MD = reader.searched(pair.others) if by_teacher_MD is None else by_teacher_MD
        if searches_ND.shape[1] == searched_MD.shape[1]:
            vectors_of = reader.name if by_teacher_MD is None else TEACHER
            yield _score(pair, (reader.model, reader.precision), vectors_of, similar(searches_ND, searched_MD), models)
    counted_NM = lexically_similar(pair.lines, pair.others)
    yield _score(pair, (LEXICAL, PRECISION), LEXICAL, counted_NM, models)


def _score(
    pair: ParallelLines, name: tuple[str, str], vectors_of: str, similar_NM: NDArray[np.float64], models: Models
) -> AcrossScore:
    places_N = places(similar_NM, np.arange(len(pair.lines)))
    return AcrossScore(
        model=name[0],
        precision=name[1],
        among=pair.among,
        vectors_of=vectors_of,
        accuracy=found(places_N),
        mrr=reciprocal(places_N, models.seed),
    )
