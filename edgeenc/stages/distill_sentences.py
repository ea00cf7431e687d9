"""Distil a student from a teacher's sentence vectors, as a recipe says it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from edgeenc.errors import ShapeError
from edgeenc.model.shape import Shape
from edgeenc.stages.stage import Stage, within
from edgeenc.stages.training import Ending, Pace

Projection = Literal["none", "pca", "learned"]
Size = Annotated[int, Field(gt=0)]


class SentenceOptions(Ending, Pace):
    """How long a student is trained on sentence vectors, on which texts, and how the losses are weighed."""

    tokens: int = Field(default=1_000_000, gt=0)
    """Training tokens of the student, repeats included; padding is not counted."""
    batch_size: int = Field(default=64, gt=0)
    """Texts per optimiser step; under `similarity` each is compared with all others of them."""
    max_length: int = Field(default=128, ge=8)
    """Tokens to which a text is truncated, for student and teacher alike."""
    texts: int | None = Field(default=None, gt=0)
    """How many texts of the corpus are read at most; all where nothing is said. Which ones is a matter of a hash of
    each, so that a second student reads the same ones, whose vectors are known."""
    prompts: tuple[str, ...] = ()
    """Names of the prompts that are put before the texts, in turn; where nothing is said, the default one, or the first
    where none is the default."""
    cosine: float = Field(default=1.0, ge=0)
    """Weight of 1 - cosine to the teacher's vector, mean over texts."""
    mse: float = Field(default=0.0, ge=0)
    """Weight of the squared error to the teacher's vector, sum over dimensions, mean over texts (arXiv:2004.09813)."""
    similarity: float = Field(default=1.0, ge=0)
    """Weight of the divergence between the batch's similarities of teacher and student: for each text, the softmax of
    its cosines to the other texts of the batch (arXiv:1803.10837, arXiv:2101.04731)."""
    temperature: float = Field(default=0.05, gt=0)
    """Softmax temperature of `similarity`."""
    hidden: float = Field(default=0.0, ge=0)
    """Weight of 1 - cosine of the last hidden states at the same tokens, mean over tokens (arXiv:1910.01108); it needs
    a teacher with the same tokens, which then runs on every batch."""

    projection: Projection = "none"
    """How vectors of other lengths are compared: by a linear map of the student's, without bias, that is trained along.
    `learned`: to the teacher's length. `pca`: to as many dimensions as it has, the teacher's being given in so many
    of their principal components. `none`: they are equally long, or `similarity` alone has a weight."""
    ship_projection: bool = True
    """Whether that map becomes a Dense module of the student, which every library reads: one that was `learned` makes
    vectors that can be searched among the teacher's. Without it, the student's own vectors ship."""
    dimensions: int | None = Field(default=None, gt=0)
    """To how many dimensions vectors are cut: the teacher's first principal components, by such a map."""
    nested: tuple[Size, ...] = ()
    """Smaller numbers of first dimensions that are trained too, so that an app can cut vectors further
    (arXiv:2205.13147)."""

    @model_validator(mode="after")
    def _has_a_loss(self) -> Self:
        if not any((self.cosine, self.mse, self.similarity, self.hidden)):
            raise ValueError("cosine, mse, similarity and hidden are all 0: give one of them a weight")
        if self.similarity and self.batch_size < 2:
            raise ValueError("similarity compares the texts of a batch: say batch_size 2 or more, or similarity: 0")
        if self.projection == "learned" and self.dimensions is not None:
            raise ValueError("`dimensions` are the first principal components; leave out projection: learned, or them")
        if self.dimensions is not None and not self.ship_projection:
            raise ValueError("`dimensions` are what a map makes that ships; leave out ship_projection: false, or them")
        if self.nested and (self.dimensions is None or max(self.nested) >= self.dimensions):
            raise ValueError("`nested` are smaller than `dimensions`, which must be given too")
        return self

    def require_vectors(self, own: int, taught: int) -> None:
        """Refuse a student whose vectors of length `own` cannot be compared with a teacher's of length `taught`.

        Raises:
            ShapeError: they cannot.
        """
        if self.dimensions is not None:
            within("distill-sentences: dimensions", self.dimensions, min(own, taught))
        elif self.projection == "pca" and own > taught:
            raise ShapeError(
                f"distill-sentences: the student's vectors have {own} dimensions, the teacher's only {taught}, which"
                " have no more principal components; say projection: learned"
            )
        elif self.projection == "none" and own != taught and (self.cosine or self.mse):
            raise ShapeError(
                f"distill-sentences: the student's vectors have {own} dimensions, the teacher's {taught}; cosine and"
                " mse compare equal ones: say projection: pca or learned, or give similarity alone a weight"
            )


class DistillSentences(Stage, SentenceOptions):
    """Knowledge distillation from the sentence vectors of an earlier step; its tokenizer need not be the student's."""

    trains: ClassVar[bool] = True
    version: ClassVar[int] = 2
    loss_unit: ClassVar[str] = ""
    kind: Literal["distill-sentences"] = "distill-sentences"
    teacher: str
    """The step that is distilled from, `teacher` for the untouched encoder."""

    @property
    def makes_vectors(self) -> bool:
        """They are what is compared."""
        return True

    @property
    def reads(self) -> tuple[str, ...]:
        """The teacher's step."""
        return (self.teacher,)

    @property
    def compares_tokens(self) -> bool:
        """Whether teacher and student must read the same tokens: only hidden states are compared token by token."""
        return self.hidden > 0

    @property
    def reads_prompts(self) -> tuple[str, ...]:
        """Those that are named."""
        return self.prompts

    @property
    def adds_map(self) -> bool:
        """Wherever vectors are projected, and the map ships."""
        return self.ship_projection and (self.projection != "none" or self.dimensions is not None)

    def dimensions_after(self, own: int, taught: Mapping[str, int]) -> int:
        """Those it is cut to, or the teacher's where a projection that is learnt ships."""
        length = taught[self.teacher]
        self.require_vectors(own, length)
        learned = self.projection == "learned" and self.ship_projection
        return length if learned else self.dimensions or own

    def agree(self, shape: Shape, earlier: Mapping[str, Shape]) -> None:
        """Refuse texts that are too long for one of the two, and a teacher whose vectors cannot be compared."""
        within("distill-sentences: max_length", self.max_length, shape.longest)
        for name, taught in earlier.items():
            within(
                f"distill-sentences: teacher {name!r} reads fewer tokens: max_length", self.max_length, taught.longest
            )
            if self.hidden and taught.vocab != shape.vocab:
                raise ShapeError(
                    f"distill-sentences: hidden compares token by token; the student has {shape.vocab:,} tokens and the"
                    f" teacher {name!r} {taught.vocab:,}; say hidden: 0, or read a step with the same vocabulary"
                )
