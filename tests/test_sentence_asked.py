"""What is asked of sentence vectors: recipes, plans, and teachers whose folders say what is not known."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hub import COMMIT, Repo, ask, running_hub
from line import edgeenc, make_world
from safetensors.torch import load_file, save_file
from sentences import publish, recipe_for, write

from edgeenc.errors import InputError, RecipeError, ShapeError
from edgeenc.model.encoder import Encoder, load_encoder, save_encoder
from edgeenc.model.sentence_head import Dense, SentenceHead, read_sentence_head
from edgeenc.recipe import load_recipe, parse_recipe

STAGES = [{"kind": "trim-vocab", "vocab_size": 100}]


@pytest.fixture(scope="module")
def corpus(tiny_encoder: Encoder, sentences: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_world(tiny_encoder, sentences, tmp_path_factory.mktemp("world")).corpus


def planned(recipe: Path, corpus: Path, *more: str) -> dict:
    asked = ["plan", "--lang", "ilo", "--corpus", str(corpus), "--recipe", str(recipe), "--json", *more]
    done = edgeenc(*asked)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def refused(recipe: Path, corpus: Path, *more: str) -> tuple[int, str]:
    done = edgeenc("plan", "--lang", "ilo", "--corpus", str(corpus), "--recipe", str(recipe), *more)
    return done.returncode, " ".join(done.stderr.split())


def test_every_problem_of_a_recipe_is_told_at_once() -> None:
    fields = {"name": "x", "teacher": "y", "stages": STAGES, "purpose": "sentence-embeding"}
    fields |= {"sentence": {"pooling": "max", "normalise": True}}
    with pytest.raises(RecipeError) as error:
        parse_recipe(fields, "r")
    said = str(error.value)
    assert "3 problems" in said and "did you mean 'sentence-embedding'" in said
    assert "sentence.pooling" in said and "did you mean 'normalize'" in said
    with pytest.raises(RecipeError, match="needs labels, so a task"):
        parse_recipe(fields | {"purpose": "text-classification", "sentence": None}, "r")
    said = {"prompts": {"query": "q: "}, "default_prompt": "passage"}
    with pytest.raises(RecipeError, match="'passage' is none of the prompts, which are: query"):
        parse_recipe({"name": "x", "teacher": "y", "stages": STAGES, "sentence": said}, "r")


def test_a_recipe_that_says_nothing_is_written_as_before(tmp_path: Path) -> None:
    recipe = parse_recipe({"name": "x", "teacher": "y", "stages": STAGES}, "r")
    assert "purpose" not in recipe.to_yaml() and "sentence" not in recipe.to_yaml()
    said = {"pooling": "cls", "prompts": {"query": "q: "}}
    full = parse_recipe({"name": "x", "teacher": "y", "stages": STAGES, "sentence": said}, "r")
    (tmp_path / "full.yaml").write_text(full.to_yaml())
    again = load_recipe(str(tmp_path / "full.yaml"))
    assert again.sentence == full.sentence and again.to_yaml() == full.to_yaml()


def test_the_recipe_is_laid_over_the_teacher(sentences: tuple[str, ...], corpus: Path, tmp_path: Path) -> None:
    teacher = publish("newest", sentences, tmp_path / "teacher")
    plain = planned(recipe_for(teacher, tmp_path), corpus)
    assert 'length 1; prompts: query "query: ", document ""' in plain["notes"][-1]
    more = 'sentence: {pooling: cls, normalize: false, prompts: {query: "q: "}, default_prompt: query}\n'
    other = planned(recipe_for(teacher, tmp_path, more), corpus)
    assert other["notes"][-1].endswith('first token, 32 dimensions; prompts: query "q: " (default: query)')
    keys = [{step["name"]: step["key"] for step in plan["steps"]} for plan in (plain, other)]
    assert keys[0]["teacher"] != keys[1]["teacher"] and keys[0]["corpus"] == keys[1]["corpus"]
    default = recipe_for(teacher, tmp_path, "sentence: {default_prompt: passage}\n")
    code, said = refused(default, corpus)
    assert code == 5 and "the teacher has no prompt 'passage', but query, document" in said


def test_what_is_asked_wins_over_the_recipe(sentences: tuple[str, ...], corpus: Path, tmp_path: Path) -> None:
    teacher = publish("e5", sentences, tmp_path / "teacher")
    recipe = recipe_for(teacher, tmp_path)
    assert "sentence vectors" in planned(recipe, corpus)["notes"][-1]
    notes = planned(recipe, corpus, "--export-task", "feature-extraction")["notes"]
    assert not any("sentence vectors" in note for note in notes)


def test_a_folder_that_says_nothing_gives_the_mean_at_length_one(
    tiny_encoder: Encoder, corpus: Path, tmp_path: Path
) -> None:
    save_encoder(tiny_encoder, tmp_path / "teacher")
    notes = planned(recipe_for(tmp_path / "teacher", tmp_path), corpus)["notes"]
    assert "the teacher's folder does not say how a text's vector is made: mean of tokens, length 1" in notes


@pytest.mark.parametrize(
    ("pooling", "modules", "said"),
    [
        ({"pooling_mode_max_tokens": True}, None, "pooling by max"),
        ({"pooling_mode": "weightedmean"}, None, "weightedmean"),
        ({"pooling_mode": "mean", "include_prompt": False}, None, "include_prompt"),
        ({"pooling_mode": "mean"}, ["Transformer", "Pooling", "CNN"], "CNN"),
        ({"pooling_mode": "mean"}, ["Transformer", "Pooling", "Normalize", "Pooling"], "Normalize at most at the end"),
        ({"pooling_mode": "mean"}, ["Transformer"], "names Transformer; Transformer, Pooling"),
    ],
)
def test_what_is_not_known_is_refused_by_the_plan_only_where_vectors_are_asked_for(
    pooling: dict[str, object],
    modules: list[str] | None,
    said: str,
    sentences: tuple[str, ...],
    corpus: Path,
    tmp_path: Path,
) -> None:
    teacher = publish("e5", sentences, tmp_path / "teacher")
    write(teacher / "1_Pooling" / "config.json", pooling)
    if modules is not None:
        listed = [{"idx": n, "path": "" if kind == "Transformer" else f"{n}_{kind}", "type": f"a.{kind}"}
                  for n, kind in enumerate(modules)]  # fmt: skip
        write(teacher / "modules.json", listed)
    recipe = recipe_for(teacher, tmp_path)
    code, words = refused(recipe, corpus)
    assert code == 5 and said in words
    notes = planned(recipe, corpus, "--export-task", "feature-extraction")["notes"]
    assert any("is left out" in note and said in note for note in notes)
    assert load_encoder(teacher).sentence is None
    assert json.loads(edgeenc("inspect", str(teacher), "--json").stdout)["sentence"].startswith("not known: ")


def test_a_dense_module_that_does_not_fit_is_never_written(tiny_encoder: Encoder, tmp_path: Path) -> None:
    wide = replace(tiny_encoder, sentence=SentenceHead(dense=(Dense(torch.zeros(8, 48)),)))
    with pytest.raises(ShapeError, match="reads 48 channels, and there are 32"):
        save_encoder(wide, tmp_path)


def test_small_letters_that_only_the_library_makes_are_refused(sentences: tuple[str, ...], tmp_path: Path) -> None:
    teacher = publish("e5", sentences, tmp_path)
    write(teacher / "sentence_bert_config.json", {"max_seq_length": 64, "do_lower_case": True})
    with pytest.raises(InputError, match="makes letters small"):
        read_sentence_head(teacher)
    text = (teacher / "tokenizer.json").read_text("utf-8")
    (teacher / "tokenizer.json").write_text(
        text.replace('"lowercase":false', '"lowercase":true').replace('"lowercase": false', '"lowercase": true')
    )
    assert read_sentence_head(teacher) is not None


def test_a_teacher_of_the_hub_brings_the_files_of_its_vectors(sentences: tuple[str, ...], tmp_path: Path) -> None:
    teacher = publish("distiluse", sentences, tmp_path / "teacher")
    (teacher / "2_Dense" / "pytorch_model.bin").write_bytes(b"never fetched")
    found = [path for path in teacher.rglob("*") if path.is_file()]
    files = {path.relative_to(teacher).as_posix(): path.read_bytes() for path in found}
    with running_hub({"models/some/distiluse": Repo(files)}) as hub:
        (answer,) = ask(tmp_path / "cache", hub.address, f"some/distiluse@{COMMIT}")
    folder = next((tmp_path / "cache").rglob("modules.json")).parent
    assert answer, "it was found"
    head, right = read_sentence_head(folder), read_sentence_head(teacher)
    assert head is not None and right is not None
    assert torch.equal(head.dense[0].weight, right.dense[0].weight)
    assert not (folder / "2_Dense" / "pytorch_model.bin").exists()


@pytest.mark.parametrize(
    "changed",
    [
        *("modules.json", "config_sentence_transformers.json", "1_Pooling/config.json"),
        *("2_Dense/config.json", "2_Dense/model.safetensors"),
    ],
)
def test_the_key_of_a_teacher_is_of_every_file_that_makes_its_vectors(
    changed: str, sentences: tuple[str, ...], corpus: Path, tmp_path: Path
) -> None:
    teacher = publish("labse", sentences, tmp_path / "teacher")
    recipe = recipe_for(teacher, tmp_path)

    def keys(*more: str) -> dict[str, str]:
        return {step["name"]: step["key"] for step in planned(recipe, corpus, *more)["steps"]}

    before, hidden = keys(), keys("--export-task", "feature-extraction")
    path = teacher / changed
    if path.suffix == ".json":
        path.write_text(path.read_text() + " ")  # the same values: a key is of bytes
    else:
        state = load_file(path)
        save_file({name: tensor + 1 for name, tensor in state.items()}, path)
    assert keys()["teacher"] != before["teacher"] and keys()["corpus"] == before["corpus"]
    assert keys("--export-task", "feature-extraction")["teacher"] != hidden["teacher"]
