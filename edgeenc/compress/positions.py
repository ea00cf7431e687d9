"""Which positions of a batch a student is compared at.

Axis letters: B rows, T tokens of a row, N = B * T positions, P compared ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from edgeenc.stages.distill import Positions
from edgeenc.text.batches import Masked, SpecialIds


@dataclass(frozen=True)
class Compared:
    """Which positions of a batch are compared.

    Attributes:
        where_P: flat indices (into B*T). Always as many in batches of one shape: with ever new sizes the matrix
            library compiles and keeps a kernel for each, so special tokens are weighed with 0, not left out.
        weight_N: 1 at positions that count, 0 at others; None where all of `where_P` count.
        labels_N: the target token at masked positions, -100 elsewhere.
    """

    where_P: Tensor
    weight_N: Tensor | None
    labels_N: Tensor

    @staticmethod
    def of(batch: Masked, positions: Positions, special: SpecialIds) -> Compared:
        """Choose the positions of a batch; a token shown as `[MASK]`, or as a random one, is a token."""
        shown_N = batch.ids_BT.flatten()
        labels_N = torch.full_like(shown_N, -100)
        labels_N[batch.chosen_P] = batch.labels_P
        if positions == "masked":
            return Compared(batch.chosen_P, None, labels_N)
        everywhere = torch.arange(len(shown_N), device=shown_N.device)
        if positions == "all":
            return Compared(everywhere, None, labels_N)
        specials = [number for number in special.specials if number != special.mask]
        special_N = torch.isin(shown_N, torch.tensor(specials, device=shown_N.device))
        return Compared(everywhere, (~special_N | (labels_N >= 0)).float(), labels_N)

    @property
    def weight_P(self) -> Tensor | None:
        """The weights at `where_P`."""
        return None if self.weight_N is None else self.weight_N[self.where_P]

    @property
    def count(self) -> Tensor | int:
        """How many positions count."""
        return len(self.where_P) if self.weight_N is None else self.weight_N.sum()
