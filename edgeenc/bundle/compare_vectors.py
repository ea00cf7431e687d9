"""Compare the sentence vectors of two bundles: what they find, paired over searches where both searched the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from edgeenc.bundle.compared import ComparedBundle, Line, stored, words
from edgeenc.bundle.paired_answers import paired_line, unlike
from edgeenc.errors import InputError
from edgeenc.record.form import parse
from edgeenc.record.vectors import LanguageSearches, LanguageVectors, Searches
from edgeenc.report.finding import probed_on
from edgeenc.report.kept import NOTHING_SEEN
from edgeenc.tasks.scores.bootstrap import PERCENT, draws

SEARCHES = "report/searches.json"
RESAMPLES = 1000


def compared_vectors(a: ComparedBundle, b: ComparedBundle) -> tuple[tuple[Line, ...], tuple[str, ...]]:
    """Return the figures of sentence vectors that both have, and notes on what could not be compared."""
    one, other = a.facts.vectors, b.facts.vectors
    if one is None and other is None:
        return (), ()
    if one is None or other is None:
        return (), ("Sentence vectors are not compared: one of the two bundles was not measured by them.",)
    pairs = [(x, y) for x in one.languages for y in other.languages if x.language == y.language]
    if not pairs:
        return (), ("Sentence vectors are not compared: the two bundles have no language in common.",)
    notes = list[str]()
    if a.facts.teacher.source != b.facts.teacher.source:
        notes.append(
            "Sentence vectors: the teachers differ, so what counts as found differs:"
            f" {a.facts.teacher.source} and {b.facts.teacher.source}."
        )
    notes += [note for x, y in pairs for note in _made_otherwise(x, y, (a.shipped.name, b.shipped.name))]
    return tuple(line for x, y in pairs for line in _lines(a, b, x, y)), tuple(notes)


def _made_otherwise(x: LanguageVectors, y: LanguageVectors, names: tuple[str, str]) -> Iterator[str]:
    """Say which probes are not compared, since one bundle was asked in folds and the other by its set's own parts."""
    for task in dict.fromkeys(probe.task for probe in x.probes):
        one, other = x.probe(task, names[0]), y.probe(task, names[1])
        if one is not None and other is not None and one.folds != other.folds:
            made = " and ".join(probed_on(each) for each in (one, other))
            yield f"{x.language}: the probe on {task} is not compared, since it was made in two ways: {made}."


def _lines(a: ComparedBundle, b: ComparedBundle, x: LanguageVectors, y: LanguageVectors) -> Iterator[Line]:
    """Yield the lines of one language."""
    names = a.shipped.name, b.shipped.name
    of_a, of_b = x.of(names[0]), y.of(names[1])
    if of_a is not None and of_b is not None:
        for one, other in zip(of_a.recall, of_b.recall, strict=False):
            what = f"{x.language}: teacher's nearest among {one.within}"
            yield _found(_share("recall", what, one.share, other.share), a, b, x.language, one.within)
        line = _share("spearman", f"{x.language}: rank correlation", of_a.spearman.value, of_b.spearman.value)
        yield replace(line, how="from 0 to 1 as points of 100, without a confidence interval of the difference")
    for probe in x.probes:
        other = y.probe(probe.task, names[1])
        if probe.name == names[0] and other is not None and probe.folds == other.folds:
            values = probe.macro_f1.value, other.macro_f1.value
            yield _probed(
                _share("probe", f"{x.language}: probe on {probe.task}, macro F1", *values), a, b, x.language, probe.task
            )
    others = {(one.among, one.of_teacher): one for one in y.across if one.name == names[1]}
    for across in x.across:
        other = others.get((across.among, across.of_teacher)) if across.name == names[0] else None
        if other is not None:
            vectors = "the teacher's" if across.of_teacher else "own"
            what = f"{x.language} searches {vectors} {across.among}: first"
            line = _share("across", what, across.accuracy[0].share, other.accuracy[0].share)
            yield replace(line, how="compared unpaired, without a confidence interval")


def _share(metric: str, what: str, a: float, b: float) -> Line:
    """Return the line of a figure of which more is better."""
    line = stored(metric, what, "share", a, b)
    return replace(line, words=words(line.worse_by))


def _found(line: Line, a: ComparedBundle, b: ComparedBundle, language: str, within: int) -> Line:
    """Return a line paired over searches, where both bundles tell where theirs ended and sought the same."""
    one, other = (_searches(each, language) for each in (a, b))
    if one is None or other is None or one.texts != other.texts:
        why = "the texts or what is nearest by the teacher differ" if one and other else f"not both have {SEARCHES}"
        return replace(line, how=f"compared unpaired, without a confidence interval: {why}")
    hits_a_N, hits_b_N = (
        np.array(each.places[name]) <= within for each, name in ((one, a.shipped.name), (other, b.shipped.name))
    )
    low, high = _interval(hits_b_N.astype(np.float64) - hits_a_N)
    said = NOTHING_SEEN if low <= 0 <= high else words(line.worse_by)
    return replace(line, words=said, low=low, high=high, how=f"points, 95 % CI, paired over {len(hits_a_N):,} searches")


def _probed(line: Line, a: ComparedBundle, b: ComparedBundle, language: str, task: str) -> Line:
    """Return a line of macro F1 paired over texts, where both bundles tell what was said of the same ones."""
    one, other = (
        None if found is None else found.probe(task) for found in (_searches(a, language), _searches(b, language))
    )
    why = f"not both have the answers in {SEARCHES}" if one is None or other is None else unlike(one, other)
    if one is None or other is None or why:
        return replace(line, how=f"compared unpaired, without a confidence interval: {why}")
    return paired_line(line, (one, other), (a.shipped.name, b.shipped.name))


def _interval(differences_N: np.ndarray) -> tuple[float, float]:
    """Return the interval of a mean difference, by the bootstrap over searches."""
    means_R = np.concatenate([differences_N[rows].mean(1) for rows in draws(len(differences_N), RESAMPLES, 0)])
    low, high = np.percentile(means_R, [(100 - PERCENT) / 2, (100 + PERCENT) / 2])
    return float(low), float(high)


def _searches(one: ComparedBundle, language: str) -> LanguageSearches | None:
    """Return where the searches of a bundle's shipped file ended, or None where it does not tell.

    Raises:
        InputError: its file is damaged.
    """
    path = one.folder / SEARCHES
    if not path.is_file():
        return None
    try:
        found = parse(Searches, path.read_bytes()).languages.get(language)
    except ValueError as error:
        raise InputError(f"{path}: {error}; build the bundle again") from None
    return found if found is not None and one.shipped.name in found.places else None
