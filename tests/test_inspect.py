from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from rich.console import Console
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, models

from edgeenc.bundle import inspect
from edgeenc.bundle.inspect import look
from edgeenc.errors import InputError
from edgeenc.model.encoder import Encoder, save_encoder
from edgeenc.record.form import parse, plain
from edgeenc.record.inspected import Inspected, PartStored, TokenizerFile
from edgeenc.screen.inspect_lines import render


@pytest.fixture
def checkpoint(tiny_encoder: Encoder, tmp_path: Path) -> Path:
    save_encoder(tiny_encoder, tmp_path / "model")
    return tmp_path / "model"


def shown(found: Inspected) -> str:
    screen = io.StringIO()
    Console(file=screen, width=200).print(render(found))
    return screen.getvalue()


def test_shape_and_parameters_are_those_of_the_model(tiny_encoder: Encoder, checkpoint: Path) -> None:
    found = look(checkpoint)
    own = {name: p.numel() for name, p in tiny_encoder.model.named_parameters()}  # tied tensors appear once
    parts = {name: part["parameters"] for name, part in json.loads(json.dumps(plain(found.parts))).items()}
    assert parts == {
        "embeddings": sum(n for name, n in own.items() if "embeddings" in name),
        "layers": sum(n for name, n in own.items() if ".layer." in name),
        "head": sum(n for name, n in own.items() if name.startswith("cls.")),
        "unused": 0,
    }
    assert found.parameters == sum(own.values()) == tiny_encoder.shape.parameters
    assert found.shape == tiny_encoder.shape.sizes
    stored = (found.parts.embeddings, found.parts.layers, found.parts.head, found.parts.unused)
    assert sum(part.bytes for part in stored) == 4 * found.parameters
    assert (found.kind, found.family, found.dtypes) == ("checkpoint", "bert", ("F32",))
    assert found.tokenizer == TokenizerFile(
        kind="WordPiece",
        tokens=tiny_encoder.tokenizer.get_vocab_size(),
        bytes=(checkpoint / "tokenizer.json").stat().st_size,
    )
    assert found.problems == ()
    assert parse(Inspected, json.dumps(plain(found))) == found


def test_no_weight_is_loaded(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("safetensors.torch.load_file", lambda *_: pytest.fail("the weights were read"))
    size = (checkpoint / "model.safetensors").stat().st_size
    header = 8 + int.from_bytes((checkpoint / "model.safetensors").read_bytes()[:8], "little")
    (checkpoint / "model.safetensors").open("r+b").truncate(header)  # the header alone, then a hole
    with (checkpoint / "model.safetensors").open("r+b") as file:
        file.truncate(size)
    assert look(checkpoint).problems == ()


def test_a_pooler_and_second_copies_are_unused_and_half_precision_is_half_the_bytes(checkpoint: Path) -> None:
    state = {name: tensor.half() for name, tensor in load_file(checkpoint / "model.safetensors").items()}
    before = look(checkpoint)
    state["bert.pooler.dense.weight"] = torch.zeros(32, 32, dtype=torch.float16)
    state["cls.predictions.decoder.bias"] = state["cls.predictions.bias"].clone()
    save_file(state, checkpoint / "model.safetensors")
    found = look(checkpoint)
    assert found.parts.unused == PartStored(
        parameters=32 * 32 + before.shape["vocab"],
        bytes=2 * (32 * 32 + before.shape["vocab"]),
    )
    assert found.parameters == before.parameters
    assert found.parts.layers.bytes == before.parts.layers.bytes // 2
    assert found.dtypes == ("F16",)
    assert found.problems == ()


def test_a_tied_tensor_stored_only_under_its_second_name_counts(checkpoint: Path) -> None:
    before = look(checkpoint)
    state = load_file(checkpoint / "model.safetensors")
    state["cls.predictions.decoder.weight"] = state.pop("bert.embeddings.word_embeddings.weight")
    save_file(state, checkpoint / "model.safetensors")
    assert look(checkpoint).parts == before.parts


def test_a_bundle_shows_its_onnx_files(checkpoint: Path) -> None:
    (checkpoint / "onnx").mkdir()
    (checkpoint / "onnx" / "model.onnx").write_bytes(b"o" * 2_000_000)
    (checkpoint / "onnx" / "model_quantized.onnx").write_bytes(b"o" * 500_000)
    (checkpoint / "manifest.json").write_text('{"edgeenc_bundle": 1}', encoding="utf-8")
    found = look(checkpoint)
    assert found.kind == "bundle"
    assert found.files == {"onnx/model.onnx": 2_000_000, "onnx/model_quantized.onnx": 500_000}
    lines = {tuple(line.split()) for line in shown(found).splitlines()}
    assert ("onnx/model.onnx", "2.00") in lines
    assert ("onnx/model_quantized.onnx", "0.50") in lines
    assert (
        "head",
        f"{found.parts.head.parameters:,}",
        f"{found.parts.head.bytes / 1e6:.2f}",
    ) in lines
    assert "bundle, bert" in shown(found)


@pytest.mark.parametrize(
    ("model", "kind", "tokens"),
    [
        (models.Unigram([("<unk>", 0.0), ("a", -1.0), ("b", -2.0)], unk_id=0), "Unigram", 3),
        (models.BPE({"a": 0, "b": 1, "ab": 2}, [("a", "b")]), "BPE", 3),
        (models.WordPiece({"[UNK]": 0, "a": 1}, unk_token="[UNK]"), "WordPiece", 2),
    ],
)
def test_every_kind_of_tokenizer_is_counted_with_what_was_added(
    tmp_path: Path, model: models.Model, kind: str, tokens: int
) -> None:
    tokenizer = Tokenizer(model)
    tokenizer.add_tokens(["added", "a"])
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    found = inspect._tokenizer(tmp_path / "tokenizer.json")
    assert found is not None
    assert (found.kind, found.tokens) == (kind, tokens + 1) == (kind, tokenizer.get_vocab_size())


def test_what_does_not_belong_together_is_said(checkpoint: Path) -> None:
    config = json.loads((checkpoint / "config.json").read_text(encoding="utf-8"))
    vocab = config["vocab_size"]
    (checkpoint / "config.json").write_text(json.dumps(config | {"vocab_size": vocab + 1}), encoding="utf-8")
    count, tokens = look(checkpoint).problems
    right = look(checkpoint).parameters
    assert count == f"model.safetensors has {right:,} parameters, config.json says {right + 33:,}"  # a row and its bias
    assert tokens == f"the tokenizer has {vocab:,} tokens, config.json says {vocab + 1:,}"
    assert "problem: the tokenizer has" in shown(look(checkpoint))
    (checkpoint / "tokenizer.json").unlink()
    assert look(checkpoint).problems[1] == "tokenizer.json is missing"


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def _cut_header(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:100])


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _huge_header(path: Path) -> None:
    path.write_bytes(b"\xff" * 8 + path.read_bytes()[8:])


def _other_json(path: Path) -> None:
    path.write_bytes((2).to_bytes(8, "little") + b"[]")


def _other_rows(path: Path) -> None:
    path.write_bytes((7).to_bytes(8, "little") + b'{"a":1}')


def _gone(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize("damage", [_cut, _cut_header, _empty, _huge_header, _other_json, _other_rows, _gone])
def test_damaged_weights_are_an_input_error(checkpoint: Path, damage: Callable[[Path], None]) -> None:
    damage(checkpoint / "model.safetensors")
    with pytest.raises(
        InputError,
        match=r"model.safetensors: (the header is damaged|.* bytes, its header says|no such file)|is missing",
    ):
        look(checkpoint)


def test_other_damage_is_an_input_error(checkpoint: Path, tmp_path: Path) -> None:
    (checkpoint / "tokenizer.json").write_text('{"model": {}}', encoding="utf-8")
    with pytest.raises(InputError, match=r"tokenizer.json: damaged"):
        look(checkpoint)
    (checkpoint / "config.json").write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match=r"config.json"):
        look(checkpoint)
    shutil.rmtree(checkpoint)
    with pytest.raises(InputError, match="no such folder"):
        look(checkpoint)
