"""Run a model as numpy in, numpy out: the one interface through which every form of it is checked, scored and timed.

Axis letters: B batch, T tokens, H hidden, V vocabulary, C labels, D dimensions of a vector.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edgeenc.model.purpose import Purpose

Ids = NDArray[np.int64]
Output = NDArray[np.float32]


class Session(Protocol):
    """A model that can be run, whatever its engine."""

    @property
    def purpose(self) -> Purpose:
        """What the output is."""
        ...

    def __call__(self, ids_BT: Ids, attend_BT: Ids) -> Output:
        """Return last hidden states (B, T, H), or logits: (B, T, V), of words (B, T, C), of texts (B, C).

        Of sentence vectors, these (B, D). `attend_BT` is 1 at tokens and 0 at padding.
        """
        ...
