"""A rounded file puts first what the file that it was made from puts first.

Axis letters: B batch, T tokens.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from edgeenc.bundle.gate import Exported, GateCase, GateKind
from edgeenc.bundle.gate_text import GateBatch, by_token, read_BT
from edgeenc.record.gates import Gate


def agreement_gate(file: Exported, batches: Sequence[GateBatch], bound: float) -> Gate:
    """Return the share of places at which both put the same token or label first; the worst line has the lowest share.

    The places are the masked tokens of a masked LM, the real tokens of a tagger, the texts of a classifier.
    """
    same = masked = 0
    found = []
    for batch in batches:
        right, other = (session(batch.ids_BT, batch.attend_BT) for session in (file.source, file.session))
        asked_BT = batch.masked_BT if file.source.purpose.view.masked else read_BT(batch, right)
        right, other = by_token(right), by_token(other)
        same_BT = (right.argmax(axis=-1) == other.argmax(axis=-1)) & asked_BT & np.isfinite(other).all(axis=-1)
        counts_B = asked_BT.sum(axis=-1)
        found += zip((same_BT.sum(axis=-1) / np.maximum(counts_B, 1)).tolist(), batch.lines, strict=True)
        same, masked = same + int(same_BT.sum()), masked + int(counts_B.sum())
    figure = same / max(1, masked)
    return Gate(f"{file.precision} agreement", figure, bound, figure >= bound, "share", min(found)[1])


def _measure(case: GateCase) -> Iterator[Gate]:
    for file in case.files:
        bound_of = file.source.purpose.view.choices
        if file.rounded and bound_of is not None:
            yield agreement_gate(file, case.batches, bound_of(case.bounds))


AGREEMENT = GateKind("agreement", _measure)
