"""The shapes of well-known teachers, so that a build can be planned on a machine that has none of their files.

`published/*.json` say of a model of the hub, at one commit, what its `config.json` says of its sizes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from edgeenc.model.config import plain_config
from edgeenc.model.shape import Shape, shape_of
from edgeenc.record.form import parse

_FOLDER = Path(__file__).parent / "published"


@dataclass(frozen=True, slots=True)
class Published:
    """A model of the hub.

    Attributes:
        model: its name there, `org/name`.
        revision: the commit.
        config: what its `config.json` says of its sizes.
    """

    model: str
    revision: str
    config: Mapping[str, int | str]

    @property
    def name(self) -> str:
        """The name without the organisation."""
        return self.model.rpartition("/")[2]


@cache
def published() -> tuple[Published, ...]:
    """Return the models whose shapes the package carries, by name."""
    return tuple(parse(Published, path.read_bytes()) for path in sorted(_FOLDER.glob("*.json")))


def published_name(source: str) -> str:
    """Return `org/name@commit` of a model that is known here and was called `org/name`; all else as it is."""
    return next((f"{one.model}@{one.revision}" for one in published() if one.model == source), source)


def published_shape(source: str) -> Shape | None:
    """Return the shape of the teacher `org/name@commit`, or None where this version of it is not known here.

    Worked example: `google-bert/bert-base-multilingual-cased` has 12 layers of 768 and 119,547 tokens.
    """
    for known in published():
        if source == f"{known.model}@{known.revision}":
            return shape_of(plain_config(known.config))
    return None
