"""Which intermediate layers of student and teacher are compared, and how much that weighs, as a recipe says it."""

from __future__ import annotations

import math
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from edgeenc.errors import ShapeError
from edgeenc.model.shape import Shape

MOST_HEADS = 48
"""Relation heads where nothing is said: as many as arXiv:2012.15828 takes for base-size teachers, if that divides."""


class Match(BaseModel):
    """Weights of the losses between intermediate layers; 0 leaves a loss out."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)

    cosine: float = Field(default=0.0, ge=0)
    """1 - cosine of the last hidden states, mean over positions (arXiv:1910.01108)."""
    hidden: float = Field(default=0.0, ge=0)
    """Squared error of hidden states, mean over hidden dimensions and positions (arXiv:1909.10351)."""
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
    """Parts into which queries, keys and values are split for relations, whatever the numbers of heads; where nothing
    is said, the largest number of at most 48 that divides both attention widths."""

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

    def require_heads(self, shape: Shape) -> None:
        """Refuse a shape whose queries, keys and values cannot be told apart, where they are to be compared.

        Raises:
            ShapeError: the family packs the three into one matrix, or its attention reads more than these.
        """
        if self.reads_attention and shape.table.packed:
            raise ShapeError(
                f"match: relation and attention compare queries, keys and values, which a {shape.family} model packs"
                " into one matrix; leave both at 0 and give cosine or hidden a weight"
            )

        if self.attention and shape.relative:
            raise ShapeError(
                f"match: attention compares maps of queries and keys alone, to which a {shape.family} model adds the"
                " distances between tokens; leave it at 0 and give relation, cosine or hidden a weight"
            )

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
