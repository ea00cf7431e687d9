"""Pickled weights become safetensors, and a pickle that would run code runs none."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from hub import COMMIT, Repo, dead_address, running_hub, surroundings
from safetensors.torch import load_file

from edgeenc.bundle.inspect import look
from edgeenc.cli import cli
from edgeenc.errors import InputError, UsageError
from edgeenc.model.encoder import Encoder, load_encoder, save_encoder
from edgeenc.model.sentence_head import Dense, SentenceHead, read_sentence_head
from edgeenc.model.weights import read_weights
from edgeenc.sources.convert import Source, convert


def shared() -> dict[str, torch.Tensor]:
    rows = torch.arange(6.0).reshape(2, 3)
    return {"embeddings.weight": rows, "decoder.weight": rows, "half": torch.ones(2).half()}


def test_a_pickle_becomes_safetensors_with_all_but_code(tmp_path: Path) -> None:
    folder, out = tmp_path / "old", tmp_path / "new"
    (folder / "1_Pooling").mkdir(parents=True)
    torch.save(shared(), folder / "pytorch_model.bin")
    for name in ("config.json", "1_Pooling/config.json", "modules.json", "modeling.py"):
        (folder / name).write_text("{}")
    done = CliRunner().invoke(cli, ["convert", str(folder), "-o", str(out)])
    assert done.exit_code == 0, done.output
    assert "sha256" in done.output
    found = read_weights(out)
    assert sorted(found) == ["embeddings.weight", "half"], "tied tensors are stored once"
    assert all(torch.equal(tensor, shared()[name].float()) for name, tensor in found.items())
    assert not [each.name for each in tmp_path.iterdir() if each.name.startswith(".")]
    names = sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file())
    assert names == ["1_Pooling/config.json", "config.json", "model.safetensors", "modules.json"]
    with pytest.raises(UsageError, match="not an empty folder"):
        convert(Source(folder), out)


def test_parts_and_the_old_format_are_read_in_place(tmp_path: Path) -> None:
    torch.save({"a": torch.ones(2)}, tmp_path / "one.bin", _use_new_zipfile_serialization=False)
    torch.save({"b": torch.zeros(2)}, tmp_path / "two.bin")
    index = tmp_path / "pytorch_model.bin.index.json"
    index.write_text(json.dumps({"weight_map": {"a": "one.bin", "b": "../two.bin"}}))
    with pytest.raises(InputError, match="not beside it"):
        convert(Source(tmp_path))
    index.write_text(json.dumps({"weight_map": {"a": "one.bin", "b": "two.bin"}}))
    convert(Source(tmp_path))
    assert sorted(read_weights(tmp_path)) == ["a", "b"]


class Evil:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {self.mark}",)


@pytest.mark.parametrize("plain", [True, False])
def test_a_pickle_that_runs_code_is_refused_and_runs_none(tmp_path: Path, plain: bool) -> None:
    mark, path = tmp_path / "ran", tmp_path / "pytorch_model.bin"
    if plain:
        path.write_bytes(pickle.dumps({"a": Evil(mark)}))
    else:
        torch.save({"a": Evil(mark)}, path)
    with pytest.raises(InputError, match="is refused, nothing in it ran"):
        convert(Source(tmp_path))
    assert not mark.exists()
    assert [each.name for each in tmp_path.iterdir()] == ["pytorch_model.bin"]


def words_of(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        convert(Source(path.parent))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_what_is_no_table_of_tensors_is_refused_in_its_own_words(tmp_path: Path) -> None:
    path = tmp_path / "pytorch_model.bin"
    for new in (True, False):
        torch.save({"a": torch.ones(1000)}, path, _use_new_zipfile_serialization=new)
        path.write_bytes(path.read_bytes()[:-900])
        assert "is cut off or damaged" in words_of(path)
    path.write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    assert "is a Git LFS pointer" in words_of(path)
    path.write_bytes(b"<html>not found</html>")
    assert "is no pickle of tensors" in words_of(path)
    path.write_bytes(pickle.dumps({"a": 1}))
    assert "is no pickle of tensors" in words_of(path)
    torch.save({"a": torch.ones(2), "epoch": 3}, path)
    assert "other things than tensors: 1 of 2 entries, 'epoch' is a int" in words_of(path)
    torch.save([torch.ones(2)], path)
    assert "no table of tensors, but a list" in words_of(path)
    torch.save({}, path)
    assert "there are no tensors" in words_of(path)


def test_views_of_one_storage_keep_their_own_numbers(tmp_path: Path) -> None:
    rows = torch.arange(12.0).reshape(3, 4)
    state = {"all": rows, "first": rows[:1], "across": rows.T, "again": rows, "none": torch.empty(0)}
    torch.save(state, tmp_path / "pytorch_model.bin")
    found = read_weights(convert(Source(tmp_path))[0].parent)
    assert sorted(found) == ["across", "all", "first", "none"]
    assert all(torch.equal(tensor, state[name]) for name, tensor in found.items())


def test_a_link_out_of_the_folder_is_not_followed_and_leaves_nothing(tmp_path: Path) -> None:
    folder, secret = tmp_path / "old", tmp_path / "secret.txt"
    folder.mkdir()
    secret.write_text("secret")
    torch.save(shared(), folder / "pytorch_model.bin")
    (folder / "notes.txt").symlink_to(secret)
    with pytest.raises(InputError, match=r"notes\.txt is a link to a place outside"):
        convert(Source(folder), tmp_path / "new")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["old", "secret.txt"]


def command(cache: Path, address: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "edgeenc", *words],
        env=surroundings(cache, address), capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip


def test_a_model_of_the_hub_becomes_a_teacher(tiny_encoder: Encoder, tmp_path: Path) -> None:
    made, cache, out = tmp_path / "made", tmp_path / "cache", tmp_path / "new"
    save_encoder(tiny_encoder, made)
    torch.save(read_weights(made), tmp_path / "pytorch_model.bin")
    files = {path.name: path.read_bytes() for path in made.iterdir() if path.suffix != ".safetensors"}
    pickle_only = Repo(files | {"pytorch_model.bin": (tmp_path / "pytorch_model.bin").read_bytes()})
    safe = Repo({path.name: path.read_bytes() for path in made.iterdir()})
    with running_hub({"models/some/old": pickle_only, "models/some/new": safe}) as hub:
        refused = command(cache, hub.address, "convert", "some/old")
        assert (refused.returncode, "-o FOLDER" in refused.stderr) == (2, True)
        done = command(cache, hub.address, "convert", "some/old", "-o", str(out))
        assert done.returncode == 0, done.stderr
        assert f"model some/old: taken at commit {COMMIT}" in done.stderr
        new = command(cache, hub.address, "convert", f"some/new@{COMMIT}", "-o", str(tmp_path / "x"))
        assert (new.returncode, "has safetensors already" in new.stderr) == (5, True)
        lost = command(cache, hub.address, "convert", "a/b", "-o", str(tmp_path / "x"))
        assert (lost.returncode, "no such folder; the hub has no such model" in lost.stderr) == (5, True)
    assert look(out).refusal == ""
    again = command(cache, dead_address(), "convert", "some/old", "--offline", "-o", str(tmp_path / "again"))
    assert again.returncode == 0, again.stderr
    planned = command(cache, dead_address(), "plan", "--lang", "tl", "--teacher", "some/old")
    assert planned.returncode == 5
    assert f"run `edgeenc convert some/old@{COMMIT} -o FOLDER`" in " ".join(planned.stderr.split())
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("table", ["state_dict", "model_state_dict", "model"])
def test_the_table_of_a_training_program_is_found(tmp_path: Path, table: str) -> None:
    torch.save({table: {"module.a": torch.ones(2)}, "epoch": 3}, tmp_path / "pytorch_model.bin")
    convert(Source(tmp_path))
    assert sorted(load_file(tmp_path / "model.safetensors")) == ["a"]


def test_weights_of_dense_modules_are_converted_too_and_their_files_copied(
    tiny_encoder: Encoder, tmp_path: Path
) -> None:
    """As LaBSE is published: the model in safetensors, its Dense module pickled."""
    folder, out = tmp_path / "old", tmp_path / "new"
    dense = Dense(torch.randn(8, 32), torch.randn(8), "tanh")
    save_encoder(replace(tiny_encoder, sentence=SentenceHead("cls", (dense,))), folder)
    place = folder / "2_Dense"
    torch.save(load_file(place / "model.safetensors"), place / "pytorch_model.bin")
    (place / "model.safetensors").unlink()
    with pytest.raises(InputError, match=r"2_Dense: model.safetensors is missing; `edgeenc convert`"):
        read_sentence_head(folder)
    assert [path.relative_to(out).as_posix() for path in convert(Source(folder), out)] == ["2_Dense/model.safetensors"]
    head = read_sentence_head(out)
    assert head is not None and torch.equal(head.dense[0].weight, dense.weight)
    assert load_encoder(out).shape == tiny_encoder.shape
    convert(Source(folder))
    assert read_sentence_head(folder) is not None
    with pytest.raises(InputError, match="nothing to convert"):
        convert(Source(folder))


def test_a_hub_model_brings_the_dense_modules_that_are_pickled(tiny_encoder: Encoder, tmp_path: Path) -> None:
    dense = Dense(torch.randn(8, 32))
    save_encoder(replace(tiny_encoder, sentence=SentenceHead(dense=(dense,))), tmp_path / "old")
    place = tmp_path / "old" / "2_Dense"
    torch.save(load_file(place / "model.safetensors"), place / "pytorch_model.bin")
    (place / "model.safetensors").unlink()
    found = [path for path in (tmp_path / "old").rglob("*") if path.is_file()]
    files = {path.relative_to(tmp_path / "old").as_posix(): path.read_bytes() for path in found}
    with running_hub({"models/some/labse": Repo(files)}) as hub:
        command = [sys.executable, "-m", "edgeenc", "convert", f"some/labse@{COMMIT}", "-o", str(tmp_path / "new")]
        environment = surroundings(tmp_path / "cache", hub.address)
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    head = read_sentence_head(tmp_path / "new")
    assert head is not None and torch.equal(head.dense[0].weight, dense.weight)
