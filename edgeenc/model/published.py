"""The shapes of well-known teachers, so that a build can be planned on a machine that has none of their files.

`published/*.json` say of a model of the hub, at one commit, what its `config.json` says of its sizes.
"""

from __future__ import annotations

import json
from pathlib import Path

from edgeenc.model.anatomy import anatomy_of
from edgeenc.model.config import plain_config
from edgeenc.model.shape import Shape

_FOLDER = Path(__file__).parent / "published"


def published_shape(source: str) -> Shape | None:
    """Return the shape of the teacher `org/name@commit`, or None where this version of it is not known here.

    Worked example: `google-bert/bert-base-multilingual-cased` has 12 layers of 768 and 119,547 pieces.
    """
    for path in sorted(_FOLDER.glob("*.json")):
        known = json.loads(path.read_text(encoding="utf-8"))
        if source == f"{known['model']}@{known['revision']}":
            config = plain_config(known["config"])
            return anatomy_of(config).shape(config)
    return None
