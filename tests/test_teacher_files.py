"""A teacher in parts, in half precision, in the hub's cache: planned, inspected and addressed by all its files."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hub import COMMIT, Repo, dead_address, running_hub, surroundings
from line import World, edgeenc, make_world
from safetensors.torch import load_file, save_file

from edgeenc.asked import plan
from edgeenc.machine.disk import file_hash
from edgeenc.model.encoder import Encoder, load_encoder, save_encoder
from edgeenc.model.weights import INDEX, WEIGHTS
from edgeenc.planned import Plan
from edgeenc.record.ask import Ask
from edgeenc.store import Store


@pytest.fixture
def world(tiny_encoder: Encoder, sentences: tuple[str, ...], tmp_path: Path) -> World:
    return make_world(tiny_encoder, sentences, tmp_path)


def planned(world: World) -> Plan:
    ask = Ask("ilo", str(world.recipe), str(world.teacher), (str(world.corpus),))
    return plan(ask, Store(world.folder / "store"))


def split(folder: Path) -> list[str]:
    """Turn the weights of a folder into two parts with an index; return the names of the parts."""
    state = load_file(folder / WEIGHTS)
    parts = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    places = {name: parts[place % 2] for place, name in enumerate(sorted(state))}
    for part in parts:
        save_file({name: state[name] for name, own in places.items() if own == part}, folder / part)
    (folder / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": places}))
    (folder / WEIGHTS).unlink()
    return parts


def test_a_key_is_of_the_index_and_every_part(world: World) -> None:
    whole = planned(world).step("teacher")
    names = ("config.json", WEIGHTS, "tokenizer.json")
    assert whole.fields == {name: file_hash(world.teacher / name) for name in names}, "keys of one file stay"
    before = load_encoder(world.teacher).model.state_dict()
    parts = split(world.teacher)
    assert all(torch.equal(before[name], one) for name, one in load_encoder(world.teacher).model.state_dict().items())
    step = planned(world).step("teacher")
    assert sorted(step.fields) == sorted(["config.json", "tokenizer.json", INDEX, *parts])
    keys = {whole.key, step.key}
    for part in parts:
        path = world.teacher / part
        state = load_file(path)
        name = next(name for name in sorted(state) if name.endswith("LayerNorm.bias"))
        save_file(state | {name: state[name] + 1}, path)
        keys.add(planned(world).step("teacher").key)
    index = json.loads((world.teacher / INDEX).read_text())
    (world.teacher / INDEX).write_text(json.dumps(index, indent=1))
    keys.add(planned(world).step("teacher").key)
    assert len(keys) == 5


def test_a_teacher_in_parts_is_inspected(world: World) -> None:
    whole = json.loads(edgeenc("inspect", str(world.teacher), "--json").stdout)
    parts = split(world.teacher)
    found = json.loads(edgeenc("inspect", str(world.teacher), "--json").stdout)
    assert found == whole
    assert found["refusal"] == "" and not found["problems"]
    (world.teacher / parts[1]).unlink()
    lost = edgeenc("inspect", str(world.teacher))
    assert lost.returncode == 5
    assert f"{parts[1]} missing, which {INDEX} names" in lost.stderr


@pytest.mark.parametrize(
    ("kind", "called"), [(torch.float16, "float16"), (torch.bfloat16, "bfloat16"), (torch.float64, "float64")]
)
def test_half_precision_is_said(world: World, kind: torch.dtype, called: str) -> None:
    assert planned(world).notes == (), "float32 is no news"
    path = world.teacher / WEIGHTS
    save_file({name: one.to(kind) for name, one in load_file(path).items()}, path)
    line = f"the weights are {called} and are computed as float32"
    assert planned(world).notes == (line,)
    found = json.loads(edgeenc("inspect", str(world.teacher), "--json").stdout)
    assert found["notes"] == [line]
    assert found["problems"] == []


def test_a_model_of_the_hub_is_inspected_once_it_is_cached(tiny_encoder: Encoder, tmp_path: Path) -> None:
    save_encoder(tiny_encoder, tmp_path / "made")
    files = {path.name: path.read_bytes() for path in (tmp_path / "made").iterdir()}

    def command(address: str, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "edgeenc", *words],
            env=surroundings(tmp_path / "cache", address), capture_output=True, text=True, timeout=200, check=False,
        )  # fmt: skip

    with running_hub({"models/some/bert": Repo(files)}) as hub:
        lost = command(hub.address, "inspect", "some/bert")
        assert (lost.returncode, hub.asked) == (5, [])
        assert "not in the hub's cache" in lost.stderr and "edgeenc fetch" in lost.stderr
        fetched = command(hub.address, "fetch", "--lang", "tl", "--teacher", "some/bert")
        assert fetched.returncode == 0, fetched.stderr
    for name in ("some/bert", f"some/bert@{COMMIT}"):
        done = command(dead_address(), "inspect", name, "--json")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["refusal"] == ""
        assert (f"taken at commit {COMMIT}" in done.stderr) is ("@" not in name)
