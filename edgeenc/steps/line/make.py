"""A request becomes a plan: its steps in their order, each with its key, seed, shape and size."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from pydantic import JsonValue

from edgeenc.errors import RecipeError, ShapeError
from edgeenc.machine.disk import file_hash
from edgeenc.machine.runtime import Runtime
from edgeenc.model.checkpoint import read_checkpoint
from edgeenc.model.config import load_shape
from edgeenc.model.dense_shape import Maps
from edgeenc.model.sentence_head import sentence_files
from edgeenc.model.shape import Shape
from edgeenc.model.weights import INDEX, WEIGHTS, weight_files
from edgeenc.planned import (
    CORPUS,
    DATA,
    ENCODER,
    GUIDE,
    STUDENT,
    TASK,
    TEACHER,
    TEACHER_FILE,
    Inputs,
    Plan,
    Request,
    Role,
    Step,
    StepName,
)
from edgeenc.recipe import Bounds, Recipe
from edgeenc.record.former import former_spelling
from edgeenc.sources import SEED, is_random
from edgeenc.stages.stage import Stage, shape_after
from edgeenc.stages.training import Pace, TrainingOptions
from edgeenc.steps.line.length_notes import notes_of_lengths
from edgeenc.steps.line.step_kind import exported_bytes, step_kinds
from edgeenc.steps.line.teacher_notes import notes_of
from edgeenc.steps.line.vector_notes import VectorLengths, notes_of_sentences, with_sentences
from edgeenc.steps.line.vector_text import vector_fields
from edgeenc.tasks.task import Task
from edgeenc.tasks.tuning.fine_tuning import FineTuning
from edgeenc.text.mixture import corpus_fields, text_notes

Fields = Mapping[str, JsonValue]


def make_plan(request: Request, runtime: Runtime) -> Plan:
    """Return the steps of a build; reads the teacher's headers and hashes the input files, nothing else.

    Of a teacher that is not here but whose shape is known, the hashes in the keys are `missing`.

    Raises:
        InputError: an input file is missing, or the teacher cannot be read.
        RecipeError: a stage cannot work on the shape before it; the message names its place in the recipe.
        BudgetError: an exported model would not fit its file.
    """
    request, why = with_sentences(request)
    maker = _Maker(request, runtime)
    maker.add(StepName("corpus"), {}, corpus_fields(request.texts, request.recipe.data_fraction))
    with ThreadPoolExecutor(1) as beside:  # what hashes the weights lets go of Python's lock
        fields = beside.submit(_teacher_fields, request)
        shape, notes = _teacher_of(request)
    maps = request.sentence.maps if request.sentence and request.purpose.pooled_from else ()
    teacher = maker.add(StepName("teacher"), {}, fields.result(), shape=shape, maps=maps)
    last, cut = maker.stages(teacher, shape)
    maker.results(teacher, last, cut)
    notes = (
        *text_notes(request.texts),
        *notes,
        *notes_of_sentences(request, shape, why),
        *notes_of_lengths(request, shape.longest),
    )
    return Plan(request, tuple(maker.steps.values()), (*filter(None, [request.taken]), *notes))


def _teacher_of(request: Request) -> tuple[Shape, tuple[str, ...]]:
    """Return the teacher's shape, and what to know of it; random weights have no files to look into.

    Raises:
        InputError: whatever the build would refuse about it.
    """
    if request.known is not None:
        return request.known, ()
    if is_random(request.recipe.teacher):
        return load_shape(request.teacher), ()
    found = read_checkpoint(request.teacher)
    return found.shape, notes_of(found, request)


@dataclass(frozen=True)
class _Tuned:
    """A model that learnt the task with one seed."""

    model: str
    seed: int
    step: Step


class _Maker:
    """Adds steps one by one; each key follows from what was added before."""

    def __init__(self, request: Request, runtime: Runtime) -> None:
        self.request, self.runtime, self.steps = request, runtime, dict[str, Step]()

    def add(
        self, named: StepName, inputs: Inputs, fields: Fields, *, shape: Shape | None = None, maps: Maps = ()
    ) -> Step:
        """Add a step that is no stage."""
        kind, name = step_kinds()[named.kind], str(named)
        size = kind.predicts(self.request, shape, maps) if kind.predicts and shape else None
        exact = all(self.steps[other].exact for other in inputs.values())
        if kind.require_fits and size and exact:
            kind.require_fits(name, size)
        seed = seed_for(self.request.recipe.seed, name)
        key = self.key(kind.name, kind.version, fields, seed, inputs)
        self.steps[name] = Step(name, kind.name, key, seed, inputs, fields, None, shape, size, exact, maps)
        return self.steps[name]

    def stages(self, teacher: Step, shape: Shape) -> tuple[Step, Step | None]:
        """Add the recipe's stages; return the last one, and what the last training started from, if there was one."""
        last, cut = teacher, None
        lengths = VectorLengths.of(self.request, teacher.name, shape.hidden)
        for place, stage in enumerate(self.request.recipe.stages):
            try:
                shape = shape_after(stage, shape, self.steps)
                lengths.add(stage, shape.hidden)
            except ShapeError as error:
                raise RecipeError(f"{self.request.recipe.name}: stages.{place}: {error}") from None
            cut = last if stage.trains else cut
            last = self.stage(stage, last, shape, lengths.maps if self.request.purpose.pooled_from else ())
        return last, cut

    def stage(self, stage: Stage, before: Step, shape: Shape, maps: Maps) -> Step:
        """Add a stage that works on `before` and makes an encoder of `shape`, with these Dense modules behind it."""
        inputs = {ENCODER: before.name, CORPUS: "corpus"} | {Role("earlier", step=name): name for name in stage.reads}
        fields = former_spelling(type(stage), stage.model_dump(mode="json", exclude={"name", "kind"}))
        if stage.trains:
            fields |= {"dtype": self.runtime.dtype, "device": self.runtime.device}
        seed = seed_for(self.request.recipe.seed, stage.label)
        key = self.key(stage.kind, stage.version, fields, seed, inputs)
        size = exported_bytes(self.request, shape, maps)
        made = Step(
            stage.label, stage.kind, key, seed, inputs, fields, stage, shape, size, before.exact and stage.exact
        )
        self.steps[stage.label] = replace(made, maps=maps)
        return self.steps[stage.label]

    def results(self, teacher: Step, student: Step, cut: Step | None) -> None:
        """Add what is done with the student: measure, where bits count, export, quantize, verify, bench, bundle."""
        request, task = self.request, self.request.purpose.name
        if not request.measures_vectors:
            self.measures(teacher, student, cut)
        if request.task_data is None:
            original, shipped, files = teacher, student, self.exports(student)
            asked = dict[Role, str]()
        else:
            tuned = self.tunings(request.task_data, student)
            original, shipped = tuned[0].step, self.choice(tuned)
            made = request.target.made_for(request.precisions)
            files = {Role("file", precision=one.name): shipped.name for one in made}
            asked = {DATA: "task"}
        exported = StepName(request.target.first.step, "teacher")
        original = self.add(exported, {ENCODER: original.name}, {"task": task}, shape=teacher.shape, maps=teacher.maps)
        read = {CORPUS: "corpus", TEACHER: teacher.name, STUDENT: shipped.name, **asked, **files}
        bounds = former_spelling(Bounds, request.recipe.bounds.model_dump(mode="json"))
        short = self._short(student)
        self.add(StepName("verify"), read, {"task": task, "bounds": bounds, **short})
        if request.purpose.pooled_from:
            before = {Role("cut"): cut.name} if cut is not None else {}
            self.add(StepName("vectors"), read | before, {"task": task, **vector_fields(request)})
        self.add(StepName("bench"), read | {TEACHER_FILE: original.name}, short)
        everything = {Role("step", step=name): name for name in self.steps}
        head = {"language": request.language.bcp47, "source": request.source, "recipe": request.recipe.to_yaml()}
        asked_for: Fields = {**head, "task": task, "precisions": list(request.precisions)}
        self.add(StepName("bundle"), everything, asked_for, shape=student.shape, maps=student.maps)

    def _short(self, student: Step) -> Fields:
        """Return to how many tokens vectors cut texts; nothing, so that keys stay, where the model reads no more."""
        request, shape = self.request, student.shape
        if not request.purpose.pooled_from or request.sentence is None or shape is None:
            return {}
        most = request.sentence.reads(shape.longest)
        return {"max_seq_length": most} if most < shape.longest else {}

    def measures(self, teacher: Step, student: Step, cut: Step | None) -> None:
        """Add the bits per character, and before them the control where one is asked for."""
        inputs = {CORPUS: "corpus", TEACHER: teacher.name, STUDENT: student.name}
        if cut is not None:
            inputs[Role("cut")] = cut.name
        options = _control_options(self.request.recipe)
        if options is not None:
            fields = former_spelling(TrainingOptions, options.model_dump(mode="json"))
            fields |= {"dtype": self.runtime.dtype, "device": self.runtime.device}
            read = {CORPUS: "corpus", ENCODER: student.name}
            inputs[Role("control")] = self.add(StepName("control"), read, fields, shape=student.shape).name
        self.add(StepName("measure"), inputs, {})

    def exports(self, encoder: Step, seed: int | None = None) -> dict[Role, str]:
        """Add the files of one model, of a tuned one with its seed; return the name of the step of each."""
        files = dict[Role, str]()
        for one in self.request.target.made_for(self.request.precisions):
            read, fields = {ENCODER: encoder.name}, dict[str, JsonValue](task=self.request.purpose.name)
            if one.source:
                read, fields = (
                    {Role("file", precision=one.source): files[Role("file", precision=one.source, seed=seed)]},
                    {},
                )
            if one.reads_texts:
                read |= {ENCODER: encoder.name, CORPUS: "corpus"}
            made = self.add(StepName(one.step, seed=seed), read, fields, shape=encoder.shape, maps=encoder.maps)
            files[Role("file", precision=one.name, seed=seed)] = made.name
        return files

    def tunings(self, task: Task, student: Step) -> Sequence[_Tuned]:
        """Add the task and a tuning of each model with each seed, the teacher first and the student last.

        Raises:
            RecipeError: a baseline's step is not there, or the family takes no adapters.
        """
        tuning = self.request.recipe.fine_tuning
        if tuning.method == "adapter" and student.shape is not None and student.shape.table.gated:
            raise RecipeError(
                f"{self.request.recipe.name}: fine_tuning.method: no adapters at the gated blocks of"
                f" {student.shape.family}; choose full or frozen"
            )
        self.add(StepName("task"), {}, {"name": task.name, "metric": task.metric.name, "data": task.fingerprint})
        models = {"teacher": "teacher", **self._baselines(tuning.baselines), "student": student.name}
        return [self.tuning(model, self.steps[name], seed) for model, name in models.items() for seed in tuning.seeds]

    def tuning(self, model: str, encoder: Step, seed: int) -> _Tuned:
        """Add the tuning of one model with one seed; only the student is distilled, and has the recipe's own rate."""
        tuning, runtime = self.request.recipe.fine_tuning, self.runtime
        unread = {"preset", "seeds", "baselines", "teacher_lr"}
        unread |= set() if tuning.method == "adapter" else {"placement"}
        options = tuning.model_dump(mode="json", exclude=unread)
        options |= {"dtype": runtime.dtype, "device": runtime.device, "seed": seed, **self._reading()}
        inputs = {ENCODER: encoder.name, TASK: "task"}
        if model != "student":
            options |= {"distillation_weight": 0.0, "unlabelled_texts": 0, "lr": tuning.teacher_lr or tuning.lr}
            options |= {"head_start": "random"} if self._reads_first() else {}
        elif tuning.distils:
            inputs[GUIDE] = str(StepName("tune", "teacher", seed))
            inputs |= {CORPUS: "corpus"} if tuning.unlabelled_texts else {}
        fields = former_spelling(FineTuning, options)
        return _Tuned(model, seed, self.add(StepName("tune", model, seed), inputs, fields, shape=encoder.shape))

    def _reads_first(self) -> bool:
        task = self.request.task_data
        return task is not None and task.data.kind.reads_first

    def choice(self, tuned: Sequence[_Tuned]) -> Step:
        """Add the files of the tuned students, the choice of one, and the scores of all; return the choice."""
        students = [one for one in tuned if one.model == "student"]
        files = dict[Role, str]()
        picked = dict[Role, str]()
        for one in students:
            own = self.exports(one.step, one.seed)
            files |= own
            picked |= {Role("tuned", seed=one.seed): one.step.name, **own}
        models = {Role("tuned", one.model, one.seed): one.step.name for one in tuned}
        self.add(StepName("score"), {TASK: "task", **models, **files}, self._reading())
        return self.add(StepName("choose"), picked, {}, shape=students[0].step.shape)

    def _baselines(self, names: Sequence[str]) -> dict[str, str]:
        """Return the steps of the baselines, by what reports call them: the trimmed teacher is `trim-only`."""
        unknown = [name for name in names if name not in self.steps or self.steps[name].stage is None]
        if unknown:
            known = ", ".join(name for name, step in self.steps.items() if step.stage is not None)
            raise RecipeError(
                f"{self.request.recipe.name}: fine_tuning.baselines: no step {', '.join(unknown)}; there are {known}"
            )
        return {self._called(name): name for name in names}

    def _reading(self) -> Fields:
        """Return by what edition of its task kind a task is read; the first is not said, so that its keys stay."""
        task = self.request.task_data
        return {"reading": task.data.kind.reading} if task is not None and task.data.kind.reading > 1 else {}

    def _called(self, name: str) -> str:
        step = self.steps[name]
        trimmed = step.stage is not None and step.stage.trims and step.inputs[ENCODER] == "teacher"
        return "trim-only" if trimmed else name

    def key(self, kind: str, version: int, fields: Fields, seed: int, inputs: Inputs) -> str:
        """Return the address of a result: 16 hexadecimal digits of a sha256."""
        keys = {str(role): self.steps[name].key for role, name in inputs.items()}
        intent = {"kind": kind, "version": version, "fields": fields, "seed": seed, "inputs": keys}
        return hashlib.sha256(json.dumps(intent, sort_keys=True).encode()).hexdigest()[:16]


def seed_for(seed: int, name: str) -> int:
    """Return the seed of the step `name` in a recipe of seed `seed`: 31 bits of a hash of both."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{name}".encode()).digest()[:4]) >> 1


def _teacher_fields(request: Request) -> dict[str, JsonValue]:
    """Return the hashes of the teacher's files; of random weights there is no file, so their seed stands for it."""
    drawn: dict[str, JsonValue] = {"random weights": SEED} if is_random(request.recipe.teacher) else {}
    if request.known:  # two teachers whose files are all missing are still two
        drawn |= {"source": request.source}
    if request.recipe.sentence is not None:
        drawn |= {"sentence": request.recipe.sentence.model_dump(mode="json", exclude_none=True)}
    cut = request.sentence.max_length if request.sentence is not None else None
    if cut is not None and (request.recipe.sentence is None or request.recipe.sentence.max_seq_length is None):
        drawn |= {"max_seq_length": cut}
    names = ("config.json", *_weight_names(request), "tokenizer.json", *_module_names(request))
    return drawn | {name: file_hash(request.teacher / name) for name in names}


def _module_names(request: Request) -> list[str]:
    """Return the files that say how a text's vector is made; none where they are not there, or not read."""
    if request.sentence is None or request.known or is_random(request.recipe.teacher):
        return []
    return sentence_files(request.teacher)


def _weight_names(request: Request) -> list[str]:
    """Return the files of the teacher's weights, all parts and their index; one name where there are none to read."""
    if request.known or is_random(request.recipe.teacher):
        return [WEIGHTS]
    names = [path.name for path in weight_files(request.teacher)]
    return names if names == [WEIGHTS] else [INDEX, *names]


def _control_options(recipe: Recipe) -> TrainingOptions | None:
    """Return how the control is trained: as the last training, with the tokens of all; None where none is wanted."""
    trained = [stage for stage in recipe.stages if isinstance(stage, TrainingOptions)]
    tokens = sum(stage.tokens for stage in recipe.stages if isinstance(stage, Pace))
    if recipe.control == "random" and tokens and not trained:
        raise RecipeError(
            f"{recipe.name}: control: random is trained on masked words, and no stage here is; leave control out, or"
            " add adapt or distill"
        )
    if recipe.control == "none" or not trained:
        return None
    fields = trained[-1].model_dump(include=set(TrainingOptions.model_fields))
    return TrainingOptions.model_validate(fields | {"tokens": tokens})
