"""A rounded file gives vectors that point where those of the file point that it was made from.

Axis letters: B batch, H hidden or whatever a vector has.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from edgeenc.bundle.gate import Exported, GateCase, GateKind
from edgeenc.bundle.gate_text import GateBatch
from edgeenc.recipe import Bounds
from edgeenc.record.gates import Gate


def cosine_gates(file: Exported, batches: Sequence[GateBatch], bounds: Bounds) -> Iterator[Gate]:
    """Yield the mean and the worst cosine of the vectors of a text; nothing where the purpose has no vectors."""
    vectors = file.source.purpose.view.vectors
    if vectors is None:
        return
    found = []
    for batch in batches:
        right_BH, other_BH = (
            vectors(session(batch.ids_BT, batch.attend_BT), batch.attend_BT) for session in (file.source, file.session)
        )
        norms_B = np.linalg.norm(right_BH, axis=-1) * np.linalg.norm(other_BH, axis=-1)
        found += zip(((right_BH * other_BH).sum(axis=-1) / norms_B).tolist(), batch.lines, strict=True)
    worst, line = min(found, key=lambda pair: (not np.isnan(pair[0]), pair[0]))
    mean = float(np.mean([cosine for cosine, _ in found]))
    name = file.precision
    yield Gate(f"{name} mean cosine", mean, bounds.mean_cosine, mean >= bounds.mean_cosine, "cosine", line)
    yield Gate(f"{name} worst cosine", worst, bounds.worst_cosine, worst >= bounds.worst_cosine, "cosine", line)


def _measure(case: GateCase) -> Iterator[Gate]:
    for file in case.files:
        if file.rounded:
            yield from cosine_gates(file, case.batches, case.bounds)


COSINES = GateKind("cosines", _measure)
