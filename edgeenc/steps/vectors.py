"""Measure what sentence vectors are worth: those of the teacher, of the student's files, and character n-grams."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from edgeenc.planned import STUDENT, TEACHER, Role
from edgeenc.record.form import plain
from edgeenc.record.vectors import TEACHER as UNTOUCHED
from edgeenc.record.vectors import Searches, VectorFigures
from edgeenc.steps.line.step_kind import StepKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edgeenc.model.embed import Forward
    from edgeenc.model.encoder import Encoder
    from edgeenc.steps.line.work import Work
    from edgeenc.tasks.vectors.measure import LanguageText, Models, ParallelLines
    from edgeenc.tasks.vectors.probe import Probe
    from edgeenc.tasks.vectors.reader import Reader, Vectors

SEARCHES = "searches.json"


def measure_vectors(work: Work) -> VectorFigures:
    """Measure teacher and student on the same held-out texts, and write where every search found what it sought.

    Raises:
        InputError: a language has too few held-out texts.
    """
    from edgeenc.tasks.vectors.measure import measure_language

    models = _models(work)
    found = [measure_language(text, models, _teller(work, text.language)) for text in _texts(work)]
    searches = Searches(languages={figures.language: one for figures, one in found})
    (work.out / SEARCHES).write_text(json.dumps(plain(searches)) + "\n", encoding="utf-8")
    widths = (one.searches(["a"]).shape[1] for one in (models.students[-1], models.teacher))
    return VectorFigures(
        dimensions=next(widths),
        teacher_dimensions=next(widths),
        query=models.students[-1].query,
        passage=models.students[-1].passage,
        languages=tuple(figures for figures, _ in found),
    )


def _teller(work: Work, language: str) -> Callable[[str], None]:
    """Return what says on the screen what is measured next."""
    from edgeenc.steps.line.work import Event

    return lambda text: work.tell(Event("said", work.step, text=f"{work.step.name}: {language}, {text}"))


def _models(work: Work) -> Models:
    """Return the readers: the teacher in PyTorch, the student's files in their own sessions."""
    from edgeenc.tasks.vectors.measure import Models

    threads, purpose, student = work.runtime.threads, work.plan.request.purpose, work.encoder(STUDENT)
    files = [_reader(student, ("student", one.name), one.open(path, threads, purpose)) for one, path in work.files()]
    teacher, before = (_in_torch(work, role, name) for role, name in ((TEACHER, UNTOUCHED), (Role("cut"), "pruned")))
    assert teacher is not None
    return Models(teacher, tuple(files), before, work.step.seed)


def _in_torch(work: Work, role: Role, name: str) -> Reader | None:
    """Return the model of an input in PyTorch, or None where it is not among the inputs."""
    from edgeenc.model.embed import forward_of

    if role not in work.step.inputs:
        return None
    encoder = work.encoder(role)
    return _reader(encoder, (name, "torch"), forward_of(encoder))


def _reader(encoder: Encoder, name: tuple[str, str], forward: Forward) -> Reader:
    """Return what makes vectors of texts by `forward`, with the tokenizer and the prompts of an encoder."""
    from edgeenc.model.embed import embed
    from edgeenc.tasks.vectors.reader import Reader, prompts_of

    tokenizer, longest = encoder.tokenizer, encoder.longest_text

    def read(texts: Sequence[str]) -> Vectors:
        return embed(forward, tokenizer, texts, longest=longest)

    return Reader(*name, read, *prompts_of(encoder.sentence))


def _texts(work: Work) -> Iterator[LanguageText]:
    """Yield what there is to measure on in each language of the build."""
    from edgeenc.errors import InputError
    from edgeenc.tasks.vectors.measure import FEWEST_TEXTS, LanguageText, some_texts

    tags = [text.language.bcp47 for text in work.plan.request.texts]
    for tag, part in zip(tags, work.corpus().each, strict=True):
        texts = some_texts(part.corpus.test)
        if len(texts) < FEWEST_TEXTS:
            raise InputError(
                f"sentence vectors of {tag}: {len(texts)} held-out texts, at least {FEWEST_TEXTS} are needed to rank"
                " them; give more text"
            )
        yield LanguageText(tag, texts, tuple(_probes(work, tag)), tuple(_parallel(work, tag)))


def _probes(work: Work, tag: str) -> Iterator[Probe]:
    from edgeenc.steps.line.vector_text import labelled_sets
    from edgeenc.tasks.task import open_task
    from edgeenc.tasks.vectors.probe import probe_of

    for spec in labelled_sets(tag):
        probe = probe_of(spec.name, open_task(spec, work.step.seed, offline=True).data)
        if probe is not None:
            yield probe


def _parallel(work: Work, tag: str) -> Iterator[ParallelLines]:
    """Yield pairs of languages: the teacher's vectors of the pivot, and of the build's own languages every model's."""
    from edgeenc.sources.parallel import parallel_lines
    from edgeenc.steps.line.vector_text import PIVOT, searched_languages
    from edgeenc.tasks.vectors.measure import ParallelLines

    own = [text.language.bcp47 for text in work.plan.request.texts]
    for among in searched_languages(tag, work.plan.request):
        lines, others = parallel_lines(tag), parallel_lines(among)
        assert lines is not None and others is not None
        if among == PIVOT:
            yield ParallelLines(lines, others, among, by_teacher=True)
        if among in own:
            yield ParallelLines(lines, others, among, by_teacher=False)


STEP = StepKind(name="vectors", version=2, figures=VectorFigures, does=measure_vectors)
