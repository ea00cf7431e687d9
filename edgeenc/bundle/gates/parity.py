"""A file whose numbers were not rounded gives what it was made from gives, PyTorch or a file, at every real token.

Axis letters: B batch, T tokens.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from edgeenc.bundle.gate import AT_MOST, Exported, GateCase, GateKind
from edgeenc.bundle.gate_text import GateBatch, by_token, read_BT
from edgeenc.record.gates import Gate


def parity_gate(file: Exported, batches: Sequence[GateBatch], bound: float) -> Gate:
    """Compare float32 outputs at every real token; the figure is the largest absolute difference."""
    found = []
    for batch in batches:
        right, other = (session(batch.ids_BT, batch.attend_BT) for session in (file.source, file.session))
        apart_BT = np.where(read_BT(batch, right), np.abs(by_token(right) - by_token(other)).max(axis=-1), 0)
        found += zip(apart_BT.max(axis=-1).tolist(), batch.lines, strict=True)
    # a NaN must come out as the worst, and a comparison with it as a failure
    figure, worst = max(found, key=lambda pair: (np.isnan(pair[0]), pair[0]))
    return Gate(f"{file.precision} parity", figure, bound, figure <= bound, AT_MOST, worst)


def _measure(case: GateCase) -> Iterator[Gate]:
    for file in case.files:
        if not file.rounded:
            yield parity_gate(file, case.batches, case.bounds.parity)


PARITY = GateKind("parity", _measure)
