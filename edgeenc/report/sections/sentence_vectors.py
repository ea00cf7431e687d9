"""What sentence vectors are worth: agreement with the teacher, labelled sets, searches across languages."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from edgeenc.record.vectors import (
    LEXICAL,
    Agreement,
    Found,
    Interval,
    LanguageVectors,
    ProbeScore,
    VectorFigures,
)
from edgeenc.report.draw.blocks import Bar, Mark, Picture, Section, Table
from edgeenc.report.draw.numbers import MISSING, correlation, count, interval, percent
from edgeenc.report.finding import STUDENT, of_searches, probe_kept, probed_on
from edgeenc.report.kept import kept_interval, verdict

BEFORE = "pruned"
"""What figures call the student before its last training."""


def vectors_section(vectors: VectorFigures) -> Section:
    """Return every figure of sentence vectors, with its interval."""
    tables = (_agreement_table(vectors), _probe_table(vectors), _across_table(vectors))
    prompts = {"a search": vectors.query, "what is searched": vectors.passage}
    said = "; ".join(f"before {what} stands {prompt!r}" for what, prompt in prompts.items() if prompt)
    return Section(
        "Sentence vectors",
        text=tuple(_sentences(vectors)),
        pictures=tuple(_recall_bars(one) for one in vectors.languages),
        tables=tuple(table for table in tables if table.rows),
        notes=(
            "Of every held-out text the nearest other one is sought, by the cosine of vectors. What is nearest by the"
            " untouched teacher counts as right. Searches have the 95 % interval of a share (Wilson); correlations,"
            " macro F1 and mean reciprocal rank that of a bootstrap over texts.",
            f"{_sentence_case(LEXICAL)}: TF-IDF of 2 to 5 characters, which needs no model. It and chance say what a"
            " figure must be above.",
            f"Vectors have {count(vectors.dimensions)} dimensions, the teacher's"
            f" {count(vectors.teacher_dimensions)}{f'; {said}' if said else ''}.",
            *_how_probed(vectors),
            *_not_across(vectors),
        ),
    )


def _sentences(vectors: VectorFigures) -> Iterator[str]:
    """Yield a sentence for each language and exported file."""
    for one in vectors.languages:
        for agreement in one.agreement:
            if agreement.model.startswith(STUDENT):
                first, *_, last = agreement.recall
                yield (
                    f"{one.language}, {agreement.name}: of {count(one.texts)} held-out texts the teacher's nearest"
                    f" neighbour comes first in {of_searches(first)}, and is among the first {last.within} in"
                    f" {of_searches(last)}. By chance that is {percent(one.chance(first.within))} and"
                    f" {percent(one.chance(last.within))}."
                )
        for probe in one.probes:
            if probe.model.startswith(STUDENT) and (kept := probe_kept(one, probe)):
                yield f"{one.language}, {probe.name}, by a probe ({probed_on(probe)}): {kept}."
        for across in one.across:
            if across.model.startswith(STUDENT) and across.of_teacher:
                yield (
                    f"{one.language}, {across.name}, among the untouched teacher's vectors of the same lines in"
                    f" {across.among}: the line comes first in {of_searches(across.accuracy[0])}."
                )


def _recall_bars(one: LanguageVectors) -> Picture:
    """Return a bar for each model: in how many of 100 searches the text is first, among five, among ten."""
    bars = tuple(
        Bar(_called(agreement), _shares(agreement), _steps(agreement), strong=agreement.model.startswith(STUDENT))
        for agreement in one.agreement
    )
    within = [found.within for found in one.agreement[0].recall]
    chance = one.chance(within[-1])
    return Picture(
        f"{one.language}: per cent of searches that find the teacher's nearest neighbour",
        ("first", *(f"among {most}" for most in within[1:])),
        bars,
        (Mark(f"{percent(chance)}: among {within[-1]} by chance", 100 * chance),),
    )


def _called(agreement: Agreement) -> str:
    if agreement.model == BEFORE:
        return "student before its last training"
    return agreement.model if agreement.model == LEXICAL else agreement.name


def _shares(agreement: Agreement) -> str:
    return ", ".join(percent(found.share) for found in agreement.recall)


def _steps(agreement: Agreement) -> tuple[float, ...]:
    """Return rising shares as the segments of a bar, in per cent: 0.5, 0.8 and 0.9 are 50, 30 and 10."""
    shares = [0.0, *(100 * found.share for found in agreement.recall)]
    return tuple(after - before for before, after in pairwise(shares))


def _agreement_table(vectors: VectorFigures) -> Table:
    within = [found.within for found in vectors.languages[0].agreement[0].recall]
    named = [cell for most in within for cell in ("First" if most == 1 else f"Among {most}", "95 % CI")]
    rows = tuple(row for one in vectors.languages for row in _agreement_rows(one))
    head = ("Language and model", "Texts", "Spearman", "95 % CI", *named)
    return Table(
        "Held-out texts: the untouched teacher's nearest neighbour found", head, "l" + "r" * (3 + len(named)), rows
    )


def _agreement_rows(one: LanguageVectors) -> Iterator[tuple[str, ...]]:
    for agreement in one.agreement:
        name, found = (
            f"{one.language}: {_called(agreement)}",
            [cell for own in agreement.recall for cell in _found(own)],
        )
        yield (name, count(one.texts), *_correlated(agreement.spearman), *found)
    chances = [cell for own in one.agreement[0].recall for cell in (percent(one.chance(own.within)), MISSING)]
    yield (f"{one.language}: chance", count(one.texts), correlation(0.0), MISSING, *chances)


def _probe_table(vectors: VectorFigures) -> Table:
    rows = tuple(
        (
            f"{one.language}, {probe.task}: {probe.model if probe.model == LEXICAL else probe.name}",
            percent(probe.macro_f1.value),
            interval(probe.macro_f1.low, probe.macro_f1.high),
            *_kept(one, probe),
            count(probe.train),
            count(probe.n),
            count(probe.folds),
        )
        for one in vectors.languages
        for probe in one.probes
    )
    head = ("Labelled set and model", "Macro F1", "95 % CI", "Of the teacher's", "95 % CI", "Difference seen")
    more = ("Trained on", "Tested on", "Folds")
    return Table("A logistic regression on the vectors of labelled texts", (*head, *more), "lrrrrlrrr", rows)


def _kept(one: LanguageVectors, probe: ProbeScore) -> tuple[str, str, str]:
    """Return the share of the teacher's macro F1, its interval, and whether a difference is seen."""
    teacher, difference = one.beside(probe), one.to_teacher(probe)
    if teacher is None:
        return MISSING, MISSING, MISSING
    share = percent(probe.macro_f1.value / teacher.macro_f1.value)
    if difference is None:
        return share, MISSING, MISSING
    return share, interval(*kept_interval(teacher.macro_f1.value, difference)), verdict(difference)


def _how_probed(vectors: VectorFigures) -> Iterator[str]:
    """Say how labelled sets were used, which texts were left out, and what the interval of a share is."""
    probes = [probe for one in vectors.languages for probe in one.probes]
    if any(probe.folds for probe in probes):
        yield (
            "Labelled sets: all texts of a set are dealt into folds, the same for every model, and each is told by a"
            " regression that learnt from the other folds; character n-grams are counted in each fold anew. No model"
            " learnt from these labels. Macro F1 is that of all texts together. The interval of the share of the"
            " teacher's is that of the paired difference over the same texts."
        )
    if left := {probe.task: probe.left_out for probe in probes if probe.left_out}:
        said = ", ".join(f"{count(texts)} of {task}" for task, texts in left.items())
        yield f"Left out, since their label has fewer texts than there are folds: {said}."


def _across_table(vectors: VectorFigures) -> Table:
    rows = tuple(
        (
            f"{one.language} searches {across.among}: {across.model if across.model == LEXICAL else across.name}",
            "the teacher" if across.of_teacher else "its own",
            count(across.accuracy[0].searches),
            *(cell for found in across.accuracy for cell in _found(found)),
            *_correlated(across.mrr),
        )
        for one in vectors.languages
        for across in one.across
    )
    accuracy = [cell for name in ("First", "Among 5", "Among 10") for cell in (name, "95 % CI")]
    head = ("Searches and model", "Searched vectors of", "Searches", *accuracy, "MRR", "95 % CI")
    return Table("The same line found in another language", head, "llr" + "r" * 8, rows)


def _found(found: Found) -> tuple[str, str]:
    return percent(found.share), interval(found.low, found.high)


def _correlated(value: Interval) -> tuple[str, str]:
    return correlation(value.value), f"{correlation(value.low)} to {correlation(value.high)}"


def _not_across(vectors: VectorFigures) -> tuple[str, ...]:
    """Say why nothing was searched across languages with the teacher's vectors, where vectors differ in length."""
    if vectors.dimensions == vectors.teacher_dimensions:
        return ()
    return ("The teacher's vectors have another length, so the student cannot search what the teacher indexed.",)


def _sentence_case(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}"
