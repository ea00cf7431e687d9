"""Which axis each dimension of a parameter carries, and rows for the modules that many families have.

`*` in a row's name stands for a layer number. An axis `3*attention` is three blocks of the axis `attention` in one
dimension, as where query, key and value are packed into one matrix: an index of the axis is then kept in each block.
"""

from __future__ import annotations

from collections.abc import Mapping

Axes = tuple[str, ...]
Rows = Mapping[str, Axes]


def unpacked(axis: str) -> tuple[int, str]:
    """Return how many blocks of which axis a dimension has.

    Worked example: `3*attention` is (3, "attention"), `hidden` is (1, "hidden").
    """
    blocks, star, name = axis.rpartition("*")
    return (int(blocks), name) if star else (1, axis)


def linear(name: str, out: str, into: str) -> dict[str, Axes]:
    """Return the rows of a linear layer with a bias."""
    return {f"{name}.weight": (out, into), f"{name}.bias": (out,)}


def norm(name: str) -> dict[str, Axes]:
    """Return the rows of a norm of the residual stream with a bias."""
    return {f"{name}.weight": ("hidden",), f"{name}.bias": ("hidden",)}
