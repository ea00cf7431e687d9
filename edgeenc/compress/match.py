"""Weigh what happens inside a student against what happens inside its teacher, whatever their widths and depths.

Axis letters: B rows, T tokens, N = B * T positions, P compared positions, H hidden.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from edgeenc.compress.inner import Inner, cosine_distance, look_inside, map_error, mean_map, relation
from edgeenc.compress.least_squares import Seen, ridge
from edgeenc.model.encoder import Encoder
from edgeenc.stages.match import Match

RIDGE = 1e-4


@dataclass(frozen=True)
class Matcher:
    """The losses between a student and its teacher.

    Attributes:
        match: what weighs how much.
        pairs: which layer goes with which, counted from 1.
        parts: relation heads.
        bridges: for each compared layer of the student the linear map from its width to the teacher's, where they
            differ. They are trained with the student and left behind when training ends.
    """

    match: Match
    pairs: tuple[tuple[int, int], ...]
    parts: int
    bridges: nn.ModuleDict

    @staticmethod
    def of(match: Match, student: Encoder, teacher: Encoder, ids_BT: Tensor) -> Matcher:
        """Return the matcher of two encoders; its bridges start as the least-squares maps on the rows `ids_BT`."""
        pairs = match.pairs(student.shape, teacher.shape)
        bridges = nn.ModuleDict()
        if student.shape.hidden != teacher.shape.hidden and (match.hidden or match.cosine):
            with torch.no_grad():
                own, taught = (look_inside(e, ids_BT, heads=False).hidden for e in (student, teacher))
            for i, j in _compared(match, pairs):
                bridges[str(i)] = bridge_of(own[i].flatten(0, 1), taught[j].flatten(0, 1))
        return Matcher(match, pairs, match.parts(student.shape, teacher.shape) if match.relation else 1, bridges)

    def loss(self, own: Inner, taught: Inner, where_P: Tensor, weight_P: Tensor | None) -> Tensor:
        """Return the weighted sum of the losses; hidden states are compared at `where_P`, the rest in whole rows."""
        match, (last, top) = self.match, self.pairs[-1]
        total = torch.zeros((), device=where_P.device)

        def at(i: int, j: int) -> tuple[Tensor, Tensor]:
            own_PH = own.hidden[i].flatten(0, 1)[where_P].float()
            bridged = self.bridges[str(i)](own_PH) if str(i) in self.bridges else own_PH
            return bridged.float(), taught.hidden[j].flatten(0, 1)[where_P].float()

        if match.cosine:
            total = total + match.cosine * _mean(cosine_distance(*at(last, top)), weight_P)
        if match.hidden:
            compared = _compared(match, self.pairs)
            errors = [_mean((x - y).square().mean(-1), weight_P) for x, y in (at(i, j) for i, j in compared)]
            total = total + match.hidden * torch.stack(errors).mean()
        if match.relation:
            values = [relation(own.heads[i - 1], taught.heads[j - 1], self.parts) for i, j in self.pairs]
            total = total + match.relation * torch.stack(values).mean()
        if match.attention:
            maps = [
                map_error(mean_map(own.heads[i - 1], own.width), mean_map(taught.heads[j - 1], taught.width))
                for i, j in self.pairs
            ]
            total = total + match.attention * torch.stack(maps).mean()
        return total


def _compared(match: Match, pairs: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
    """Return the pairs of hidden states: those of `pairs`, and the embeddings' (0, 0) where all layers are compared."""
    return ((0, 0), *pairs) if match.hidden and match.layers == "all" else pairs[-1:]


def bridge_of(own_NH: Tensor, taught_NH: Tensor) -> nn.Linear:
    """Return the linear map that starts as the least-squares one, so that it pulls the student nowhere by chance."""
    with torch.random.fork_rng(devices=[]):
        bridge = nn.Linear(own_NH.shape[1], taught_NH.shape[1], bias=False)
    bridge.weight.data = ridge(Seen.of(own_NH, taught_NH), RIDGE).T.float().contiguous()
    return bridge


def _mean(values_P: Tensor, weight_P: Tensor | None) -> Tensor:
    """Return the mean of the values that count."""
    return values_P.mean() if weight_P is None else (values_P * weight_P).sum() / weight_P.sum()
