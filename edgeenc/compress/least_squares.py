"""The linear map that comes nearest to what was seen, in closed form.

Axis letters: N observations, I inputs, O outputs.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Seen:
    """Sums over observations, in float64: all that a least-squares fit needs, whatever their number.

    Attributes:
        square_II: inputs times inputs.
        cross_IO: inputs times outputs.
    """

    square_II: Tensor
    cross_IO: Tensor

    @staticmethod
    def of(inputs_NI: Tensor, outputs_NO: Tensor) -> Seen:
        """Return the sums of some observations."""
        inputs, outputs = inputs_NI.double(), outputs_NO.double()
        return Seen(inputs.T @ inputs, inputs.T @ outputs)

    def __add__(self, other: Seen) -> Seen:
        return Seen(self.square_II + other.square_II, self.cross_IO + other.cross_IO)


def with_one(inputs_NI: Tensor) -> Tensor:
    """Return the inputs with a last column of ones, whose weights are a bias."""
    return torch.cat([inputs_NI, inputs_NI.new_ones(len(inputs_NI), 1)], dim=1)


def ridge(seen: Seen, strength: float) -> Tensor:
    """Return the map W (I, O) with the least ``|inputs W - outputs|^2 + s |W|^2``.

    `s` is `strength` times the mean square of an input, so that it does not depend on their number or scale. Worked
    example: inputs 1, 2 and outputs 2, 4 give square 5, cross 10; with strength 1, W = 10 / (5 + 5) = 1; with nearly
    none, 2.

    Source: Hoerl and Kennard 1970, Technometrics 12(1).
    """
    penalty = strength * seen.square_II.diagonal().mean().clamp_min(1e-30)
    eye = torch.eye(len(seen.square_II), dtype=torch.float64, device=seen.square_II.device)
    return torch.linalg.solve(seen.square_II + penalty * eye, seen.cross_IO)
