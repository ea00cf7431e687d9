"""Recipes: what ships is right, every mistake is named with its place, and the resolved recipe says the same."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from edgeenc.errors import RecipeError
from edgeenc.recipe import Recipe, load_language, load_recipe, parse_recipe, read_language, recipe_names, stage_kinds
from edgeenc.sources import data_folder
from edgeenc.stages.stage import Stage


@pytest.mark.parametrize("name", recipe_names())
def test_shipped_recipes_load_and_come_back(name: str) -> None:
    recipe = load_recipe(name)
    again = parse_recipe(yaml.safe_load(recipe.to_yaml()), "again")
    assert [stage.label for stage in again.stages] == [stage.label for stage in recipe.stages]
    assert again.to_yaml() == recipe.to_yaml()
    assert len((data_folder("recipes") / f"{name}.yaml").read_text().splitlines()) <= 60


@pytest.mark.parametrize("tag", ["tl", "mt", "sk", "sw"])
def test_shipped_languages_load(tag: str) -> None:
    language = load_language(tag)
    assert language is not None
    assert (language.tag, language.corpus) == (tag, "starter")


@pytest.mark.parametrize("tag", ["tl", "mt", "sk", "sw"])
def test_shipped_languages_have_every_task_of_the_kit(tag: str) -> None:
    language = load_language(tag)
    assert language is not None
    shipped = {
        folder.name for folder in (data_folder("starter") / "tasks").iterdir() if folder.name.endswith(f"-{tag}")
    }
    assert {task.data for task in language.tasks} == {f"starter:{name}" for name in shipped}
    assert all(task.data == f"starter:{task.name}-{tag}" for task in language.tasks)


def test_data_of_a_task_lies_beside_the_language_file(tmp_path: Path) -> None:
    path = tmp_path / "ilo.yaml"
    given = {"a": "sets/a.csv", "b": "/sets/b.csv", "c": "starter:topic-tl", "d": f"org/name@{'0' * 40}:ilo"}
    tasks = "".join(f"  - {{name: {name}, data: '{data}'}}\n" for name, data in given.items())
    path.write_text(f"tag: ilo\nname: Ilocano\ntasks:\n{tasks}")
    expected = {**given, "a": str(tmp_path / "sets" / "a.csv")}
    assert {task.name: task.data for task in read_language(path).tasks} == expected
    path.write_text("tag: ilo\nname: Ilocano\ntasks: [{name: a, data: x}, {name: a, data: y}]")
    with pytest.raises(RecipeError, match="1 problem:\n  tasks: two are called 'a'"):
        read_language(path)
    path.write_text("tag: ilo\nname: Ilocano\ntasks: [{name: Sentiment, data: x, metric: f1}, {data: y, colour: z}]")
    with pytest.raises(RecipeError) as caught:
        read_language(path)
    for words in (
        "4 problems",
        "tasks.0.name: string should match",
        "tasks.0.metric: ",
        "tasks.1.colour: no such field",
    ):
        assert words in str(caught.value)


def test_a_language_without_a_file_is_none() -> None:
    assert load_language("ilo") is None


def test_every_stage_kind_is_found() -> None:
    cuts = {"drop-layers", "prune-ffn", "reinitialize", "trim-vocab", "truncate-hidden"}
    trainings = {"distill", "distill-sentences"}
    assert set(stage_kinds()) == cuts | trainings | {"adapt"}
    assert all(issubclass(kind, Stage) for kind in stage_kinds().values())


def test_all_mistakes_at_once_with_their_places(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        """
name: mine
techer: starter
stages:
  - {kind: prune-fnn, width: 8}
  - {kind: prune-ffn, intermediate_size: -3, intermediate_sise: 8}
  - {kind: distill, teacher: adapted, tokens: 0}
  - {kind: adapt}
  - {kind: adapt}
  - {kind: trim-vocab, vocab_size: 100, coverage: 0.9}
  - 12
bounds: {parity: 0, mean_cosin: 1}
"""
    )
    with pytest.raises(RecipeError) as caught:
        load_recipe(str(path))
    message = str(caught.value)
    assert caught.value.exit_code == 2
    for words in (
        "mine.yaml has 11 problems:",
        "stages.0.kind: no such stage 'prune-fnn'; did you mean 'prune-ffn'?",
        "stages.1.intermediate_size: input should be greater than 0",
        "stages.1.intermediate_sise: no such field; did you mean 'intermediate_size'?",
        "stages.2.tokens: input should be greater than 0",
        "stages.5: value error, give either vocab_size or coverage",
        "stages.6: a mapping with a `kind` is expected",
        "stages.4: a second step 'adapt'; give it a `name` of its own",
        "techer: no such field; did you mean 'teacher'?",
        "teacher: field required",
        "bounds.parity: input should be greater than 0",
        "bounds.mean_cosin: no such field; did you mean 'mean_cosine'?",
    ):
        assert words in message, message


@pytest.mark.parametrize(("stage", "words"), [
    ({"kind": "adapt", "sequence_lengths": []}, r"stages\.0\.sequence_lengths: tuple should have at least 1 item"),
    ({"kind": "adapt", "sequence_lengths": [1]},
     r"stages\.0\.sequence_lengths\.0: input should be greater than or equal to 8"),
    ({"kind": "adapt", "sequence_lengths": [512], "batch_tokens": 256},
     "a sequence of 512 tokens does not fit into batch_tokens 256"),
    ({"kind": "adapt", "lr": float("inf")}, r"stages\.0\.lr: input should be a finite number"),
    ({"kind": "adapt", "mlm_probability": 1.0}, r"stages\.0\.mlm_probability: input should be less than 1"),
    ({"kind": "adapt", "name": "export"}, r"stages\.0: 'export' is a step that every build has"),
    ({"kind": "adapt", "name": "corpus"}, r"stages\.0: 'corpus' is a step that every build has"),
])  # fmt: skip
def test_values_that_cannot_work_are_refused(stage: dict[str, object], words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        parse_recipe({"name": "x", "teacher": "starter", "stages": [stage]}, "x")


def test_a_language_file_of_ones_own(tmp_path: Path) -> None:
    """Its corpus lies beside it, unless it is an absolute path."""
    path = tmp_path / "ilo.yaml"
    path.write_text("tag: ilo\nname: Iloko\ncorpus: texts/ilo.txt\n")
    assert read_language(path).corpus == str(tmp_path / "texts" / "ilo.txt")
    path.write_text("tag: ilo\nname: Iloko\ncorpsu: a\n")
    with pytest.raises(RecipeError, match="corpsu: no such field; did you mean 'corpus'"):
        read_language(path)


def test_a_teacher_that_comes_later_is_refused() -> None:
    stages = [{"kind": "distill", "teacher": "adapt"}, {"kind": "adapt"}]
    with pytest.raises(RecipeError, match=r"stages\.0: no earlier step 'adapt'; there are teacher"):
        parse_recipe({"name": "x", "teacher": "starter", "stages": stages}, "x")


@pytest.mark.parametrize(("text", "words"), [
    ("- a", "a mapping of fields is expected, found list"),
    ("a: [", "cannot be read as YAML"),
    ("name: x\nname: y\n", "the field 'name' is given twice"),
    ("name: x\nteacher: starter\n", "stages: field required"),
    ("name: x\nteacher: starter\nstages: []\n", "stages: tuple should have at least 1 item"),
    ("name: x\nteacher: starter\nstages: 3\n", "stages: input should be a valid tuple"),
])  # fmt: skip
def test_files_that_are_no_recipe(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(text)
    with pytest.raises(RecipeError, match=words):
        load_recipe(str(path))


def test_unknown_names_are_met_with_the_nearest() -> None:
    with pytest.raises(RecipeError, match="no recipe named 'startr'; did you mean 'starter'"):
        load_recipe("startr")
    with pytest.raises(RecipeError, match="no such file"):
        load_recipe("./nowhere.yaml")


def test_recipes_cannot_be_changed() -> None:
    recipe = load_recipe("starter")
    assert isinstance(recipe, Recipe)
    with pytest.raises(ValueError, match="frozen"):
        recipe.seed = 3  # type: ignore[misc]


def test_fill_mask_goes_on_from_the_starter_recipe() -> None:
    """Its first stages are the same, so a store that has one trains only what is new for the other."""
    starter, words = load_recipe("starter"), load_recipe("starter-fill-mask")
    assert words.stages[:-1] == starter.stages
    assert (words.seed, words.teacher) == (starter.seed, starter.teacher)


def test_the_small_one_goes_on_from_the_starter_recipe() -> None:
    starter, small = load_recipe("starter"), load_recipe("starter-small")
    assert small.stages[:-2] == starter.stages
    assert (small.seed, small.teacher, small.bounds) == (starter.seed, starter.teacher, starter.bounds)
