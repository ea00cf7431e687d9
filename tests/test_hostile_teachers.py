"""Teachers from strangers: what cannot be right is refused by plan and build alike, in words, before it is spread."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from families import tiny
from safetensors.torch import load_file, save_file

from edgeenc.errors import InputError
from edgeenc.model.checkpoint import read_checkpoint
from edgeenc.model.encoder import load_encoder, save_encoder


@pytest.fixture
def folder(sentences: tuple[str, ...], tmp_path: Path) -> Path:
    save_encoder(tiny("bert", sentences), tmp_path)
    return tmp_path


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_named(folder: Path, value: float) -> None:
    state = load_file(folder / "model.safetensors")
    name = "bert.encoder.layer.1.output.dense.weight"
    state[name][0, 0] = torch.tensor(value)
    save_file(state, folder / "model.safetensors")
    with pytest.raises(InputError, match=rf"1 tensors hold values that are no finite numbers: {name}"):
        load_encoder(folder)


def test_so_many_layers_are_refused_at_once(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_bytes())
    (folder / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 10**9}), encoding="utf-8")
    with pytest.raises(InputError, match="no encoder has so many layers"):
        read_checkpoint(folder)


def test_a_tokenizer_that_cannot_be_trimmed_is_refused_before_a_build(folder: Path) -> None:
    whole = json.loads((folder / "tokenizer.json").read_bytes())
    whole["model"] = {"type": "WordLevel", "vocab": whole["model"]["vocab"], "unk_token": "[UNK]"}
    (folder / "tokenizer.json").write_text(json.dumps(whole), encoding="utf-8")
    for look in (read_checkpoint, load_encoder):
        with pytest.raises(InputError, match="a tokenizer of type WordLevel is not known; known are"):
            look(folder)


@pytest.mark.parametrize("name", ["tokenizer.json", "config.json"])
def test_deep_nesting_is_damage(folder: Path, name: str) -> None:
    (folder / name).write_text("[" * 100_000 + "]" * 100_000, encoding="utf-8")
    with pytest.raises(InputError):
        read_checkpoint(folder)
