"""`edgeenc fetch` prepares a machine; what it fetched is then enough without a hub. The hub is `hub.py`."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from hub import COMMIT, Hub, Repo, dead_address, running_hub, surroundings
from line import Done, make_world

from edgeenc.errors import InputError
from edgeenc.model.encoder import Encoder
from edgeenc.model.published import published_name
from edgeenc.sources.at_hand import require_at_hand

TEACHER, TEXT, TASK = f"some/bert@{COMMIT}", f"some/wiki@{COMMIT}:x.ilo", f"some/topics@{COMMIT}:ilo"


@dataclass(frozen=True)
class World:
    """A hub with a tiny teacher and a text, and a language file that names the text."""

    hub: Hub
    language: Path
    recipe: Path
    cache: Path

    def command(self, *words: str, address: str | None = None, **settings: str) -> Done:
        asked = [words[0], "--lang", str(self.language), "--recipe", str(self.recipe), *words[1:]]
        environment = surroundings(self.cache, address or self.hub.address) | settings
        done = subprocess.run(
            [sys.executable, "-m", "edgeenc", *asked], env=environment, capture_output=True, text=True, timeout=300
        )
        return Done(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def world(tiny_encoder: Encoder, sentences: tuple[str, ...], tmp_path: Path) -> Iterator[World]:
    made = make_world(tiny_encoder, sentences, tmp_path)
    file = io.BytesIO()
    pq.write_table(pa.table({"text": made.corpus.read_text().splitlines()}), file)
    language, recipe = tmp_path / "ilo.yaml", tmp_path / "hub.yaml"
    language.write_text(f"tag: ilo\nname: Iloko\ncorpus: {TEXT}\nmax_corpus_bytes: 60000\n")
    recipe.write_text(made.recipe.read_text().replace(str(made.teacher), TEACHER))
    repos = {
        "models/some/bert": Repo({path.name: path.read_bytes() for path in made.teacher.iterdir()}),
        "datasets/some/wiki": Repo({"x.ilo/train.parquet": file.getvalue()}),
    }
    with running_hub(repos) as hub:
        yield World(hub, language, recipe, tmp_path / "cache")


@pytest.mark.export
def test_a_fetched_machine_builds_without_a_hub(world: World, tmp_path: Path) -> None:
    before = world.command("build", "--offline", "-o", str(tmp_path / "out"), "--store", str(tmp_path / "store"))
    assert before.returncode == 5
    assert "2 things are missing:" in before.stderr
    assert f"corpus {TEXT}" in before.stderr and f"teacher {TEACHER}" in before.stderr
    assert world.hub.asked == []
    fetched = world.command("fetch", "--json")
    assert fetched.returncode == 0, fetched.stderr
    found = json.loads(fetched.stdout)
    weights = world.hub.repos["models/some/bert"].files["model.safetensors"]
    assert found[f"teacher {TEACHER}"]["model.safetensors"]["bytes"] == len(weights)
    (text,) = found[f"text {TEXT}"].values()
    assert 59_800 < text["bytes"] <= 60_000
    asked = len(world.hub.asked)
    built = world.command(
        "build", "--offline", "-o", str(tmp_path / "out"), "--store", str(tmp_path / "store"), "--json",
        "--threads", "1", address=dead_address(),
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    facts = json.loads(built.stdout)
    assert facts["corpus"] == TEXT
    assert facts["teacher"]["source"] == TEACHER
    assert len(world.hub.asked) == asked


SHORT = """
name: short
teacher: some/bert
stages: [{kind: trim-vocab, vocab_size: 112}]
bounds: {mean_cosine: 0.9, worst_cosine: 0.5}
"""


@pytest.mark.export
def test_a_teacher_without_a_commit_is_said_and_kept_by_plan_fetch_and_build(world: World, tmp_path: Path) -> None:
    world.recipe.write_text(SHORT)
    line = f"teacher some/bert: taken at commit {COMMIT}"
    for command in ("plan", "build"):
        missing = world.command(command, *(["--offline"] if command == "build" else []))
        assert missing.returncode == 5
        assert "2 things are missing:" in missing.stderr
        assert "teacher some/bert: no such folder; as a model of the hub it is not in" in missing.stderr
    assert world.hub.asked == []
    places = ("-o", str(tmp_path / "out"), "--store", str(tmp_path / "store"))
    built = world.command("build", *places, "--threads", "1")
    assert built.returncode == 0, built.stderr
    assert line in built.stderr.splitlines()
    recipe = yaml.safe_load((tmp_path / "out" / "recipe.yaml").read_text())
    assert recipe["teacher"] == TEACHER
    dead = dead_address()
    fetched = world.command("fetch", "--offline", address=dead)
    assert line in fetched.stdout.splitlines()
    planned = world.command("plan", "--store", places[-1], address=dead)
    assert planned.returncode == 0, planned.stderr
    assert line in planned.stdout.splitlines()
    assert "done" in planned.stdout and "to do" not in planned.stdout
    told = json.loads(world.command("plan", "--json", address=dead).stdout)
    assert told["teacher"]["source"] == TEACHER
    assert line in told["notes"]
    named = json.loads(world.command("plan", "--json", "--teacher", TEACHER, address=dead).stdout)
    assert line not in named["notes"]
    assert [step["key"] for step in named["steps"]][:2] == [step["key"] for step in told["steps"]][:2]


@pytest.mark.parametrize("called", ["google-bert/bert-base-multilingual-cased", "FacebookAI/xlm-roberta-base"])
def test_a_shape_that_the_package_knows_is_planned_without_its_commit(world: World, called: str) -> None:
    corpus = str(world.recipe.parent / "corpus.txt")
    words = ("--recipe", "starter", "--corpus", corpus, "--teacher", called, "--json")
    done = world.command("plan", *words, address=dead_address())
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    name = published_name(called)
    assert told["teacher"]["source"] == name != called
    assert told["notes"][0] == f"teacher {called}: taken at commit {name.rpartition('@')[2]}"


def test_what_fetch_prints_is_what_lies_there(world: World) -> None:
    done = world.command("fetch")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == f"teacher {TEACHER}"
    assert "sha256" in lines[1]
    assert lines[-1].endswith("bytes: all is here")
    again = world.command("fetch", "--offline", address=dead_address())
    assert again.stdout == done.stdout


@pytest.mark.parametrize(("task", "count"), [("topic", 3), (TASK, 3), (None, 2), ("other", 2), ("starter:pos-tl", 2)])
def test_everything_that_is_missing_is_listed_with_the_data_of_the_task_that_was_asked_for(
    world: World, task: str | None, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with world.language.open("a") as file:
        file.write(f"tasks:\n  - {{name: topic, data: '{TASK}'}}\n  - {{name: other, data: other.csv}}\n")
    with pytest.raises(InputError, match=f"{count} things are missing:") as error:
        require_at_hand(str(world.language), str(world.recipe), None, (), offline=True, task=task)
    assert (f"dataset {TASK}" in str(error.value)) is (count == 3)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    require_at_hand(str(world.language), str(world.recipe), None, (), offline=False, task=task)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(InputError, match=f"{count} things are missing:"):
        require_at_hand(str(world.language), str(world.recipe), None, (), offline=False, task=task)


def test_an_offline_refusal_loads_nothing_heavy(world: World) -> None:
    script = (
        "import sys\nfrom edgeenc.errors import InputError\nfrom edgeenc.sources.at_hand import require_at_hand\n"
        "try:\n    require_at_hand(*sys.argv[1:3], None, (), offline=True)\n"
        "except InputError:\n    print({'torch', 'transformers', 'datasets'} & set(sys.modules))\n"
    )
    command = [sys.executable, "-c", script, str(world.language), str(world.recipe)]
    done = subprocess.run(command, env=surroundings(world.cache, dead_address()), capture_output=True, text=True)
    assert done.stdout.strip() == "set()", done.stderr
