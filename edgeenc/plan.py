"""A recipe and a language become a list of steps: keys, seeds, shapes and sizes, all known before anything runs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import JsonValue

from edgeenc.errors import RecipeError, ShapeError
from edgeenc.language import Tag, joined
from edgeenc.machine.disk import file_hash
from edgeenc.machine.runtime import Runtime
from edgeenc.model.config import load_shape
from edgeenc.model.purpose import Purpose, default_purpose
from edgeenc.model.shape import Shape
from edgeenc.recipe import Recipe
from edgeenc.sources import SEED, is_random
from edgeenc.stages.stage import Stage, shape_after
from edgeenc.stages.training import TrainingOptions
from edgeenc.targets.onnx_file.sizes import fp32_bytes, int8_bytes, require_one_file
from edgeenc.tasks.task import Task
from edgeenc.text.mixture import Text, corpus_fields

Precision = Literal["fp32", "int8"]

VERSIONS = {
    "corpus": 2,
    "teacher": 1,
    "control": 1,
    "measure": 1,
    "task": 1,
    "tune": 1,
    "choose": 1,
    "score": 1,
    "export": 1,
    "quantize": 1,
    "verify": 2,
    "bench": 1,
    "bundle": 1,
}
"""Raised when the same fields would give other files, so that old results are not taken for new ones."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a build is asked for, with every source a local path.

    Attributes:
        recipe: how to compress.
        teacher: checkpoint folder, and `source` what the user called it.
        texts: of each language, with its weight.
        task: what the exported file computes.
        precisions: which files the bundle carries; int8 is made from fp32.
        task_data: what the student is tuned on and scored by; None ships an encoder.
        known: shape of a teacher whose files are not here; such a build can be planned, not run.
    """

    recipe: Recipe
    teacher: Path
    source: str
    texts: tuple[Text, ...]
    task: Purpose = field(default_factory=default_purpose)
    precisions: tuple[Precision, ...] = ("fp32", "int8")
    task_data: Task | None = None
    known: Shape | None = None

    @property
    def language(self) -> Tag:
        """The language, or all of them in one tag."""
        return joined([text.language for text in self.texts])

    @property
    def labels(self) -> int:
        """Labels of the task, 0 where there is none."""
        return len(self.task_data.data.labels) if self.task_data else 0


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
    """

    name: str
    kind: str
    key: str
    seed: int
    inputs: Mapping[str, str]
    fields: Mapping[str, JsonValue] = field(default_factory=dict)
    stage: Stage | None = None
    shape: Shape | None = None
    predicted_bytes: int | None = None
    exact: bool = True


@dataclass(frozen=True)
class Plan:
    """The steps in the order in which they run; the last one makes the bundle."""

    request: Request
    steps: tuple[Step, ...]

    def step(self, name: str) -> Step:
        """Return the step of that name."""
        return next(step for step in self.steps if step.name == name)

    @property
    def student(self) -> Step:
        """The step that makes the final encoder."""
        return [step for step in self.steps if step.stage is not None][-1]

    @property
    def shipped(self) -> Step:
        """The step whose checkpoint goes into the bundle: the student, or its tuned form."""
        return next((step for step in self.steps if step.kind == "choose"), self.student)

    @property
    def bundle(self) -> Step:
        """The step that makes the bundle."""
        return self.steps[-1]

    def to_json(self, status: Mapping[str, str]) -> dict[str, JsonValue]:
        """Return the plan as `edgeenc plan --json` prints it; `status` says which steps are done."""
        teacher, student = self.step("teacher").shape, self.student.shape
        assert teacher is not None and student is not None
        task = self.request.task
        return {
            "recipe": self.request.recipe.name,
            "language": self.request.language.bcp47,
            "languages": {text.language.bcp47: text.weight for text in self.request.texts},
            "data_fraction": self.request.recipe.data_fraction,
            "teacher": {"source": self.request.source, "parameters": teacher.parameters},
            "student": {"parameters": student.parameters, **_sizes(student)},
            "steps": [
                {
                    "name": step.name,
                    "kind": step.kind,
                    "key": step.key,
                    "status": status[step.name],
                    "parameters": step.shape.parameters if step.shape else None,
                    "predicted_bytes": step.predicted_bytes,
                }
                for step in self.steps
            ],
            "predicted": {
                "fp32_bytes": fp32_bytes(student, task, self.request.labels),
                "int8_bytes": int8_bytes(student, task, self.request.labels),
                "exact": self.student.exact,
            },
        }


def make_plan(request: Request, runtime: Runtime) -> Plan:
    """Return the steps of a build; reads the teacher's `config.json` and hashes the input files, nothing else.

    Of a teacher that is not here but whose shape is known, the hashes in the keys are `missing`.

    Raises:
        InputError: the teacher's configuration or an input file is missing.
        RecipeError: a stage cannot work on the shape before it; the message names its place in the recipe.
        BudgetError: an exported model would not fit one ONNX file.
    """
    maker = _Maker(request, runtime)
    maker.add("corpus", {}, corpus_fields(request.texts, request.recipe.data_fraction))
    shape = request.known or load_shape(request.teacher)
    names = ("config.json", "model.safetensors", "tokenizer.json")
    maker.add("teacher", {}, _teacher_fields(request, names), shape=shape)
    last, cut = maker.stages(shape)
    maker.results(last, cut)
    return Plan(request, tuple(maker.steps.values()))


class _Maker:
    """Adds steps one by one; each key follows from what was added before."""

    def __init__(self, request: Request, runtime: Runtime) -> None:
        self.request, self.runtime, self.steps = request, runtime, dict[str, Step]()

    def add(
        self, name: str, inputs: Mapping[str, str], fields: Mapping[str, JsonValue], *, shape: Shape | None = None
    ) -> Step:
        """Add a step that is no stage; its kind is its name up to a colon."""
        kind = name.split(":")[0]
        size = None
        if shape and kind in ("teacher", "export", "quantize"):
            size = (int8_bytes if kind == "quantize" else fp32_bytes)(shape, self.request.task, self.request.labels)
        seed = seed_for(self.request.recipe.seed, name)
        key = self.key(kind, VERSIONS[kind], fields, seed, inputs)
        exact = all(self.steps[other].exact for other in inputs.values())
        if kind == "export" and size and exact:
            require_one_file(name, size)
        self.steps[name] = Step(name, kind, key, seed, inputs, fields, None, shape, size, exact)
        return self.steps[name]

    def stages(self, shape: Shape) -> tuple[Step, Step | None]:
        """Add the recipe's stages; return the last one, and what the last training started from, if there was one."""
        last, cut = self.steps["teacher"], None
        for place, stage in enumerate(self.request.recipe.stages):
            try:
                shape = shape_after(stage, shape, self.steps)
            except ShapeError as error:
                raise RecipeError(f"{self.request.recipe.name}: stages.{place}: {error}") from None
            if stage.trains:
                cut = last
            inputs = {"encoder": last.name, "corpus": "corpus"} | {f"earlier {n}": n for n in stage.reads}
            fields = stage.model_dump(mode="json", exclude={"name", "kind"})
            if stage.trains:
                fields |= {"dtype": self.runtime.dtype, "device": self.runtime.device}
            seed = seed_for(self.request.recipe.seed, stage.label)
            key = self.key(stage.kind, stage.version, fields, seed, inputs)
            size = fp32_bytes(shape, self.request.task, self.request.labels)
            exact = last.exact and stage.exact
            last = Step(stage.label, stage.kind, key, seed, inputs, fields, stage, shape, size, exact)
            self.steps[last.name] = last
        return last, cut

    def results(self, student: Step, cut: Step | None) -> None:
        """Add what is done with the student: measure, export, quantize, verify, bench, bundle."""
        request, task = self.request, self.request.task
        inputs = {"corpus": "corpus", "teacher": "teacher", "student": student.name}
        if cut is not None:
            inputs["cut"] = cut.name
        options = _control_options(request.recipe)
        if options is not None:
            fields = options.model_dump(mode="json") | {"dtype": self.runtime.dtype, "device": self.runtime.device}
            self.add("control", {"corpus": "corpus", "encoder": student.name}, fields, shape=student.shape)
            inputs["control"] = "control"
        self.add("measure", inputs, {})
        if request.task_data is None:
            teacher, shipped, files = "teacher", student.name, self.exports("", student)
            asked = dict[str, str]()
        else:
            tuned = self.tunings(request.task_data, student)
            teacher, shipped = tuned["teacher"][0], self.choice(tuned["student"])
            files = {precision: shipped for precision in request.precisions}
            asked = {"data": "task"}
        original = self.add(
            "export:teacher", {"encoder": teacher}, {"task": task.name}, shape=self.steps["teacher"].shape
        )
        read = {"corpus": "corpus", "teacher": "teacher", "student": shipped, **asked, **files}
        self.add("verify", read, {"task": task.name, "bounds": request.recipe.bounds.model_dump(mode="json")})
        self.add("bench", read | {"teacher-onnx": original.name}, {})
        head = {"language": request.language.bcp47, "source": request.source, "recipe": request.recipe.to_yaml()}
        everything = {name: name for name in self.steps}
        self.add(
            "bundle",
            everything,
            head | {"task": task.name, "precisions": list(request.precisions)},
            shape=student.shape,
        )

    def exports(self, tail: str, encoder: Step) -> dict[str, str]:
        """Add the files of one model; return the name of the step of each precision."""
        shape = self.steps[encoder.name].shape
        exported = self.add(f"export{tail}", {"encoder": encoder.name}, {"task": self.request.task.name}, shape=shape)
        files = {"fp32": exported.name}
        if "int8" in self.request.precisions:
            files["int8"] = self.add(f"quantize{tail}", {"fp32": exported.name}, {}, shape=shape).name
        return files

    def tunings(self, task: Task, student: Step) -> dict[str, list[str]]:
        """Add the task and a tuning of each model with each seed; return their names by model.

        Raises:
            RecipeError: a step to tune beside the others is not there, or the family takes no adapters.
        """
        tuning, runtime = self.request.recipe.tuning, self.runtime
        if tuning.method == "adapter" and student.shape is not None and student.shape.table.gated:
            raise RecipeError(
                f"{self.request.recipe.name}: tuning.method: no adapters at the gated blocks of"
                f" {student.shape.family}; choose full or frozen"
            )
        self.add("task", {}, {"name": task.name, "metric": task.metric.name, "data": task.fingerprint})
        models = {"teacher": "teacher", **self._beside(tuning.beside), "student": student.name}
        tuned: dict[str, list[str]] = {}
        for model, encoder in models.items():
            unread = {"preset", "seeds", "beside", "teacher_lr"} | (
                set() if tuning.method == "adapter" else {"placement"}
            )
            options = tuning.model_dump(mode="json", exclude=unread)
            options |= {"dtype": runtime.dtype, "device": runtime.device}
            if model != "student":
                options |= {"imitate": 0.0, "lr": tuning.teacher_lr or tuning.lr}
            for seed in tuning.seeds:
                inputs = {"encoder": encoder, "task": "task"}
                if model == "student" and tuning.imitate:
                    inputs["guide"] = f"tune:teacher:{seed}"
                step = self.add(
                    f"tune:{model}:{seed}", inputs, options | {"seed": seed}, shape=self.steps[encoder].shape
                )
                tuned.setdefault(model, []).append(step.name)
        return tuned

    def choice(self, tuned: Sequence[str]) -> str:
        """Add the files of the tuned students, the choice of one, and the scores of all; return the choice's name."""
        inputs = {"task": "task"} | {f"tuned {n.removeprefix('tune:').replace(':', ' ')}": n for n in self._tuned()}
        picked: dict[str, str] = {}
        for name in tuned:
            seed = name.rsplit(":", 1)[1]
            files = self.exports(f":{seed}", self.steps[name])
            inputs |= {f"{precision} {seed}": step for precision, step in files.items()}
            picked |= {f"tuned {seed}": name} | {f"{precision} {seed}": step for precision, step in files.items()}
        self.add("score", inputs, {})
        return self.add("choose", picked, {}, shape=self.steps[tuned[0]].shape).name

    def _tuned(self) -> list[str]:
        return [name for name, step in self.steps.items() if step.kind == "tune"]

    def _beside(self, names: Sequence[str]) -> dict[str, str]:
        """Return the steps that are tuned besides, by what reports call them: the trimmed teacher is `trim-only`."""
        unknown = [name for name in names if name not in self.steps or self.steps[name].stage is None]
        if unknown:
            known = ", ".join(name for name, step in self.steps.items() if step.stage is not None)
            raise RecipeError(
                f"{self.request.recipe.name}: tuning.beside: no step {', '.join(unknown)}; there are {known}"
            )
        return {self._called(name): name for name in names}

    def _called(self, name: str) -> str:
        step = self.steps[name]
        return "trim-only" if step.kind == "trim-vocab" and step.inputs["encoder"] == "teacher" else name

    def key(
        self, kind: str, version: int, fields: Mapping[str, JsonValue], seed: int, inputs: Mapping[str, str]
    ) -> str:
        """Return the address of a result: 16 hexadecimal digits of a sha256."""
        keys = {role: self.steps[name].key for role, name in inputs.items()}
        intent = {"kind": kind, "version": version, "fields": fields, "seed": seed, "inputs": keys}
        return hashlib.sha256(json.dumps(intent, sort_keys=True).encode()).hexdigest()[:16]


def seed_for(seed: int, name: str) -> int:
    """Return the seed of the step `name` in a recipe of seed `seed`: 31 bits of a hash of both."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{name}".encode()).digest()[:4]) >> 1


def _teacher_fields(request: Request, names: Sequence[str]) -> dict[str, JsonValue]:
    """Return the hashes of the teacher's files; of random weights there is no file, so their seed stands for it."""
    drawn: dict[str, JsonValue] = {"random weights": SEED} if is_random(request.recipe.teacher) else {}
    if request.known:  # two teachers whose files are all missing are still two
        drawn |= {"source": request.source}
    return drawn | {name: file_hash(request.teacher / name) for name in names}


def _control_options(recipe: Recipe) -> TrainingOptions | None:
    """Return how the control is trained: as the last training, with the tokens of all; None where none is wanted."""
    trained = [stage for stage in recipe.stages if isinstance(stage, TrainingOptions)]
    if recipe.control == "none" or not trained:
        return None
    fields = trained[-1].model_dump(include=set(TrainingOptions.model_fields))
    return TrainingOptions.model_validate(fields | {"tokens": sum(stage.tokens for stage in trained)})


def _sizes(shape: Shape) -> dict[str, JsonValue]:
    names = ("layers", "hidden", "heads", "head_width", "ffn", "vocab")
    return {name: getattr(shape, name) for name in names}
