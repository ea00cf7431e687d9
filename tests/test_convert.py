"""Pickled weights become safetensors, and a pickle that would run code runs none."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from edgeenc.cli import cli
from edgeenc.errors import InputError, UsageError
from edgeenc.model.weights import read_weights
from edgeenc.sources.convert import convert


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
    assert all(torch.equal(found[name], tensor.float()) for name, tensor in shared().items())
    names = sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file())
    assert names == ["1_Pooling/config.json", "config.json", "model.safetensors", "modules.json"]
    with pytest.raises(UsageError, match="not an empty folder"):
        convert(str(folder), out)


def test_parts_and_the_old_format_are_read_in_place(tmp_path: Path) -> None:
    torch.save({"a": torch.ones(2)}, tmp_path / "one.bin", _use_new_zipfile_serialization=False)
    torch.save({"b": torch.zeros(2)}, tmp_path / "two.bin")
    index = tmp_path / "pytorch_model.bin.index.json"
    index.write_text(json.dumps({"weight_map": {"a": "one.bin", "b": "../two.bin"}}))
    with pytest.raises(InputError, match="not beside it"):
        convert(str(tmp_path))
    index.write_text(json.dumps({"weight_map": {"a": "one.bin", "b": "two.bin"}}))
    convert(str(tmp_path))
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
        convert(str(tmp_path))
    assert not mark.exists()
    assert [each.name for each in tmp_path.iterdir()] == ["pytorch_model.bin"]
