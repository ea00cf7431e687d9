"""What a student's vectors are compared with where they are not as long as the teacher's, or are cut, and what ships.

Axis letters: N texts, B texts of a batch, H the student's pooled states, D a student's vector, E a teacher's vector.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgeenc.compress.least_squares import Seen, ridge
from edgeenc.model.sentence_head import Dense, SentenceHead
from edgeenc.stages.distill_sentences import SentenceOptions

RIDGE = 1e-4


@dataclass(frozen=True)
class VectorAim:
    """How a student's vectors and its teacher's are made comparable.

    Attributes:
        head: what makes a student's vectors in training.
        ships: what makes them afterwards, but for what is learnt.
        basis_ED: what a teacher's vectors are projected on; None where they stay as they are.
        sizes: how many first dimensions are compared, each by itself; () for the whole vectors.
        learned: a linear map of the student's vectors to the teacher's width, trained along, or None.
    """

    head: SentenceHead
    ships: SentenceHead
    basis_ED: Tensor | None = None
    sizes: tuple[int, ...] = ()
    learned: nn.Linear | None = None

    def taught(self, vectors_NE: Tensor) -> Tensor:
        """Return what a student's vectors are compared with (N, D), of a teacher's vectors."""
        if self.basis_ED is None:
            return vectors_NE
        return F.normalize(vectors_NE @ self.basis_ED, dim=-1)

    def pairs(self, own_BD: Tensor, taught_BD: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield vectors of student and teacher that are compared: the whole ones, or each of the first dimensions."""
        if not self.sizes:
            yield own_BD, taught_BD
        for size in self.sizes:
            yield F.normalize(own_BD[:, :size], dim=-1), F.normalize(taught_BD[:, :size], dim=-1)

    def shipped(self) -> SentenceHead:
        """Return what makes the student's vectors from now on, with what was learnt."""
        if self.learned is None or self.ships is not self.head:
            return self.ships
        weight = self.learned.weight.detach().cpu().clone()
        return replace(self.head, dense=(*self.head.dense[:-1], Dense(weight)))


def aim_of(head: SentenceHead, hidden: int, vectors_NE: Tensor, options: SentenceOptions) -> VectorAim:
    """Return the aim of a student with this head, whose hidden states have `hidden` channels.

    A linear map of the student's vectors, without bias, is trained along wherever they are compared with something else
    than the teacher's as they are. Under `pca`, and where `dimensions` are asked for, that is the teacher's principal
    components, the strongest first: no other linear map to so few dimensions keeps the products of all pairs better
    (uncentred, since cosines are not centred either), and the first of them are the best of any smaller number, which
    is what nested sizes ask for (Kusupati et al. 2022, arXiv:2205.13147).

    Args:
        head: of the student, as it comes.
        hidden: channels of its hidden states.
        vectors_NE: of the teacher, of the training texts.
        options: projection, dimensions, nested sizes.

    Raises:
        ShapeError: these vectors cannot be compared so.
    """
    own, taught = head.dimensions(hidden), vectors_NE.shape[1]
    options.require_vectors(own, taught)
    if options.projection == "none" and options.dimensions is None:
        return VectorAim(head, head)
    size = options.dimensions or (taught if options.projection == "learned" else own)
    with torch.random.fork_rng(devices=[]):
        learned = nn.Linear(own, size, bias=False)
    trained = replace(head, dense=(*head.dense, Dense(learned.weight)))
    return VectorAim(
        head=trained,
        ships=trained if options.ship_projection else head,
        basis_ED=None if options.projection == "learned" else principal(vectors_NE, size),
        sizes=(size, *options.nested) if options.nested else (),
        learned=learned,
    )


def principal(vectors_NE: Tensor, count: int) -> Tensor:
    """Return the first principal components (E, count), uncentred, the strongest first, the largest entry positive."""
    wide_NE = vectors_NE.double()
    components_EE = torch.linalg.eigh(wide_NE.T @ wide_NE).eigenvectors.flip(1)[:, :count]
    largest_D = components_EE.abs().argmax(dim=0)
    signs_D = components_EE[largest_D, torch.arange(components_EE.shape[1])].sign()
    return (components_EE * signs_D).to(vectors_NE.dtype)


def start_from(learned: nn.Linear, pooled_NH: Tensor, vectors_NE: Tensor) -> None:
    """Let a linear map begin as the one that comes nearest to a teacher's vectors, by least squares."""
    scale = float(pooled_NH.square().mean().sqrt().clamp_min(1e-12))
    nearest_HE = ridge(Seen.of(pooled_NH.double() / scale, vectors_NE.double()), RIDGE) / scale
    with torch.no_grad():
        learned.weight.copy_(nearest_HE.T)
