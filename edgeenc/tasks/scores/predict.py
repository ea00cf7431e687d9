"""The one scorer: what a session of whatever engine says about items, with the same ids and the same batches.

Axis letters: B batch, T tokens, C labels, N items, W words.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edgeenc.model.answers import NO_LABEL
from edgeenc.targets.sessions.session import Session
from edgeenc.tasks.encode import Encoded, by_length, padded
from edgeenc.tasks.item import NOWHERE

BATCH = 16


def word_logits(session: Session, encoded: Encoded) -> list[NDArray[np.float32]]:
    """Return for each item the logits (W, C) at its words' first tokens; NaN for words that were truncated."""
    found: list[NDArray[np.float32]] = [np.empty(0, np.float32)] * len(encoded.ids)
    for numbers in by_length(encoded, BATCH):
        out = session(*padded(encoded, numbers))
        out_BTC = out[:, None, :] if out.ndim == 2 else out
        for b, number in enumerate(numbers):
            places_W = np.asarray(encoded.places[number])
            rows_WC = out_BTC[b, np.maximum(places_W, 0)].astype(np.float32)
            rows_WC[places_W == NOWHERE] = np.nan
            found[number] = rows_WC
    return found


def predict(session: Session, encoded: Encoded, labels: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Return the label of each word of each item."""
    return tuple(
        tuple(NO_LABEL if np.isnan(row_C[0]) else labels[int(row_C.argmax())] for row_C in rows_WC)
        for rows_WC in word_logits(session, encoded)
    )
