"""The sizes of a linear map behind the pooling of sentence vectors, which a plan knows before it has weights."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DenseShape:
    """A Dense module of sentence vectors, by its sizes.

    Attributes:
        reads, gives: channels of what it maps, and of what comes out.
        bias: whether it has one.
    """

    reads: int
    gives: int
    bias: bool = False

    @property
    def parameters(self) -> int:
        """Its weights and biases: from 384 channels to 64 with a bias 24,640."""
        return self.gives * (self.reads + self.bias)


Maps = tuple[DenseShape, ...]
"""The Dense modules of a model, in their order; () where it has none."""


def parameters_of(maps: Maps) -> int:
    """Return the parameters of all of them."""
    return sum(one.parameters for one in maps)
