"""Teachers from strangers: what cannot be right is refused by plan and build alike, in words, before it is spread."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from families import tiny
from safetensors.torch import load_file, save_file

from edgeenc.errors import InputError, UsageError
from edgeenc.model.checkpoint import read_checkpoint
from edgeenc.model.encoder import load_encoder, save_encoder
from edgeenc.sources import find_teacher


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


FRAMES: dict[str, tuple[dict[str, object], str]] = {
    "nothing around": ({"post_processor": None}, r"puts nothing around a text, expected \[CLS\] and \[SEP\]"),
    "ids of others": (
        {"post_processor": {"type": "BertProcessing", "sep": ["[SEP]", 7], "cls": ["[CLS]", 99_999]}},
        r"puts id 99,999 \(no token\) .* around a text",
    ),
    "normaliser": ({"normalizer": {"type": "Odd"}}, "tokenizer.json is damaged"),
    "pre-tokenizer": ({"pre_tokenizer": {"type": "Odd"}}, "tokenizer.json is damaged"),
    "decoder": ({"decoder": {"type": "Odd"}}, "tokenizer.json is damaged"),
    "version": ({"version": "9.0"}, "tokenizer.json is damaged"),
}


@pytest.mark.parametrize("what", FRAMES)
def test_what_lies_around_the_tokens_is_refused_before_a_build(what: str, folder: Path) -> None:
    change, words = FRAMES[what]
    whole = json.loads((folder / "tokenizer.json").read_bytes())
    (folder / "tokenizer.json").write_text(json.dumps(whole | change), encoding="utf-8")
    for look in (read_checkpoint, load_encoder):
        with pytest.raises(InputError, match=words):
            look(folder)


def test_padding_and_truncation_of_a_tokenizer_are_no_matter(folder: Path) -> None:
    whole = json.loads((folder / "tokenizer.json").read_bytes())
    whole["truncation"] = {"direction": "Right", "max_length": 8, "strategy": "LongestFirst", "stride": 0}
    pad = {"direction": "Right", "pad_to_multiple_of": None, "pad_id": 0, "pad_type_id": 0, "pad_token": "[PAD]"}
    whole["padding"] = {"strategy": {"Fixed": 8}, **pad}
    (folder / "tokenizer.json").write_text(json.dumps(whole), encoding="utf-8")
    assert read_checkpoint(folder).head == load_encoder(folder).head == "published"


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "config.json"])
def test_a_pointer_of_git_is_called_so(folder: Path, name: str) -> None:
    (folder / name).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n")
    with pytest.raises(InputError, match=f"{name} is a Git LFS pointer.*git lfs pull"):
        read_checkpoint(folder)


OTHERS = {
    "model-00001-of-00002.safetensors": "model.safetensors.index.json is missing",
    "adapter_model.safetensors": "an adapter .PEFT.*merge_and_unload",
    "tf_model.h5": "from_tf=True",
    "flax_model.msgpack": "from_flax=True",
    "model_int8.onnx": "the checkpoint that they were exported from",
    "q4.gguf": "GGUF",
    "encoder.safetensors": "there is encoder.safetensors: if it holds the whole model",
    "notes.txt": "no weights of another kind",
}


@pytest.mark.parametrize("name", OTHERS)
def test_weights_of_another_kind_are_called_what_they_are(folder: Path, name: str) -> None:
    (folder / "model.safetensors").rename(folder / name)
    with pytest.raises(InputError, match=OTHERS[name]):
        read_checkpoint(folder)


def test_a_model_in_a_folder_below_is_pointed_at(folder: Path) -> None:
    (folder / "0_Transformer").mkdir()
    (folder / "config.json").rename(folder / "0_Transformer" / "config.json")
    with pytest.raises(InputError, match="the model lies in 0_Transformer: give that"):
        read_checkpoint(folder)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("https://huggingface.co/org/name", "write `org/name`"),
        ("huggingface.co/org/name/tree/main", "write `org/name@main`"),
        ("https://example.org/model.zip", "write org/name of the hub, or a folder"),
    ],
)
def test_an_address_is_no_name(typed: str, meant: str) -> None:
    with pytest.raises(UsageError, match=meant):
        find_teacher(typed, offline=True)
