"""Weights as people have them: in parts, in half precision, and damaged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from edgeenc.errors import InputError
from edgeenc.model.weights import INDEX, WEIGHTS, read_weights


def in_parts(folder: Path) -> dict[str, str]:
    save_file({"a": torch.ones(2)}, folder / "model-00001-of-00002.safetensors")
    save_file({"b": torch.zeros(3)}, folder / "model-00002-of-00002.safetensors")
    return {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}


def write_index(folder: Path, files: object) -> None:
    (folder / INDEX).write_text(json.dumps({"weight_map": files}))


def test_parts_are_read_as_one(tmp_path: Path) -> None:
    write_index(tmp_path, in_parts(tmp_path))
    assert sorted(read_weights(tmp_path)) == ["a", "b"]


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64, torch.float32])
def test_every_float_is_computed_in_float32(tmp_path: Path, kind: torch.dtype) -> None:
    save_file({"a": torch.full((2,), 0.5, dtype=kind)}, tmp_path / WEIGHTS)
    found = read_weights(tmp_path)["a"]
    assert found.dtype == torch.float32
    assert found.tolist() == [0.5, 0.5]


@pytest.mark.parametrize(("kind", "name"), [(torch.int8, "I8"), (torch.bool, "BOOL"), (torch.float8_e4m3fn, "F8_E4M3")])
def test_other_types_are_refused_by_name(tmp_path: Path, kind: torch.dtype, name: str) -> None:
    save_file({"encoder.weight": torch.zeros(2).to(kind)}, tmp_path / WEIGHTS)
    with pytest.raises(InputError, match=rf"encoder.weight \({name}\)"):
        read_weights(tmp_path)


def test_an_index_that_lies_is_refused(tmp_path: Path) -> None:
    files = in_parts(tmp_path)
    first, second = files.values()
    lies = {
        "only [*].safetensors beside it": files | {"b": "../" + second},
        "c not in any part": files | {"c": first},
        "third.safetensors missing": files | {"c": "third.safetensors"},
        "no weight_map": [],
    }
    for words, lie in lies.items():
        write_index(tmp_path, lie)
        with pytest.raises(InputError, match=words):
            read_weights(tmp_path)
    (tmp_path / INDEX).write_text("{")
    with pytest.raises(InputError, match="is damaged"):
        read_weights(tmp_path)


def test_tensors_beside_the_index_and_twice_are_refused(tmp_path: Path) -> None:
    files = in_parts(tmp_path)
    second = files["b"]
    save_file({"b": torch.zeros(3), "c": torch.zeros(1)}, tmp_path / second)
    write_index(tmp_path, files)
    with pytest.raises(InputError, match="c not in model"):
        read_weights(tmp_path)
    save_file({"a": torch.ones(2), "b": torch.zeros(3)}, tmp_path / second)
    with pytest.raises(InputError, match="a in more than one file"):
        read_weights(tmp_path)


def test_a_header_that_lies_is_refused(tmp_path: Path) -> None:
    header = json.dumps({"a": {"dtype": "F32", "shape": [1000], "data_offsets": [0, 4000]}}).encode()
    for content in (b"\xff" * 8 + b"{}", b"", len(header).to_bytes(8, "little") + header + b"\0" * 4):
        (tmp_path / WEIGHTS).write_bytes(content)
        with pytest.raises(InputError, match="is damaged"):
            read_weights(tmp_path)


@pytest.mark.parametrize(
    ("name", "words"),
    [("pytorch_model.bin", "edgeenc convert"), ("tf_model.h5", "TensorFlow"), ("flax_model.msgpack", "Flax"),
     ("model.onnx", "ONNX"), ("q4.gguf", "GGUF")],
)  # fmt: skip
def test_other_formats_are_refused_by_name(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(InputError, match=words):
        read_weights(tmp_path)


def test_integers_that_were_never_learnt_are_left_out(tmp_path: Path) -> None:
    save_file({"a": torch.ones(2), "embeddings.position_ids": torch.arange(4)}, tmp_path / WEIGHTS)
    assert sorted(read_weights(tmp_path)) == ["a"]
