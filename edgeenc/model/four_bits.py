"""Weights in 4-bit blocks, as the kit's teacher is stored: read as float32, never written by a build.

A safetensors file whose metadata says `format: edgeenc-blocks` holds them as tensors of bytes, (rows, blocks, 18). A
block is 32 weights of a row: a float16 scale, then 16 bytes with the weights 0 to 15 in their low and 16 to 31 in their
high halves; a weight is scale * (half - 8). No other library takes such a file for weights: its format is unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from edgeenc.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

FORMAT = "edgeenc-blocks"
"""What such a file has in its metadata as `format`."""

STORED = "U8"
"""How safetensors calls the type of a tensor of bytes."""

NAME = "4-bit blocks"
"""What such weights are called in place of a type."""

WEIGHTS, BYTES = 32, 18
"""In a block."""


def shape_of_blocks(stored: Sequence[int]) -> list[int]:
    """Return the rows and columns that the sizes of a tensor of bytes stand for.

    Worked example: 250037 x 12 x 18 bytes are 250037 x 384 weights.

    Raises:
        InputError: these are no blocks.
    """
    if len(stored) != 3 or stored[2] != BYTES:
        found = " x ".join(map(str, stored)) or "1"
        raise InputError(f"{found} bytes are no {NAME}; rows x blocks x {BYTES} are")
    return [stored[0], stored[1] * WEIGHTS]


def dequantised(bytes_RB18: Tensor) -> Tensor:
    """Return the weights (rows, columns) of blocks as float32; no bit is lost, since a product has at most 15.

    Raises:
        InputError: these are no blocks.
    """
    import torch

    rows, columns = shape_of_blocks(bytes_RB18.shape)
    scale_RB1 = bytes_RB18[..., :2].clone(memory_format=torch.contiguous_format).view(torch.float16).float()
    halves = bytes_RB18[..., 2:]
    weight_RB32 = torch.cat([halves & 15, halves >> 4], dim=-1).float() - 8
    return weight_RB32.mul_(scale_RB1).reshape(rows, columns)
