"""Plans: keys that change exactly when a result would, shapes and sizes beforehand, impossible orders refused."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from line import World, make_world

from edgeenc.errors import InputError, RecipeError
from edgeenc.language import resolve
from edgeenc.machine.runtime import Runtime
from edgeenc.model.encoder import Encoder
from edgeenc.model.purposes.sentence_embedding import SENTENCE_EMBEDDING
from edgeenc.planned import CORPUS, ENCODER, GUIDE, TASK, Plan, Request, Role
from edgeenc.recipe import build_steps, parse_recipe
from edgeenc.steps.line.make import make_plan, seed_for
from edgeenc.targets.onnx import ONNX
from edgeenc.tasks.examples import Item, TaskData
from edgeenc.tasks.kinds.classify import CLASSIFY
from edgeenc.tasks.kinds.tag import TAG
from edgeenc.tasks.scores.metrics import MACRO_F1
from edgeenc.tasks.task import Task
from edgeenc.text.mixture import Text

RUNTIME = Runtime(threads=1)


@pytest.fixture(scope="module")
def world(tiny_encoder: Encoder, sentences: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_world(tiny_encoder, sentences, tmp_path_factory.mktemp("world"))


def request_of(world: World, changes: dict[str, object] | None = None) -> Request:
    fields = yaml.safe_load(world.recipe.read_text()) | (changes or {})
    recipe = parse_recipe(fields, "tiny")
    return Request(recipe, world.teacher, str(world.teacher), (Text(resolve("ilo"), world.corpus),))


def keys(plan: Plan) -> dict[str, str]:
    return {step.name: step.key for step in plan.steps}


def test_the_same_request_gives_the_same_plan(world: World) -> None:
    assert make_plan(request_of(world), RUNTIME) == make_plan(request_of(world), RUNTIME)


def test_threads_and_save_times_change_no_key(world: World) -> None:
    other = Runtime(threads=2, save_seconds=1.0)
    assert keys(make_plan(request_of(world), other)) == keys(make_plan(request_of(world), RUNTIME))


def test_the_dtype_changes_trained_steps_and_what_follows(world: World) -> None:
    one = keys(make_plan(request_of(world), RUNTIME))
    two = keys(make_plan(request_of(world), Runtime(dtype="bfloat16")))
    same = {name for name in one if one[name] == two[name]}
    assert same == {"corpus", "teacher", "trim-vocab", "export:teacher"}


def test_a_changed_stage_changes_it_and_what_follows(world: World) -> None:
    stages = yaml.safe_load(world.recipe.read_text())["stages"]
    stages[4]["intermediate_size"] = 24
    one, two = (
        keys(make_plan(request_of(world), RUNTIME)),
        keys(make_plan(request_of(world, {"stages": stages}), RUNTIME)),
    )
    changed = {name for name in one if one[name] != two[name]}
    assert changed == {
        "prune-ffn", "truncate-hidden", "student", "measure", "export", "quantize", "verify", "bench", "bundle"
    }  # fmt: skip


def test_bounds_change_the_gates_but_no_model(world: World) -> None:
    one = keys(make_plan(request_of(world), RUNTIME))
    two = keys(make_plan(request_of(world, {"bounds": {"parity": 1e-3}}), RUNTIME))
    assert {name for name in one if one[name] != two[name]} == {"verify", "bundle"}


def test_other_text_changes_everything_but_the_teacher(world: World, tmp_path: Path) -> None:
    text = tmp_path / "other.txt"
    text.write_text(world.corpus.read_text() + "\nisa pa\n")
    one = keys(make_plan(request_of(world), RUNTIME))
    two = keys(make_plan(replace(request_of(world), texts=(Text(resolve("ilo"), text),)), RUNTIME))
    assert {name for name in one if one[name] == two[name]} == {"teacher", "export:teacher"}


def test_shapes_and_sizes_are_known(world: World) -> None:
    plan = make_plan(request_of(world), RUNTIME)
    student = plan.student
    assert student.name == "student"
    assert student.shape is not None
    assert (student.shape.layers, student.shape.hidden, student.shape.ffn, student.shape.vocab) == (2, 24, 32, 112)
    assert plan.step("quantize").predicted_bytes < plan.step("export").predicted_bytes
    assert plan.step("bundle").kind == "bundle" == plan.bundle.name


def test_a_coverage_is_a_bound_until_counted(world: World) -> None:
    stages = yaml.safe_load(world.recipe.read_text())["stages"]
    stages[0] = {"kind": "trim-vocab", "coverage": 0.99}
    plan = make_plan(request_of(world, {"stages": stages}), RUNTIME)
    status = dict.fromkeys(keys(plan), "to do")
    assert plan.to_json(status)["predicted"]["exact"] is False
    assert plan.student.shape is not None and plan.student.shape.vocab == 120


@pytest.mark.parametrize(("place", "stage", "words"), [
    (2, {"kind": "drop-layers", "layers": 9}, r"tiny: stages\.2: drop-layers: layers 9 is outside 1\.\.3"),
    (5, {"kind": "truncate-hidden", "hidden_size": 30}, r"stages\.5: truncate-hidden: 30 does not divide into 4"),
    (4, {"kind": "prune-ffn", "intermediate_size": 4000},
     r"tiny: stages\.4: prune-ffn: intermediate_size 4,000 is outside 1\.\.48"),
    (3, {"kind": "distill", "teacher": "teacher"}, r"student has 112 tokens and the teacher 'teacher' 120"),
    (3, {"kind": "distill", "teacher": "adapt", "match": {"relation": 1, "relation_heads": 5}},
     r"stages\.3: match: relation_heads 5 does not divide the attention widths 32 and 32; 32 does"),
    (3, {"kind": "distill", "teacher": "adapt", "match": {"hidden": 1, "teacher_layer": 4}},
     r"stages\.3: match: teacher_layer 4 is not there; the teacher has 3"),
    (2, {"kind": "drop-layers", "rule": "explicit", "keep": [0, 3]}, r"stages\.2: drop-layers: \[0, 3\] are not asc"),
])  # fmt: skip
def test_impossible_orders_are_refused(world: World, place: int, stage: dict[str, object], words: str) -> None:
    stages = yaml.safe_load(world.recipe.read_text())["stages"]
    stages[place] = {"name": "distill"} | stage if place == 3 else stage
    with pytest.raises(RecipeError, match=words):
        make_plan(request_of(world, {"stages": stages}), RUNTIME)


def test_a_control_has_the_tokens_of_all_trainings(world: World) -> None:
    plan = make_plan(request_of(world, {"control": "random"}), RUNTIME)
    assert plan.step("control").fields["tokens"] == 4096 + 4096 + 8192
    assert plan.step("measure").inputs[Role("control")] == "control"


def test_roles_and_names_do_not_meet(world: World) -> None:
    """A step called `encoder` that teaches: the student of the distillation is still the step before."""
    stages = [
        {"kind": "adapt", "name": "encoder", "tokens": 256, "sequence_lengths": [16]},
        {"kind": "adapt", "name": "b", "tokens": 256, "sequence_lengths": [16]},
        {"kind": "distill", "teacher": "encoder", "tokens": 256, "sequence_lengths": [16]},
    ]
    step = make_plan(request_of(world, {"stages": stages}), RUNTIME).step("distill")
    assert step.inputs == {ENCODER: "b", CORPUS: "corpus", Role("earlier", step="encoder"): "encoder"}


def test_only_a_student_reads_texts_that_nobody_labelled_and_it_needs_the_tuned_teacher(world: World) -> None:
    items = tuple(Item((text,), (label,)) for text, label in (("Umuulan.", "a"), ("Mainit.", "b")))
    task = Task("mood", MACRO_F1, TaskData(CLASSIFY, ("a", "b"), items, items, items))
    asked = request_of(world, {"fine_tuning": {"epochs": 2, "seeds": [1], "unlabelled_texts": 4}})
    plan = make_plan(replace(asked, task_data=task, purpose=CLASSIFY.purpose), RUNTIME)
    read = {ENCODER: asked.recipe.stages[-1].name, TASK: "task", GUIDE: "tune:teacher:1", CORPUS: "corpus"}
    assert plan.step("tune:student:1").inputs == read
    assert set(plan.step("tune:teacher:1").inputs) == {ENCODER, TASK}
    own = {name: plan.step(f"tune:{name}:1").fields for name in ("teacher", "student")}
    assert [one["unlabelled_texts"] for one in own.values()] == [0, 4]
    assert [one["head_start"] for one in own.values()] == ["random", "probe"]
    words = replace(task, data=replace(task.data, kind=TAG))
    tagged = make_plan(replace(asked, task_data=words, purpose=TAG.purpose), RUNTIME)
    assert tagged.step("tune:teacher:1").fields["head_start"] == "probe"


def test_no_stage_can_take_the_name_of_another_step(world: World) -> None:
    items = tuple(Item((text,), (label,)) for text, label in (("Umuulan.", "a"), ("Mainit.", "b")))
    task = Task("mood", MACRO_F1, TaskData(CLASSIFY, ("a", "b"), items, items, items))
    asked = request_of(world, {"control": "random"})
    more = [replace(asked, task_data=task, purpose=CLASSIFY.purpose), replace(asked, purpose=SENTENCE_EMBEDDING)]
    plans = [make_plan(one, RUNTIME) for one in (asked, *more)]
    assert {step.kind for plan in plans for step in plan.steps if step.stage is None} == build_steps()


def test_a_task_is_learnt_by_teacher_and_student_with_each_seed_and_one_is_shipped(world: World) -> None:
    items = tuple(Item((text,), (label,)) for text, label in (("Umuulan.", "a"), ("Mainit.", "b")))
    task = Task("mood", MACRO_F1, TaskData(CLASSIFY, ("a", "b"), items, items, items))
    plan = make_plan(replace(request_of(world), task_data=task, purpose=CLASSIFY.purpose), RUNTIME)
    tuned = [step.name for step in plan.steps if step.kind == "tune"]
    models = ("teacher", "trim-only", "student")
    assert tuned == [f"tune:{model}:{seed}" for model in models for seed in (1, 2)]
    assert plan.step("tune:trim-only:1").inputs[ENCODER] == "trim-vocab"
    assert plan.step("tune:student:2").inputs[GUIDE] == "tune:teacher:2"
    assert CORPUS not in plan.step("tune:student:2").inputs
    assert plan.shipped.name == "choose"
    assert plan.step("student").key == make_plan(request_of(world), RUNTIME).step("student").key
    other = replace(task, data=replace(task.data, test=items[:1]))
    moved = make_plan(replace(plan.request, task_data=other), RUNTIME)
    assert moved.step("tune:student:1").key != plan.step("tune:student:1").key


def test_what_a_task_s_file_is_made_from_is_verified_too(world: World) -> None:
    """Also where only the last file is asked for, as for an encoder; the bundle has but what was asked for."""
    items = tuple(Item((text,), (label,)) for text, label in (("Umuulan.", "a"), ("Mainit.", "b")))
    task = Task("mood", MACRO_F1, TaskData(CLASSIFY, ("a", "b"), items, items, items))
    asked = replace(request_of(world), task_data=task, purpose=CLASSIFY.purpose)
    whole, last = (make_plan(replace(asked, precisions=names), RUNTIME) for names in (ONNX.names, ONNX.names[-1:]))
    for name in ("verify", "bench"):
        assert [role.precision for role in last.step(name).inputs if role.part == "file"] == list(ONNX.names)
        assert last.step(name).key == whole.step(name).key
    assert last.bundle.fields["precisions"] == list(ONNX.names[-1:])


def test_without_training_there_is_no_cut(world: World) -> None:
    plan = make_plan(request_of(world, {"stages": [{"kind": "trim-vocab", "vocab_size": 112}]}), RUNTIME)
    assert Role("cut") not in plan.step("measure").inputs


@pytest.mark.parametrize("stage", [
    {"kind": "drop-layers", "layers": 400},
    {"kind": "prune-ffn", "intermediate_size": 10**30},
    {"kind": "truncate-hidden", "hidden_size": 80_000_000},
], ids=lambda stage: stage["kind"])  # fmt: skip
def test_a_size_that_the_teacher_cannot_give_is_refused_with_the_most_that_it_can(
    world: World, stage: dict[str, str | int]
) -> None:
    with pytest.raises(RecipeError, match=r"is outside 1\.\."):
        make_plan(request_of(world, {"stages": [stage]}), RUNTIME)


def test_a_vocabulary_is_at_most_the_teacher_s_and_no_slip_of_the_finger(world: World) -> None:
    plan = make_plan(request_of(world, {"stages": [{"kind": "trim-vocab", "vocab_size": 50_000}]}), RUNTIME)
    shapes = [step.shape for step in plan.steps if step.shape is not None]
    assert len({shape.vocab for shape in shapes}) == 1 and shapes[0].vocab < 50_000
    with pytest.raises(RecipeError, match="less than or equal to 2000000"):
        request_of(world, {"stages": [{"kind": "trim-vocab", "vocab_size": 80_000_000}]})


def test_a_missing_teacher_is_an_input_error(world: World, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        make_plan(replace(request_of(world), teacher=tmp_path / "none"), RUNTIME)


def test_seeds_belong_to_names() -> None:
    """A step's seed does not move when another step is added; two steps have two."""
    assert seed_for(7, "adapt") == seed_for(7, "adapt")
    assert len({seed_for(7, "adapt"), seed_for(7, "distill"), seed_for(8, "adapt")}) == 3
    assert 0 <= seed_for(7, "adapt") < 2**31


@pytest.mark.parametrize("arguments", [
    ["--recipe", "starter"],
    ["--recipe", "starter", "--task", "topic"],
    ["--recipe", "paper-mbert-564"],
    ["--recipe", "paper-xlmr-312"],
    ["--recipe", "tagalog-tiny"],
], ids=" ".join)  # fmt: skip
def test_a_plan_loads_no_library_of_tensors(tmp_path: Path, arguments: list[str]) -> None:
    """Shapes are all it needs; only what is measured once for each store, the faster dtype, is here given."""
    (tmp_path / "dtype.json").write_text('{"training": "float32"}')
    heavy = {"torch", "transformers", "datasets", "optimum", "onnx", "onnxruntime", "sklearn", "seqeval", "scipy"}
    code = (
        "import json, sys\nfrom edgeenc.cli import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    code = end.code\n"
        "print()\nprint(json.dumps([code, sorted({name.split('.')[0] for name in sys.modules})]))\n"
    )
    command = [sys.executable, "-c", code, "plan", "--lang", "tl", "--store", str(tmp_path), "--json", *arguments]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    plan, _, last = run.stdout.splitlines()
    code, modules = json.loads(last)
    assert code in (0, None)
    assert json.loads(plan)["steps"][-1]["name"] == "bundle"
    assert {"edgeenc", "pydantic"} <= set(modules)
    assert sorted(heavy & set(modules)) == []


def test_the_fields_of_a_recipe_are_arithmetic() -> None:
    """What a plan is made of imports nothing that holds a tensor, whoever asks for it."""
    code = (
        "import sys\nfrom edgeenc.recipe import stage_kinds\nassert len(stage_kinds()) == 8\n"
        "heavy = {'torch', 'transformers', 'tokenizers', 'safetensors', 'edgeenc.training_loop'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
