"""What a plan is: a request, and its steps with keys, seeds, shapes and sizes, all known before anything runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

from pydantic import JsonValue

from edgeenc.language import Tag, joined
from edgeenc.model.dense_shape import Maps, parameters_of
from edgeenc.model.purpose import Purpose, default_purpose
from edgeenc.model.sentence_head import SentenceHead
from edgeenc.model.shape import Shape
from edgeenc.recipe import Recipe
from edgeenc.stages.stage import Stage
from edgeenc.targets.target import Target, default_target
from edgeenc.tasks.task import Task
from edgeenc.text.mixture import Text


@dataclass(frozen=True, slots=True)
class Request:
    """What a build is asked for, with every source a local path.

    Attributes:
        recipe: how to compress.
        teacher: checkpoint folder, and `source` what the user called it.
        texts: of each language, with its weight.
        purpose: what the exported files compute.
        target: in which form the model is shipped.
        precisions: names of the target's files that the bundle carries; what they are made from is made too.
        task_data: what the student is tuned on and scored by; None ships an encoder.
        known: shape of a teacher whose files are not here; such a build can be planned, not run.
        sentence: how the teacher makes one vector of a text, as its folder and the recipe say; None where none does.
        taken: a line that says at which commit a teacher was taken whose name had none; else empty.
    """

    recipe: Recipe
    teacher: Path
    source: str
    texts: tuple[Text, ...]
    purpose: Purpose = field(default_factory=default_purpose)
    target: Target = field(default_factory=default_target)
    precisions: tuple[str, ...] = field(default_factory=lambda: default_target().names)
    task_data: Task | None = None
    known: Shape | None = None
    sentence: SentenceHead | None = None
    taken: str = ""

    @property
    def language(self) -> Tag:
        """The language, or all of them in one tag."""
        return joined([text.language for text in self.texts])

    @property
    def labels(self) -> int:
        """Labels of the task, 0 where there is none."""
        return len(self.task_data.data.labels) if self.task_data else 0

    @property
    def measures_vectors(self) -> bool:
        """Whether what is exported is judged by its vectors alone: no bits per character, for which a control asks."""
        return bool(self.purpose.pooled_from) and self.recipe.control == "none"

    @property
    def makes_vectors(self) -> bool:
        """Whether sentence vectors are made, by what is exported or by a stage."""
        return bool(self.purpose.pooled_from) or any(stage.makes_vectors for stage in self.recipe.stages)


Part = Literal[
    "corpus", "teacher", "encoder", "student", "cut", "control", "earlier", "task", "data", "guide", "tuned", "file",
    "teacher-onnx", "step",
]  # fmt: skip
"""What an input is to the step that reads it."""


@dataclass(frozen=True, slots=True)
class Role:
    """What a step reads another one as; its text is part of keys and manifests.

    Worked example: `Role("tuned", model="student", seed=0)` is `tuned student 0`, `Role("file", precision="int8")` is
    `int8`.

    Attributes:
        part: what it is; a `file` is called by its precision, a `step` by its name.
        model: which of several models, as reports call it.
        seed: which of several tunings.
        precision: of an exported file.
        step: an earlier step that is meant by its name.
    """

    part: Part
    model: str = ""
    seed: int | None = None
    precision: str | None = None
    step: str = ""

    def __str__(self) -> str:
        """Return the role as keys and manifests have it."""
        part = "" if self.part in ("file", "step") else self.part
        seed = "" if self.seed is None else str(self.seed)
        return " ".join(filter(None, (part, self.model, self.step, self.precision, seed)))


CORPUS, TEACHER, ENCODER, STUDENT = Role("corpus"), Role("teacher"), Role("encoder"), Role("student")
TASK, DATA, GUIDE, TEACHER_FILE = Role("task"), Role("data"), Role("guide"), Role("teacher-onnx")

Inputs: TypeAlias = Mapping[Role, str]
"""For each role, the name of the step whose folder is read."""


@dataclass(frozen=True, slots=True)
class StepName:
    """The name of a step of the build, `tune:student:0`: its kind, and which of several it is."""

    kind: str
    model: str = ""
    seed: int | None = None

    def __str__(self) -> str:
        """Return the name as plans, folders and seeds have it."""
        return ":".join(filter(None, (self.kind, self.model, "" if self.seed is None else str(self.seed))))


@dataclass(frozen=True)
class Step:
    """One addressed piece of work.

    Attributes:
        name: unique in the plan.
        kind: what is done.
        key: address of the result: a hash of kind, version, fields, seed and the keys of the inputs.
        seed: of this step; it does not move when another step is added.
        inputs: for each role, the name of the step whose folder is read.
        fields: what else decides the result.
        stage: the compression stage, where the step is one.
        shape: of the encoder that the step makes or exports.
        predicted_bytes: of the exported file; for an encoder, of its fp32 export.
        exact: False where a vocabulary is still to be counted, so that shape and bytes are bounds.
        maps: Dense modules of sentence vectors behind that encoder, where they ship.
    """

    name: str
    kind: str
    key: str
    seed: int
    inputs: Inputs
    fields: Mapping[str, JsonValue] = field(default_factory=dict)
    stage: Stage | None = None
    shape: Shape | None = None
    predicted_bytes: int | None = None
    exact: bool = True
    maps: Maps = ()

    @property
    def parameters(self) -> int | None:
        """Parameters of the encoder, with those of its Dense modules; None where there is no encoder."""
        return None if self.shape is None else self.shape.parameters + parameters_of(self.maps)


@dataclass(frozen=True)
class Plan:
    """The steps in the order in which they run; the last one makes the bundle. `notes`: what to know of the teacher."""

    request: Request
    steps: tuple[Step, ...]
    notes: tuple[str, ...] = ()

    def step(self, name: str) -> Step:
        """Return the step of that name."""
        return next(step for step in self.steps if step.name == name)

    @property
    def student(self) -> Step:
        """The step that makes the final encoder."""
        return [step for step in self.steps if step.stage is not None][-1]

    @property
    def shipped(self) -> Step:
        """The step whose checkpoint goes into the bundle, and which the last ones read: the student, or a tuned one."""
        return self.step(next(step.inputs[STUDENT] for step in reversed(self.steps) if STUDENT in step.inputs))

    @property
    def bundle(self) -> Step:
        """The step that makes the bundle."""
        return self.steps[-1]

    def to_json(self, status: Mapping[str, str]) -> dict[str, JsonValue]:
        """Return the plan as `edgeenc plan --json` prints it; `status` says which steps are done."""
        student = self.student.shape
        assert student is not None
        request = self.request
        predicted: dict[str, JsonValue] = {
            f"{one.name}_bytes": one.bytes_of(student, self.student.maps, request.purpose, request.labels)
            for one in request.target.made_for(request.precisions)
        }
        return {
            "recipe": self.request.recipe.name,
            "language": self.request.language.bcp47,
            "languages": {text.language.bcp47: text.weight for text in self.request.texts},
            "data_fraction": self.request.recipe.data_fraction,
            "teacher": {"source": self.request.source, "parameters": self.step("teacher").parameters},
            "student": {"parameters": self.student.parameters, **_sizes(student)},
            "steps": [
                {
                    "name": step.name,
                    "kind": step.kind,
                    "key": step.key,
                    "status": status[step.name],
                    "parameters": step.parameters,
                    "predicted_bytes": step.predicted_bytes,
                }
                for step in self.steps
            ],
            "predicted": predicted | {"exact": self.student.exact},
            **({"task": {"said": list(request.task_data.shown)}} if request.task_data else {}),
            "notes": list(self.notes),
        }


def _sizes(shape: Shape) -> dict[str, JsonValue]:
    names = ("layers", "hidden", "heads", "head_width", "ffn", "vocab")
    return {name: getattr(shape, name) for name in names}
