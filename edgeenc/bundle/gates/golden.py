"""A published bundle still gives its golden outputs; a build has none yet."""

from __future__ import annotations

from collections.abc import Iterator

from edgeenc.bundle.assemble import replay
from edgeenc.bundle.gate import AT_MOST, GateCase, GateKind
from edgeenc.record.gates import Gate

APART = 0.1
"""How far a value may be from the stored one: int8 kernels of processors differ a little, models far more."""


def _measure(case: GateCase) -> Iterator[Gate]:
    if case.bundle is not None:
        apart = replay(case.bundle)
        yield Gate("golden outputs", apart, APART, apart <= APART, AT_MOST, "")


GOLDEN = GateKind("golden outputs", _measure)
