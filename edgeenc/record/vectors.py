"""What sentence vectors are worth: how a model ranks texts beside its teacher, and what its vectors are good for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import sqrt

from edgeenc.record.bundle import Predictions
from edgeenc.record.form import SPARE
from edgeenc.record.scores import Difference

Z = 1.959964
"""The standard normal distribution has 95 % of its mass within so many deviations of its mean."""

TEACHER = "teacher"
LEXICAL = "character n-grams"
"""What stands beside the models: TF-IDF of character n-grams, which no text was learnt for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A figure with its 95 % bootstrap confidence interval over texts."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """In how many of `searches` what was sought was among the first `within`; `low` and `high` as shares, by Wilson."""

    within: int
    found: int
    searches: int
    low: float
    high: float

    @property
    def share(self) -> float:
        """Found, as a share of the searches."""
        return self.found / self.searches


def found_in(within: int, found: int, searches: int) -> Found:
    """Return a share with the interval of a share of so many independent searches.

    Worked example: 612 of 1,000 lie between 0.5814 and 0.6417; 0 of 10 between 0 and 0.2775.

    Source: Wilson, Probable Inference, the Law of Succession, and Statistical Inference (1927).

    Raises:
        ValueError: there is no search, or more were found than sought.
    """
    if not 0 <= found <= searches or not searches:
        raise ValueError(f"{found} of {searches} searches: a share is expected")
    share, square = found / searches, Z * Z / searches
    middle, half = share + square / 2, Z * sqrt(share * (1 - share) / searches + square / (4 * searches))
    low, high = (middle - half) / (1 + square), (middle + half) / (1 + square)
    return Found(within=within, found=found, searches=searches, low=max(0.0, low), high=min(1.0, high))


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How a model ranks held-out texts beside its teacher.

    Attributes:
        model: `student`, `pruned` (the student before its last training) or `character n-grams`.
        precision: what ran: `torch` or an exported file; of n-grams `tf-idf`.
        spearman: correlation of the similarities of all pairs with the teacher's.
        recall: of every text, whether the one that is nearest by the teacher is among the first by the model.
    """

    model: str
    precision: str
    spearman: Interval
    recall: tuple[Found, ...]

    @property
    def name(self) -> str:
        """Model and precision in one, such as `student int8`."""
        return f"{self.model} {self.precision}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeScore:
    """Macro F1 of a logistic regression on a model's vectors of a labelled set.

    Attributes:
        model: `teacher`, `student` or `character n-grams`.
        precision: what ran: `torch` or an exported file; of n-grams `tf-idf`.
        train: texts that a regression learnt from; of several folds the fewest.
        n: texts that were told, all of them by a regression that had not seen them.
        folds: of the cross-validation; None where the set's own parts were taken: the training part to learn from,
            the test part to be told.
        left_out: texts whose labels are too rare to be in every fold.
    """

    task: str
    model: str
    precision: str
    macro_f1: Interval
    train: int
    n: int
    folds: int | None = field(default=None, metadata=SPARE)
    left_out: int = 0

    @property
    def name(self) -> str:
        """Model and precision in one, such as `student int8`."""
        return f"{self.model} {self.precision}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AcrossScore:
    """Searches with a model's vectors of lines in one language among vectors of the same lines in another one.

    Attributes:
        model, precision: what made the vectors of the searches.
        among: language of the lines that are searched.
        vectors_of: what made their vectors: `teacher`, untouched, or the model itself, as `student int8`.
        accuracy: whether the same line is among the first.
        mrr: mean reciprocal rank: the mean of 1 / its place.
    """

    model: str
    precision: str
    among: str
    vectors_of: str
    accuracy: tuple[Found, ...]
    mrr: Interval

    @property
    def name(self) -> str:
        """Model and precision in one, such as `student int8`."""
        return f"{self.model} {self.precision}"

    @property
    def of_teacher(self) -> bool:
        """Whether what is searched are vectors of the untouched teacher."""
        return self.vectors_of == TEACHER


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageVectors:
    """What vectors of one language's texts are worth.

    Attributes:
        language: its tag.
        texts: held-out ones that were compared.
        agreement: with the teacher, of each model.
        probes: on labelled sets, where there are any.
        probe_differences: of each probe to the teacher's, paired over texts; of an earlier version none.
        across: on line-parallel text, where there is any and vectors have the teacher's length.
    """

    language: str
    texts: int
    agreement: tuple[Agreement, ...]
    probes: tuple[ProbeScore, ...] = field(default=(), metadata=SPARE)
    across: tuple[AcrossScore, ...] = field(default=(), metadata=SPARE)
    probe_differences: tuple[Difference, ...] = field(default=(), metadata=SPARE)

    def probe(self, task: str, name: str) -> ProbeScore | None:
        """Return the probe of a model, `student int8` or `teacher`; None where it was not measured."""
        return next((one for one in self.probes if one.task == task and name in (one.name, one.model)), None)

    def beside(self, probe: ProbeScore) -> ProbeScore | None:
        """Return the teacher's probe on the same set, of which a share is kept; None of its own, or if it is 0."""
        teacher = self.probe(probe.task, TEACHER)
        return teacher if teacher is not None and teacher is not probe and teacher.macro_f1.value > 0 else None

    def to_teacher(self, probe: ProbeScore) -> Difference | None:
        """Return by how much a probe differs from the teacher's; None of the teacher itself, or if not measured."""
        found = (one for one in self.probe_differences if (one.task, one.name) == (probe.task, probe.name))
        return next(found, None)

    def chance(self, within: int) -> float:
        """Return the share of searches in which a random order has one text among the first `within` others."""
        return min(1.0, within / (self.texts - 1))

    def of(self, name: str) -> Agreement | None:
        """Return how a model agrees with its teacher, `student int8`; None where it was not measured."""
        return next((one for one in self.agreement if name in (one.name, one.model)), None)

    def first(self, name: str) -> float | None:
        """Return the share of searches in which a model puts the teacher's nearest text first."""
        one = self.of(name)
        return None if one is None else one.recall[0].share


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorFigures:
    """What the sentence vectors of a build are worth, in each of its languages.

    Attributes:
        dimensions: of the student's vectors, and `teacher_dimensions` of the teacher's.
        query, passage: what is put before a text that searches, and before one that is searched.
    """

    dimensions: int
    teacher_dimensions: int
    query: str
    passage: str
    languages: tuple[LanguageVectors, ...]

    def recall(self, name: str) -> tuple[Found, ...]:
        """Return the recall of a model over the texts of all languages, each searched by itself; () if not measured."""
        each = [one.of(name) for one in self.languages]
        known = [one.recall for one in each if one is not None]
        return tuple(map(_together, zip(*known, strict=True))) if known and len(known) == len(each) else ()


def _together(parts: Iterable[Found]) -> Found:
    """Return several counts of one kind as one."""
    each = list(parts)
    return found_in(each[0].within, sum(one.found for one in each), sum(one.searches for one in each))


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageSearches:
    """Each search of one language by itself.

    Attributes:
        texts: sha256 of the texts and of which is nearest to which by the teacher.
        places: by model and precision (`student int8`), the place of the teacher's nearest text, from 1.
        probes: what was said of each text of a labelled set.
    """

    texts: str
    places: Mapping[str, tuple[int, ...]]
    probes: tuple[Predictions, ...] = field(default=(), metadata=SPARE)

    def probe(self, task: str) -> Predictions | None:
        """Return what was said of a labelled set; None where it is not kept."""
        return next((one for one in self.probes if one.task == task), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Searches:
    """What a bundle keeps of its searches, by language, so that two bundles can be compared search by search."""

    languages: Mapping[str, LanguageSearches]
