"""Weigh what happens inside a student against what happens inside its teacher, whatever their widths and depths.

Axis letters: B rows, T tokens, N = B * T positions, P compared positions, H hidden.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, Self

import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor, nn

from edgeenc.compress.inner import Inner, cosine_distance, look_inside, map_error, mean_map, relation
from edgeenc.compress.least_squares import Seen, ridge
from edgeenc.errors import ShapeError
from edgeenc.model.encoder import Encoder
from edgeenc.model.shape import Shape

MOST_HEADS = 48
"""Relation heads where nothing is said: as many as arXiv:2012.15828 takes for base-size teachers, if that divides."""
RIDGE = 1e-4


class Match(BaseModel):
    """Weights of the losses between inner states; 0 leaves a loss out."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)

    cosine: float = Field(default=0.0, ge=0)
    """1 - cosine of the last hidden states, mean over positions (arXiv:1910.01108)."""
    hidden: float = Field(default=0.0, ge=0)
    """Squared error of hidden states, mean over channels and positions (arXiv:1909.10351)."""
    relation: float = Field(default=0.0, ge=0)
    """Divergence of the relations between queries, between keys and between values (arXiv:2012.15828)."""
    attention: float = Field(default=0.0, ge=0)
    """Squared error of the attention maps averaged over heads: sum over keys, mean over queries (arXiv:2502.18020)."""
    layers: Literal["last", "all"] = "last"
    """Where hidden states, relations and attention are compared: at the student's `last` layer, or at `all` of them
    and, for hidden states, at the embeddings too; its layer i of S goes with the teacher's i * t / S, rounded down."""
    teacher_layer: int | None = Field(default=None, gt=0)
    """The teacher's layer t, counted from 1, that the student's last one goes with; the last where nothing is said."""
    relation_heads: int | None = Field(default=None, gt=0)
    """Parts into which queries, keys and values are cut for relations, whatever the numbers of heads; where nothing is
    said, the largest number of at most 48 that divides both attention widths."""

    @model_validator(mode="after")
    def _used(self) -> Self:
        if self.relation_heads is not None and not self.relation:
            raise ValueError("relation_heads without a weight for `relation`")
        return self

    @property
    def wanted(self) -> bool:
        """Whether any loss has a weight."""
        return any((self.cosine, self.hidden, self.relation, self.attention))

    @property
    def reads_attention(self) -> bool:
        """Whether queries and keys are needed."""
        return bool(self.relation or self.attention)

    def pairs(self, student: Shape, teacher: Shape) -> tuple[tuple[int, int], ...]:
        """Return which layer of the student goes with which of the teacher, counted from 1.

        Worked example: 4 layers and 12 under `all` give (1, 3), (2, 6), (3, 9), (4, 12); 3 and 4 give (1, 1), (2, 2),
        (3, 4).

        Raises:
            ShapeError: the teacher has no such layer, or fewer than the student.
        """
        top = self.teacher_layer or teacher.layers
        if top > teacher.layers:
            raise ShapeError(f"match: teacher_layer {top} is not there; the teacher has {teacher.layers}")
        if self.layers == "last":
            return ((student.layers, top),)
        if top < student.layers:
            raise ShapeError(
                f"match: the student's {student.layers} layers do not fit onto the teacher's {top}; say layers: last"
            )
        return tuple((i, i * top // student.layers) for i in range(1, student.layers + 1))

    def parts(self, student: Shape, teacher: Shape) -> int:
        """Return the number of relation heads.

        Worked example: widths 768 and 312 have the common divisors up to 24, so 24; 768 and 384 give 48.

        Raises:
            ShapeError: the number that the recipe gives does not divide both attention widths.
        """
        common = math.gcd(student.attention, teacher.attention)
        most = max(n for n in range(1, MOST_HEADS + 1) if common % n == 0)
        if self.relation_heads is not None and common % self.relation_heads:
            raise ShapeError(
                f"match: relation_heads {self.relation_heads} does not divide the attention widths"
                f" {student.attention} and {teacher.attention}; {most} does"
            )
        return self.relation_heads or most


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
                bridges[str(i)] = _bridge(own[i].flatten(0, 1), taught[j].flatten(0, 1))
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


def _bridge(own_NH: Tensor, taught_NH: Tensor) -> nn.Linear:
    """Return the linear map that starts as the least-squares one, so that it pulls the student nowhere by chance."""
    with torch.random.fork_rng(devices=[]):
        bridge = nn.Linear(own_NH.shape[1], taught_NH.shape[1], bias=False)
    bridge.weight.data = ridge(Seen.of(own_NH, taught_NH), RIDGE).T.float().contiguous()
    return bridge


def _mean(values_P: Tensor, weight_P: Tensor | None) -> Tensor:
    """Return the mean of the values that count."""
    return values_P.mean() if weight_P is None else (values_P * weight_P).sum() / weight_P.sum()
