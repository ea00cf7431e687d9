"""The shape of a masked-language-model encoder, and the arithmetic that follows from it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from edgeenc.errors import ShapeError
from edgeenc.model.axes import Axes, Rows, unpacked
from edgeenc.model.families import family_of
from edgeenc.model.family import Config, Family

if TYPE_CHECKING:
    from transformers import PretrainedConfig


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes that decide how large an encoder is.

    Attributes:
        layers: number of transformer layers.
        hidden: width of the residual stream.
        heads: attention heads per layer.
        head_width: channels per head; `heads * head_width` is the attention width.
        ffn: neurons of the feed-forward block.
        vocab: tokens of the tokenizer, rows of the embedding.
        positions: rows of the position table; where positions are computed, how many the model was trained for.
        types: rows of the token-type table, 0 where there is none.
        family: name of the family whose table of parameters holds.
        attend_every: every so many layers, from the first, one attends to the whole text, the others to a window.
        embedding: width of the tables of tokens, positions and types; 0 where it is the hidden size.
        relative: rows of the table of distances between tokens, 0 where there is none.
        parts: names of the parameters that this model has, and others of its family do not.
    """

    layers: int
    hidden: int
    heads: int
    head_width: int
    ffn: int
    vocab: int
    positions: int
    types: int
    family: str
    attend_every: int = 1
    embedding: int = 0
    relative: int = 0
    parts: tuple[str, ...] = ()

    @property
    def table(self) -> Family:
        """What is known of the family, the rows of its parameters above all, those of `parts` among them."""
        return family_of(self.family).with_parts(self.parts)

    @property
    def attention(self) -> int:
        """Channels of all heads together."""
        return self.heads * self.head_width

    @property
    def longest(self) -> int:
        """Tokens of the longest text that the model reads, special tokens counted.

        Worked example: mBERT 512; XLM-R has 514 position rows and never uses the first two, so 512 too.
        """
        return self.positions - self.table.unused_positions

    @property
    def sizes(self) -> dict[str, int]:
        """The sizes by name, for reports."""
        names = ("layers", "hidden", "heads", "head_width", "ffn", "vocab", "positions", "types")
        more = ("embedding",) if self.embedding else ()
        return {name: getattr(self, name) for name in (*names, *more)}

    @property
    def recorded(self) -> dict[str, int | str | tuple[str, ...]]:
        """All that is known of the shape, for manifests; what only some families have is left out where it is empty."""
        rare = ("embedding", "relative", "parts")
        return {name: value for name, value in asdict(self).items() if value or name not in rare}

    @property
    def absent(self) -> Rows:
        """The parameters of a layer that the first one lacks."""
        return {name: self.table.layer[name] for name in self.table.absent}

    def size(self, axis: str) -> int:
        """Return how many indices a dimension of this axis has, `3*attention` being three times `attention`."""
        blocks, name = unpacked(axis)
        return blocks * int(getattr(self, name)) or (self.hidden if name == "embedding" else 0)

    def count(self, axes: Axes) -> int:
        """Return the parameters of a tensor with these axes."""
        return math.prod(map(self.size, axes))

    def with_layers(self, kept: Sequence[int]) -> Shape:
        """Return the shape of an encoder that has only the layers `kept` (0-based, ascending).

        Worked example: of six layers of which every third attends to the whole text (0 and 3), layers 0, 1, 3 and 4
        are layers of which every second does; 0, 1, 2 and 3 stay every third; 0, 3 and 4 cannot be numbered so.

        Raises:
            ShapeError: the family's layers differ in kind, and these cannot stand where they would.
        """
        if self.table.absent and 0 not in kept:
            raise ShapeError(
                f"the first layer of a {self.family} model lacks {len(self.table.absent)} of the parameters of the"
                f" others, so none of these can take its place: keep layer 0 too, found {list(kept)}"
            )
        whole = [layer % self.attend_every == 0 for layer in kept]
        for every in (self.attend_every, *range(1, len(kept) + 1)):
            if whole == [place % every == 0 for place in range(len(kept))]:
                return replace(self, layers=len(kept), attend_every=every)
        raise ShapeError(
            f"every {self.attend_every}. layer of this {self.family} model attends to the whole text, the others to a"
            f" window, and among the kept ones {list(kept)} those do not come at equal distances; keep for example the"
            f" first {len(kept)}"
        )

    @property
    def embedding_parameters(self) -> int:
        """Parameters of the tables and norms around the layers."""
        return self._all(self.table.embeddings)

    @property
    def layer_parameters(self) -> int:
        """Parameters of one layer: query, key, value, output, norms, the feed-forward block."""
        return self._all(self.table.layer)

    @property
    def encoder_parameters(self) -> int:
        """Parameters without the masked-LM head; there is no pooler."""
        return self.embedding_parameters + self.layers * self.layer_parameters - self._all(self.absent)

    @property
    def head_parameters(self) -> int:
        """Parameters of the masked-LM head that are not shared with the embedding: transform, norm, output bias."""
        return self._all(self.table.head)

    @property
    def parameters(self) -> int:
        """Parameters of the masked-LM model, the tied table counted once.

        Worked example: mBERT, 12 layers of 768 with 12 heads of 64, FFN 3072, vocabulary 119,547, 512 positions and
        2 types, has 177,974,523: embeddings (119,547 + 512 + 2 + 2) * 768, layers 12 * 7,087,872, head 768 * 768 +
        3 * 768 + 119,547.
        """
        return self.encoder_parameters + self.head_parameters

    @property
    def config_fields(self) -> dict[str, int]:
        """The fields of the library's configuration that give this shape."""
        return {place: self.size(name) for name, place in self.table.fields.items()}

    def config_like(self, pattern: PretrainedConfig) -> dict[str, object]:
        """Return all fields of a configuration that gives this shape and is otherwise like `pattern`."""
        derived = self.table.derived
        kept = {name: value for name, value in pattern.to_dict().items() if name not in derived}
        return {**kept, **self.config_fields}

    def _all(self, rows: Rows) -> int:
        return sum(self.count(axes) for axes in rows.values())


def shape_of(config: Config) -> Shape:
    """Read the shape off a configuration; a size that the family does not have is 0.

    Raises:
        InputError: the family is not known, or the configuration describes no model of it that can be compressed.
    """
    family = family_of(config.model_type)
    sizes = {"types": 0, **family.sizes(config)}
    return Shape(**sizes, family=family.name, parts=family.parts_of(config))
