"""Keep some of the layers, with their weights; nothing is trained here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from edgeenc.compress.stage import Desk, Made, Stage, within
from edgeenc.errors import ShapeError
from edgeenc.model.encoder import Encoder
from edgeenc.model.shape import Shape
from edgeenc.model.surgery import keep_layers, rebuild

Rule = Literal["stride", "last", "first", "block-end"]


class DropLayers(Stage):
    """Copy `layers` of the layers, chosen by a rule."""

    kind: Literal["drop-layers"] = "drop-layers"
    layers: int = Field(gt=0)
    """Layers to keep."""
    rule: Rule = "stride"
    """Which ones: every n-th from the first, the last, the first, or the last of each block."""

    def reshape(self, shape: Shape) -> Shape:
        """Fewer layers, all else as it was."""
        return shape.with_layers(choose_layers(shape.layers, self.layers, self.rule))

    def apply(self, encoder: Encoder, desk: Desk) -> Made:
        """Call `drop_layers`."""
        kept = choose_layers(encoder.shape.layers, self.layers, self.rule)
        return Made(drop_layers(encoder, kept), {"kept": list(kept)})


def choose_layers(count: int, keep: int, rule: Rule) -> tuple[int, ...]:
    """Return which `keep` of `count` layers a rule takes, 0-based.

    Worked example, 3 of 6: stride (0, 2, 4), block-end (1, 3, 5), first (0, 1, 2), last (3, 4, 5).

    Source: arXiv:2505.16956 (stride for XLM-R, last for mBERT); block-end after the repository of arXiv:2306.03044.

    Raises:
        ShapeError: `keep` is outside 1..`count`.
    """
    within("drop-layers: layers", keep, count)
    if rule == "first":
        return tuple(range(keep))
    if rule == "last":
        return tuple(range(count - keep, count))
    if rule == "stride":
        return tuple(i * count // keep for i in range(keep))
    return tuple((i + 1) * count // keep - 1 for i in range(keep))


def drop_layers(encoder: Encoder, layers: Sequence[int]) -> Encoder:
    """Return `encoder` with only `layers` (0-based, ascending), in their order.

    Raises:
        ShapeError: no layer, a layer that is not there, or an order that is not ascending.
    """
    count = encoder.shape.layers
    if not layers or list(layers) != sorted(set(layers)) or layers[0] < 0 or layers[-1] >= count:
        raise ShapeError(f"drop-layers: {list(layers)} are not ascending layers out of 0..{count - 1}")
    state = keep_layers(encoder.model.state_dict(), encoder.anatomy, layers)
    return rebuild(encoder, state, encoder.shape.with_layers(layers))
