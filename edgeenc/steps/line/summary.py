"""What the manifests of a build add up to: the facts that report, model card and screen show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgeenc import __version__
from edgeenc.machine.describe import describe, versions
from edgeenc.model.dense_shape import parameters_of
from edgeenc.model.shape import Shape
from edgeenc.planned import StepName
from edgeenc.record.facts import (
    BitsPerCharacter,
    Facts,
    FileBytes,
    LanguageFacts,
    LanguageName,
    Parts,
    StepFacts,
    StudentFacts,
    TeacherFacts,
    TokenizerFit,
)
from edgeenc.record.form import parse
from edgeenc.record.gates import Floor
from edgeenc.record.latency import Latency
from edgeenc.record.steps import BitsFigures, CorpusFigures, GateFigures, ScoreFigures, StageFigures
from edgeenc.record.vectors import LEXICAL, VectorFigures
from edgeenc.steps.line.step_kind import kind_of
from edgeenc.text.mixture import called

if TYPE_CHECKING:
    from edgeenc.planned import Plan, Step
    from edgeenc.store import Manifest

Manifests = Mapping[str, "Manifest"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepMade:
    """What is asked of every step, whatever its kind: the shape that it made and the tokens that it read, if any."""

    shape: Shape | None = None
    tokens: int | None = None


def facts_of(plan: Plan, manifests: Manifests) -> Facts:
    """Return the facts of a build whose steps, except the bundle, are done.

    Raises:
        ValueError: the figures of a step are not those of its kind.
    """
    shape, sizes = _shape(plan.student, manifests), _sizes(plan, manifests)
    measured = parse(BitsFigures, manifests["measure"].figures) if "measure" in manifests else None
    bits = _bits(measured) if measured else None
    scores = parse(ScoreFigures, manifests["score"].figures) if "score" in manifests else None
    vectors = parse(VectorFigures, manifests["vectors"].figures) if "vectors" in manifests else None
    tag = plan.request.language
    return Facts(
        edgeenc=__version__,
        language=LanguageName(tag=tag.bcp47, name=tag.name, iso639_3=tag.iso639_3, script=tag.script),
        recipe=plan.request.recipe.name,
        teacher=TeacherFacts(source=plan.request.source, parameters=_parameters(plan.step("teacher"), manifests)),
        corpus=called(plan.request.texts),
        steps=tuple(_step(step, manifests) for step in plan.steps if step.name in manifests),
        student=_student(shape, _parameters(plan.student, manifests)),
        bytes=sizes.written,
        compression=1 - sizes.shipped[0] / sizes.teacher,
        bits_per_character=bits,
        floors=(*(lexical_floors(vectors, sizes.shipped[1]) if vectors else ()), *(floors(bits) if bits else ())),
        tokenizer=_tokenizer(plan, manifests, None),
        gates=parse(GateFigures, manifests["verify"].figures).gates,
        latency=parse(Latency, manifests["bench"].figures),
        host=describe(),
        versions=versions(),
        languages=_languages(plan, manifests, measured),
        tasks=scores.tasks if scores else (),
        differences=scores.differences if scores else (),
        constant=scores.constant if scores else None,
        vectors=vectors,
    )


def lexical_floors(vectors: VectorFigures, precision: str) -> tuple[Floor, ...]:
    """Return what a student's vectors must at least be: better than counted character n-grams, in each language.

    Worked example: the nearest text found in 60 of 100 searches, by n-grams in 20, is 0.6 above the bound of 0.2.
    """
    found = list[Floor]()
    for one in vectors.languages:
        student, counted = (one.first(model) for model in (f"student {precision}", LEXICAL))
        if student is not None and counted is not None:
            name = f"the teacher's nearest text found ({one.language}): character n-grams"
            found.append(Floor(name=name, figure=student, bound=counted, passed=student > counted))
    return tuple(found)


def floors(bits: BitsPerCharacter) -> tuple[Floor, ...]:
    """Return what a student must at least be, in bits per character; the last one as a share.

    A teacher that is no better than the unigram baseline has no gain to retain; then that is the check that fails. A
    student whose masked-LM head nobody has trained is held against nothing, nor is any against such a teacher.

    Worked example: unigram 3.0, teacher 2.0, student 2.4: the student retains 0.6 of the teacher's gain.
    """
    student = bits.student
    if student is None:
        return ()
    below = (
        ("unigram baseline", bits.unigram),
        ("trained from scratch, same tokens", bits.random),
        ("pruned, before distillation", bits.cut),
    )
    found = [
        Floor(name=f"bits per character: {name}", figure=student, bound=bound, passed=student < bound)
        for name, bound in below
        if bound is not None
    ]
    if bits.teacher is None:
        return tuple(found)
    share = bits.advantage_kept(student)
    if share is None:
        name = "bits per character: the teacher below the unigram baseline"
        return (*found, Floor(name=name, figure=bits.teacher, bound=bits.unigram, passed=False))
    name = "share of the teacher's gain over the unigram baseline"
    return (*found, Floor(name=name, figure=share, bound=0.5, passed=share >= 0.5))


def _languages(plan: Plan, manifests: Manifests, measured: BitsFigures | None) -> tuple[LanguageFacts, ...]:
    """Return the figures of each of several languages."""
    if len(plan.request.texts) == 1:
        return ()
    corpus = parse(CorpusFigures, manifests["corpus"].figures)
    return tuple(
        LanguageFacts(
            tag=text.language.bcp47,
            name=text.language.name,
            weight=text.weight,
            corpus=text.called,
            train=corpus.languages[text.language.bcp47].train,
            bits_per_character=_bits(measured.languages[text.language.bcp47]) if measured else None,
            tokenizer=_tokenizer(plan, manifests, text.language.bcp47),
        )
        for text in plan.request.texts
    )


def _step(step: Step, manifests: Manifests) -> StepFacts:
    shape = _shape(step, manifests) if kind_of(step).shows_shape else None
    return StepFacts(
        name=step.name,
        kind=step.kind,
        seconds=manifests[step.name].seconds,
        tokens=_made(step.name, manifests).tokens,
        parameters=_parameters(step, manifests) if shape else None,
        parts=_parts(shape, parameters_of(step.maps)) if shape else None,
        shape=shape.sizes if shape else None,
    )


def _made(name: str, manifests: Manifests) -> StepMade:
    return parse(StepMade, manifests[name].figures)


def _shape(step: Step, manifests: Manifests) -> Shape:
    """Return the shape that a step really made: a vocabulary by coverage is known only then."""
    planned = step.shape
    assert planned is not None
    return _made(step.name, manifests).shape or planned


def _parameters(step: Step, manifests: Manifests) -> int:
    return _shape(step, manifests).parameters + parameters_of(step.maps)


def _student(shape: Shape, parameters: int) -> StudentFacts:
    return StudentFacts(
        parameters=parameters,
        family=shape.family,
        layers=shape.layers,
        hidden=shape.hidden,
        heads=shape.heads,
        head_width=shape.head_width,
        ffn=shape.ffn,
        vocab=shape.vocab,
    )


def _parts(shape: Shape, maps: int) -> Parts:
    return Parts(
        embeddings=shape.embedding_parameters,
        layers=shape.encoder_parameters - shape.embedding_parameters,
        head=shape.head_parameters,
        dense=maps or None,
    )


def _sizes(plan: Plan, manifests: Manifests) -> FileBytes:
    """Return the bytes of the teacher's file and of the files that are shipped."""
    target, first = plan.request.target, plan.request.target.first
    verified = plan.step(str(StepName("verify")))
    stamps = {file: stamp for name in verified.inputs.values() for file, stamp in manifests[name].files.items()}
    return FileBytes(
        first=first.name,
        teacher=manifests[str(StepName(first.step, "teacher"))].files[first.file].bytes,
        student={one.name: stamps[one.file].bytes if one.file in stamps else None for one in target.precisions},
    )


def _bits(found: BitsFigures) -> BitsPerCharacter:
    return BitsPerCharacter(
        unigram=found.unigram, teacher=found.teacher, cut=found.cut, student=found.student, random=found.control
    )


def _tokenizer(plan: Plan, manifests: Manifests, language: str | None) -> TokenizerFit | None:
    """Return the figures of the last trimming, of all text or of one of several languages.

    Where a recipe does not trim, the tokenizer stays as it was measured beside bits per character; None without these.
    """
    trimmed = [step.name for step in plan.steps if step.stage is not None and step.stage.trims]
    if not trimmed:
        if "measure" not in manifests:
            return None
        measured = parse(BitsFigures, manifests["measure"].figures)
        return (measured if language is None else measured.languages[language]).tokenizer
    figures = manifests[trimmed[-1]].figures
    return parse(TokenizerFit, figures) if language is None else parse(StageFigures, figures).languages[language]
