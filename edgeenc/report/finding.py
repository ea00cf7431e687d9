"""What sentence vectors find, in words and as the values at the top of a report."""

from __future__ import annotations

from collections.abc import Iterator

from edgeenc.record.facts import Facts
from edgeenc.record.vectors import LEXICAL, AcrossScore, Found, LanguageVectors, ProbeScore, VectorFigures
from edgeenc.report.draw.numbers import correlation, count, interval, percent, whole_interval
from edgeenc.report.kept import keeps, kept_bounds, kept_interval

STUDENT = "student"


def finds(vectors: VectorFigures, name: str) -> str:
    """Say how often a model finds what its teacher finds, in each language; empty where it was not measured.

    Worked example: `finds the teacher's nearest neighbour in 612 of 1,000 searches (58 to 64 %)`; of two languages,
    `... in 612 of 1,000 searches (58 to 64 %) of tl and 590 of 1,000 searches (56 to 62 %) of sw`.
    """
    found = [(one.language, one.of(name)) for one in vectors.languages]
    each = [(language, of_searches(agreement.recall[0])) for language, agreement in found if agreement is not None]
    if not each or len(each) < len(found):
        return ""
    several = [f"{searches} of {language}" for language, searches in each] if len(each) > 1 else [each[0][1]]
    return f"finds the teacher's nearest neighbour in {' and '.join(several)}"


def of_searches(found: Found) -> str:
    """Return a count with its 95 % interval: `612 of 1,000 searches (58 to 64 %)`."""
    return f"{count(found.found)} of {count(found.searches)} searches ({whole_interval(found.low, found.high)})"


def unbeaten(vectors: VectorFigures, name: str) -> str:
    """Return a warning where counted character n-grams find as much as a model does, in any language; else nothing."""
    for one in vectors.languages:
        model, counted = one.first(name), one.of(LEXICAL)
        if model is not None and counted is not None and model <= counted.recall[0].share:
            return (
                f"WARNING: {LEXICAL} alone, without any model, find it in {of_searches(counted.recall[0])} of"
                f" {one.language}"
            )
    return ""


def vector_tiles(facts: Facts) -> Iterator[tuple[str, str, str]]:
    """Yield name, value and meaning of what the vectors of the shipped file are worth, the teacher's beside them."""
    vectors, name = facts.vectors, f"{STUDENT} {facts.files.shipped[1]}"
    if vectors is None:
        return
    for one in vectors.languages:
        of_language = f" ({one.language})" if len(vectors.languages) > 1 else ""
        if (agreement := one.of(name)) is not None:
            recall, counted = agreement.recall[0], one.first(LEXICAL)
            beside = "" if counted is None else f"; {LEXICAL} {percent(counted)}"
            meaning = f"{name}, {of_searches(recall)}{beside}"
            yield f"Teacher's nearest neighbour found{of_language}", percent(recall.share), meaning
            low, high = (correlation(bound) for bound in (agreement.spearman.low, agreement.spearman.high))
            meaning = f"Spearman, of pairs of {count(one.texts)} texts; 95 % CI {low} to {high}"
            yield f"Rank correlation with the teacher{of_language}", correlation(agreement.spearman.value), meaning
        for probe in one.probes:
            if probe.name == name:
                yield f"Probe on {probe.task}{of_language}", percent(probe.macro_f1.value), _probed(probe, one)
        for across in one.across:
            if across.name == name:
                meaning = _searched(across, one.across)
                yield f"{one.language} searches {across.among}", percent(across.accuracy[0].share), meaning


def probe_kept(one: LanguageVectors, probe: ProbeScore) -> str:
    """Say what share of the teacher's macro F1 a model keeps; empty of the teacher itself, or where it has none.

    Worked example: 0.741 of 0.775, the paired difference between -0.055 and -0.012: `keeps 95.61 % of the teacher's
    macro F1 on topic (95 % CI 92.90 to 98.45 %, of the paired difference: worse)`.
    """
    teacher = one.beside(probe)
    if teacher is None:
        return ""
    whole, difference = teacher.macro_f1.value, one.to_teacher(probe)
    bounds = "not compared text by text" if difference is None else kept_bounds(whole, difference)
    return f"{keeps(probe.macro_f1.value, whole)} macro F1 on {probe.task} ({bounds})"


def kept_cell(one: LanguageVectors, probe: ProbeScore | None) -> str:
    """Write the share for a table, with its interval where it is known: `95.61 % (92.90 to 98.45 %)`."""
    teacher = None if probe is None else one.beside(probe)
    if probe is None or teacher is None:
        return ""
    share, difference = percent(probe.macro_f1.value / teacher.macro_f1.value), one.to_teacher(probe)
    if difference is None:
        return share
    return f"{share} ({interval(*kept_interval(teacher.macro_f1.value, difference))})"


def probed_on(probe: ProbeScore) -> str:
    """Say how a probe was made: `5-fold cross-validation over 1,004 texts`, or by the parts of its set."""
    if probe.folds is None:
        return f"learnt from {count(probe.train)} texts, tested on {count(probe.n)} others"
    return f"{probe.folds}-fold cross-validation over {count(probe.n)} texts"


def _probed(probe: ProbeScore, beside: LanguageVectors) -> str:
    """Return what the macro F1 of a probe is read beside."""
    others = (one for one in beside.probes if one.task == probe.task and not one.model.startswith(STUDENT))
    read_beside = ", ".join(f"{one.model} {percent(one.macro_f1.value)}" for one in others)
    return "; ".join(filter(None, (f"macro F1, {probed_on(probe)}", read_beside, probe_kept(beside, probe))))


def _searched(across: AcrossScore, scores: tuple[AcrossScore, ...]) -> str:
    """Return what searches across languages are read beside."""
    same = (one for one in scores if one.among == across.among and not one.model.startswith(STUDENT))
    others = {one.model: percent(one.accuracy[0].share) for one in same if _alike(one, across)}
    among = "the untouched teacher's vectors" if across.of_teacher else "its own vectors"
    return f"same line first among {among}; {', '.join(f'{model} {share}' for model, share in others.items())}"


def _alike(one: AcrossScore, other: AcrossScore) -> bool:
    """Tell whether both search vectors of the teacher, or each its own; n-grams have none but their own."""
    return one.model == LEXICAL or one.of_teacher == other.of_teacher
