"""What the manifests of a build add up to: the one dict that report, model card and screen show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypedDict, cast

from pydantic import JsonValue, TypeAdapter

from edgeenc import __version__
from edgeenc.machine.describe import Fact, describe, versions
from edgeenc.model.shape import Shape
from edgeenc.record.form import plain
from edgeenc.record.old_facts import (
    Bits,
    Check,
    Constant,
    Facts,
    GateFacts,
    LanguageFacts,
    Parts,
    Sizes,
    Student,
    TokenizerFacts,
)
from edgeenc.record.old_facts import Step as StepFacts
from edgeenc.record.old_scores import TaskDifference, TaskScore
from edgeenc.sources import recorded_control
from edgeenc.stages.training import TrainingOptions
from edgeenc.text.mixture import called

if TYPE_CHECKING:
    from edgeenc.bench.turns import Latency
    from edgeenc.plan import Plan, Step
    from edgeenc.store import Manifest

Manifests = Mapping[str, "Manifest"]
Figures = Mapping[str, JsonValue]


def facts_of(plan: Plan, manifests: Manifests) -> Facts:
    """Return the facts of a build whose steps, except the bundle, are done."""
    student = plan.student
    shape = _shape(student, manifests)
    sizes = _sizes(manifests)
    tag = plan.request.language
    bits, control = _control(plan, manifests, _bits(manifests["measure"].figures))
    shown = ("family", "layers", "hidden", "heads", "head_width", "ffn", "vocab")
    return Facts(
        edgeenc=__version__,
        language={"tag": tag.bcp47, "name": tag.name, "iso639_3": tag.iso639_3, "script": tag.script},
        recipe=plan.request.recipe.name,
        teacher={"source": plan.request.source, "parameters": _shape(plan.step("teacher"), manifests).parameters},
        corpus=called(plan.request.texts),
        steps=[_step(step, manifests) for step in plan.steps if step.name in manifests],
        student=cast("Student", {"parameters": shape.parameters} | {name: getattr(shape, name) for name in shown}),
        bytes=sizes,
        compression=1 - (sizes["int8"] or sizes["fp32"]) / sizes["teacher_fp32"],
        bits_per_character=bits,
        floors=floors(bits),
        tokenizer=_tokenizers(plan, manifests)[0],
        gates=cast("list[GateFacts]", manifests["verify"].figures["gates"]),
        latency=cast("Latency", manifests["bench"].figures),
        host=cast("dict[str, Fact]", plain(describe())),
        versions=versions(),
        **control,
        **_languages(plan, manifests),
        **_scores(manifests),
    )


class _Recorded(TypedDict, total=False):
    control: str


def _control(plan: Plan, manifests: Manifests, bits: Bits) -> tuple[Bits, _Recorded]:
    """Return the bits with those of the recorded control, where the build trained none and one of its kind is known."""
    trained = [step.name for step in plan.steps if isinstance(step.stage, TrainingOptions)]
    found = recorded_control(
        plan.request.language.bcp47,
        parameters=_shape(plan.student, manifests).parameters,
        tokens=sum(cast("int", manifests[name].figures["tokens"]) for name in trained),
        unigram=bits["unigram"],
    )
    if bits["random"] is not None or found is None:
        return bits, {}
    return {**bits, "random": found.bits}, {"control": found.measured}


class _Several(TypedDict, total=False):
    languages: list[LanguageFacts]


def _languages(plan: Plan, manifests: Manifests) -> _Several:
    """Return the figures of each of several languages."""
    if len(plan.request.texts) == 1:
        return {}
    of_text, measured = (
        cast("dict[str, Figures]", manifests[name].figures["languages"]) for name in ("corpus", "measure")
    )
    rows = list[LanguageFacts]()
    for text, tokenizer in zip(plan.request.texts, _tokenizers(plan, manifests)[1:], strict=True):
        tag = text.language.bcp47
        rows.append(
            {
                "tag": tag,
                "name": text.language.name,
                "weight": text.weight,
                "corpus": text.called,
                "train": cast("int", of_text[tag]["train"]),
                "bits_per_character": _bits(measured[tag]),
                "tokenizer": tokenizer,
            }
        )
    return {"languages": rows}


class _Scores(TypedDict, total=False):
    tasks: list[TaskScore]
    differences: list[TaskDifference]
    constant: Constant


def _scores(manifests: Manifests) -> _Scores:
    """Return the scores of a build for a task."""
    if "score" not in manifests:
        return {}
    figures = manifests["score"].figures
    found: _Scores = {
        "tasks": cast("list[TaskScore]", figures["tasks"]),
        "differences": cast("list[TaskDifference]", figures["differences"]),
    }
    if "constant" in figures:
        found["constant"] = cast("Constant", figures["constant"])
    return found


def floors(bits: Bits) -> list[Check]:
    """Return what a student must at least be, in bits per character; the last one as a share.

    A teacher that is no better than the table has no advantage to keep; then that is the floor that fails.

    Worked example: unigram 3.0, teacher 2.0, student 2.4: the student closes 0.6 of the teacher's advantage.
    """
    student = bits["student"]
    below = {
        "unigram table": bits["unigram"],
        "random weights, same tokens": bits["random"],
        "right after the cut": bits["cut"],
    }
    found: list[Check] = [
        {"name": f"bits per character: {name}", "figure": student, "bound": bound, "passed": student < bound}
        for name, bound in below.items()
        if bound is not None
    ]
    advantage = bits["unigram"] - bits["teacher"]
    if advantage <= 0:
        name = "bits per character: the teacher below the unigram table"
        found.append({"name": name, "figure": bits["teacher"], "bound": bits["unigram"], "passed": False})
    else:
        share = (bits["unigram"] - student) / advantage
        found.append(
            {
                "name": "share of the teacher's advantage over unigram",
                "figure": share,
                "bound": 0.5,
                "passed": share >= 0.5,
            }
        )
    return found


def _step(step: Step, manifests: Manifests) -> StepFacts:
    manifest = manifests[step.name]
    shape = _shape(step, manifests) if step.stage or step.kind == "teacher" else None
    tokens = manifest.figures.get("tokens")
    return StepFacts(
        name=step.name,
        kind=step.kind,
        seconds=manifest.seconds,
        tokens=tokens if isinstance(tokens, int) else None,
        parameters=shape.parameters if shape else None,
        parts=_parts(shape) if shape else None,
        shape=shape.sizes if shape else None,
    )


def _shape(step: Step, manifests: Manifests) -> Shape:
    """Return the shape that a step really made: a vocabulary by coverage is known only then."""
    made = manifests[step.name].figures.get("shape")
    planned = step.shape
    assert planned is not None
    return TypeAdapter(Shape).validate_python(made) if made else planned


def _parts(shape: Shape) -> Parts:
    return Parts(
        embeddings=shape.embedding_parameters,
        layers=shape.encoder_parameters - shape.embedding_parameters,
        head=shape.head_parameters,
    )


def _sizes(manifests: Manifests) -> Sizes:
    """Return the bytes of the teacher's file and of the files that are shipped."""
    size = {
        (name, file): stamp["bytes"]
        for name in ("export:teacher", "export", "quantize", "choose")
        if name in manifests
        for file, stamp in manifests[name].files.items()
    }
    found = {file: bytes_ for (name, file), bytes_ in size.items() if name != "export:teacher"}
    fp32, int8 = found["model.onnx"], found.get("model_quantized.onnx")
    return Sizes(teacher_fp32=size["export:teacher", "model.onnx"], fp32=fp32, int8=int8)


def _bits(measured: Figures) -> Bits:
    found = cast("dict[str, float]", measured)
    return Bits(
        unigram=found["unigram"],
        teacher=found["teacher"],
        cut=found.get("cut"),
        student=found["student"],
        random=found.get("control"),
    )


def _tokenizers(plan: Plan, manifests: Manifests) -> list[TokenizerFacts]:
    """Return the figures of the last trimming, of all text and of each of several languages.

    Where a recipe does not trim, the tokenizer stays as it was measured.
    """
    trimmed = [step.name for step in plan.steps if step.kind == "trim-vocab"]
    figures = manifests[trimmed[-1] if trimmed else "measure"].figures
    each = cast("dict[str, Figures]", figures.get("languages", {})).values()
    whole = [found if trimmed else found["tokenizer"] for found in (figures, *each)]
    return [cast("TokenizerFacts", {n: cast("dict", one)[n] for n in ("before", "after", "coverage")}) for one in whole]
