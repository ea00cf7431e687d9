"""What a product of rounded numbers loses: to rounding, and on x86 without VNNI to sums that do not fit 16 bits.

There ONNX Runtime multiplies unsigned activations with signed weights by `vpmaddubsw`, which adds the products of two
neighbouring channels in 16 bits and cuts what is larger: 255 * 127 * 2 is twice as much as they hold. Other processors
add in 32 bits. Weights of 7 bits never reach it, and have steps twice as large.

Axis letters: N tokens, K channels that a product reads, M channels that it gives.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

WIDE, NARROW = 127, 64
"""Largest steps of a weight in 8 and in 7 bits: 2 * 255 * 64 fits."""
LEAST_SUM, LARGEST_SUM = -(2**15), 2**15 - 1
LARGEST_BYTE = 255
TINY = float(np.finfo(np.float32).tiny)


def rounded_weight(weight_KM: Floats, most: int) -> tuple[Floats, Floats]:
    """Return a weight in whole steps up to `most`, and the size of a step of each column (M,)."""
    step_M = np.maximum(np.abs(weight_KM).max(0) / np.float32(most), TINY).astype(np.float32)
    return np.rint(weight_KM / step_M), step_M


def rounding_error(rows_NK: Floats, weight_KM: Floats, most: int = WIDE) -> float:
    """Return the sum of squares by which a product is off whose activations have one scale, weights one per column.

    It is the mean of what it is on processors that add in 16 bits and on those that add in 32: a file runs on both.
    """
    low, high = min(0.0, float(rows_NK.min())), max(0.0, float(rows_NK.max()))
    step = max((high - low) / LARGEST_BYTE, TINY)
    zero = np.rint(-low / step)
    bytes_NK = np.clip(np.rint(rows_NK / step) + zero, 0, LARGEST_BYTE).astype(np.float32)
    steps_KM, step_M = rounded_weight(weight_KM, most)
    size_M = np.float32(step) * step_M
    off_NM = ((bytes_NK - np.float32(zero)) @ steps_KM) * size_M - rows_NK @ weight_KM
    cut_NM = off_NM if most == NARROW else off_NM - cut_away(bytes_NK, steps_KM) * size_M
    return float(np.square(off_NM).sum() + np.square(cut_NM).sum()) / 2


def cut_away(bytes_NK: Floats, steps_KM: Floats) -> Floats:
    """Return what a product (N, M) of bytes (0 to 255) and steps loses where sums of two channels have 16 bits.

    Worked example: bytes 255 and 255 on steps 127 and 127 are 64,770, of which 32,767 are left and 32,003 are lost.
    """
    lost_NM = np.zeros((len(bytes_NK), steps_KM.shape[1]), dtype=np.float32)
    for first in range(0, len(steps_KM) - 1, 2):
        pair_2M = steps_KM[first : first + 2]
        reach_M = LARGEST_BYTE * np.maximum(pair_2M.clip(min=0).sum(0), -pair_2M.clip(max=0).sum(0))
        wide = np.flatnonzero(reach_M > LARGEST_SUM)  # few of many channels; a single one never reaches it
        if len(wide):
            sums_NW = bytes_NK[:, first : first + 2] @ pair_2M[:, wide]
            lost_NM[:, wide] += sums_NW - sums_NW.clip(LEAST_SUM, LARGEST_SUM)
    return lost_NM
