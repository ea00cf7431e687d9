"""Weights in 4-bit blocks: to the bit what a plain reading gives, and refused where they are damaged."""

from __future__ import annotations

import json
import math
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from edgeenc.errors import InputError
from edgeenc.model.four_bits import FORMAT, NAME, dequantised, shape_of_blocks
from edgeenc.model.header import read_header
from edgeenc.model.weights import WEIGHTS, headers, read_weights


def plain(block: bytes) -> list[float]:
    """Read one block of 18 bytes number by number."""
    (scale,) = struct.unpack("<e", block[:2])
    low = [scale * ((byte & 0x0F) - 8) for byte in block[2:]]
    return low + [scale * ((byte >> 4) - 8) for byte in block[2:]]


def blocks(rows: int, count: int) -> torch.Tensor:
    """Return random blocks with scales of every size and sign, all of them finite."""
    rng = np.random.default_rng(rows)
    raw = rng.integers(0, 256, (rows, count, 18), dtype=np.uint8)
    scales = (rng.normal(size=(rows, count, 1)) * 10.0 ** rng.integers(-7, 4, (rows, count, 1))).astype("<f2")
    raw[..., :2] = scales.view(np.uint8)
    return torch.from_numpy(raw)


def write(folder: Path, state: dict[str, torch.Tensor], said: str = FORMAT) -> Path:
    save_file(state, folder / WEIGHTS, metadata={"format": said})
    return folder / WEIGHTS


@pytest.mark.parametrize(("rows", "count"), [(1, 1), (7, 2), (64, 12), (3, 48), (0, 4)])
def test_every_weight_is_to_the_bit_what_a_plain_reading_gives(rows: int, count: int) -> None:
    raw = blocks(rows, count)
    expected = [[value for block in row for value in plain(bytes(block.tolist()))] for row in raw]
    found = dequantised(raw)
    assert found.dtype == torch.float32 and tuple(found.shape) == (rows, 32 * count)
    assert struct.pack(f"<{found.numel()}f", *found.flatten().tolist()) == b"".join(
        struct.pack("<f", value) for row in expected for value in row
    )


def test_a_block_by_hand() -> None:
    raw = bytes([0x00, 0x38]) + bytes([0x80, 0x09, 0xF7]) + bytes([0x88] * 13)  # 0.5; halves (0,8), (9,0), (7,15)
    found = dequantised(torch.tensor(list(raw), dtype=torch.uint8).reshape(1, 1, 18))[0].tolist()
    assert found[:3] == [-4.0, 0.5, -0.5] and found[16:19] == [0.0, -4.0, 3.5]
    assert not any(found[3:16] + found[19:])


def test_a_file_says_what_its_blocks_stand_for(tmp_path: Path) -> None:
    raw = blocks(5, 2)
    path = write(tmp_path, {"a.weight": raw, "a.bias": torch.ones(5), "b.weight": torch.ones(2, 32)})
    found = read_header(path)
    assert (found["a.weight"].dtype, found["a.weight"].shape) == (NAME, [5, 64])
    first, last = found["a.weight"].data_offsets
    assert last - first == 5 * 2 * 18 and math.prod(found["b.weight"].shape) == 64
    state = read_weights(tmp_path)
    assert torch.equal(state["a.weight"], dequantised(raw))
    assert torch.equal(state["b.weight"], torch.ones(2, 32)) and state["a.bias"].tolist() == [1.0] * 5


@pytest.mark.parametrize("shape", [(4,), (4, 18), (4, 2, 17), (4, 36), (1, 1, 1, 18), (4, 18, 2), ()])
def test_other_sizes_are_no_blocks(tmp_path: Path, shape: tuple[int, ...]) -> None:
    tensor = torch.zeros(shape, dtype=torch.uint8)
    with pytest.raises(InputError, match="bytes are no 4-bit blocks; rows x blocks x 18 are"):
        dequantised(tensor)
    write(tmp_path, {"a.weight": tensor})
    with pytest.raises(InputError, match=r"model.safetensors is damaged .*a.weight: .* are no 4-bit blocks"):
        headers(tmp_path)


@pytest.mark.parametrize("shape", [[9, 2, 18], [1, 2, 18], [4, 10**12, 18]])
def test_bytes_that_do_not_fit_the_shape_are_refused(tmp_path: Path, shape: list[int]) -> None:
    write_raw(tmp_path, {"a.weight": {"dtype": "U8", "shape": shape, "data_offsets": [0, 144]}}, 144)
    with pytest.raises(InputError, match=r"a.weight: 144 bytes for \d+ x \d+ x 18; get the file again"):
        read_weights(tmp_path)


def test_a_truncated_file_of_blocks_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, {"a.weight": blocks(4, 2)})
    path.write_bytes(path.read_bytes()[:-18])
    with pytest.raises(InputError, match="get the file again"):
        headers(tmp_path)


def test_bytes_in_a_file_of_another_format_are_no_weights(tmp_path: Path) -> None:
    write(tmp_path, {"a.weight": blocks(4, 2)}, said="pt")
    with pytest.raises(InputError, match=r"a.weight \(U8\) of a type that is not read"):
        headers(tmp_path)


def test_sizes_are_arithmetic() -> None:
    assert shape_of_blocks((250_037, 12, 18)) == [250_037, 384]


def write_raw(folder: Path, header: dict[str, object], count: int) -> None:
    text = json.dumps({"__metadata__": {"format": FORMAT}, **header}).encode()
    (folder / WEIGHTS).write_bytes(len(text).to_bytes(8, "little") + text + bytes(count))
