"""Keep some of the layers, as a recipe says it, and which ones each rule takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from edgeenc.errors import ShapeError
from edgeenc.model.shape import Shape
from edgeenc.record.former import Former
from edgeenc.stages.stage import Stage, within

Rule = Literal["stride", "last-k", "first-k", "first-last", "distilbert", "block-end"]
"""Rules that need no text."""


class DropLayers(Stage):
    """Copy some of the layers, chosen by a rule, by a list, or by what the masked-LM loss says."""

    FORMER: ClassVar[Former] = Former({"calibration_batches": "batches"})
    kind: Literal["drop-layers"] = "drop-layers"
    layers: int | None = Field(default=None, gt=0)
    """Layers to keep; not needed beside `keep`."""
    rule: Literal[Rule, "explicit", "importance", "vectors"] = "stride"
    """Which ones, of 12 to 6, counted from 0: `stride` 0 2 4 6 8 10, `last-k` 6 to 11, `first-k` 0 to 5, `first-last`
    0 1 2 9 10 11, `distilbert` 0 2 4 7 9 11 (evenly spread, both ends kept), `block-end` 1 3 5 7 9 11, `explicit` those
    of `keep`; `importance` takes out, one after the other, the layer without which the masked-LM loss is lowest;
    `vectors` that without which sentence vectors stay nearest to those of the uncut encoder, which needs no masked-LM
    head."""
    keep: tuple[Annotated[int, Field(ge=0)], ...] = ()
    """The layers to keep under `explicit`, counted from 0, ascending."""
    calibration_batches: int = Field(default=4, gt=0)
    """Batches of 2,048 tokens of training text on which `importance` and `vectors` are measured."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.rule == "explicit") != bool(self.keep):
            raise ValueError("`keep` and `rule: explicit` go together")
        if self.layers is None and not self.keep:
            raise ValueError("give the number of layers to keep as `layers`")
        if self.keep and self.layers not in (None, len(self.keep)):
            raise ValueError(f"layers is {self.layers}, keep has {len(self.keep)}; leave one of them out")
        return self

    @property
    def reads_logits(self) -> bool:
        """Under `importance` the masked-LM loss decides."""
        return self.rule == "importance"

    @property
    def makes_vectors(self) -> bool:
        """Under `vectors` sentence vectors decide."""
        return self.rule == "vectors"

    @property
    def count(self) -> int:
        """Layers to keep."""
        return self.layers or len(self.keep)

    def reshape(self, shape: Shape) -> Shape:
        """Fewer layers, all else as it was."""
        if self.rule in ("importance", "vectors"):
            within("drop-layers: layers", self.count, shape.layers)
            if shape.table.absent or shape.attend_every > 1:
                raise ShapeError(
                    f"drop-layers: the layers of a {shape.family} model differ in kind, so which can go is no matter of"
                    f" {self.rule} alone; choose them by another rule, e.g. first-k"
                )
            return shape.with_layers(range(self.count))
        if self.rule == "explicit":
            ascending(self.keep, shape.layers)
            return shape.with_layers(self.keep)
        return shape.with_layers(choose_layers(shape.layers, self.count, self.rule))


def choose_layers(count: int, keep: int, rule: Rule) -> tuple[int, ...]:
    """Return which `keep` of `count` layers a rule takes, 0-based.

    Worked example, 3 of 6: stride (0, 2, 4), block-end (1, 3, 5), first-k (0, 1, 2), last-k (3, 4, 5), first-last
    (0, 1, 5), distilbert (0, 3, 5).

    Source: arXiv:2505.16956 (stride for XLM-R, last-k for mBERT, first-k and first-last in its ablation); distilbert
    is arXiv:1910.01108's 0, 2, 4, 7, 9, 11 of 12 as a rule for any number; block-end after the code of
    arXiv:2306.01709.

    Raises:
        ShapeError: `keep` is outside 1..`count`, or has no room for both ends.
    """
    within("drop-layers: layers", keep, count)
    if rule == "first-k":
        return tuple(range(keep))
    if rule == "last-k":
        return tuple(range(count - keep, count))
    if rule == "first-last":
        return tuple(range(keep - keep // 2)) + tuple(range(count - keep // 2, count))
    if rule == "stride":
        return tuple(i * count // keep for i in range(keep))
    if rule == "block-end":
        return tuple((i + 1) * count // keep - 1 for i in range(keep))
    if keep < 2:
        raise ShapeError("drop-layers: distilbert keeps the first and the last layer, so at least 2; take another rule")
    gaps = keep - 1
    return tuple((2 * i * (count - 1) + gaps) // (2 * gaps) for i in range(keep))


def ascending(layers: Sequence[int], count: int) -> None:
    """Refuse what is not an ascending choice of 0..`count` - 1."""
    if not layers or list(layers) != sorted(set(layers)) or layers[0] < 0 or layers[-1] >= count:
        raise ShapeError(f"drop-layers: {list(layers)} are not ascending layers out of 0..{count - 1}")
