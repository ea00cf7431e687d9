"""A gate: one check of what is published, as one value in one file of `gates/`; one loop runs them all.

The verify step and `edgeenc verify` run the same gates; which of them apply follows from what is at hand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer

from edgeenc.bundle.gate_text import GateBatch
from edgeenc.errors import GateError
from edgeenc.kinds import values_of
from edgeenc.recipe import Bounds
from edgeenc.record.gates import Gate
from edgeenc.targets.sessions.session import Session
from edgeenc.tasks.item import Item
from edgeenc.tasks.task_kind import TaskKind

FOLDER = "edgeenc.bundle.gates"
AT_MOST = "largest difference"
"""The unit whose values have an upper threshold; those of the others have a lower one."""


@dataclass(frozen=True)
class Exported:
    """A file that is checked.

    Attributes:
        precision: its name.
        session: runs it.
        source: runs what it was made from: PyTorch, or another file.
        rounded: whether its numbers are coarser than those of the source.
        path: where it lies.
    """

    precision: str
    session: Session
    source: Session
    rounded: bool
    path: Path | None = None


@dataclass(frozen=True)
class AppReading:
    """What a labelled model is asked as an app would.

    Attributes:
        kind: of its task.
        items: texts, or sentences of words; their labels do not matter.
        labels: of the model, by number.
        positions: to how many tokens a text is truncated.
    """

    kind: TaskKind
    items: Sequence[Item]
    labels: Sequence[str]
    positions: int


@dataclass(frozen=True)
class GateCase:
    """What gates are run on.

    Attributes:
        folder: the checkpoint that is shipped, with the tokenizer's files.
        tokenizer: its own.
        lines: the test split.
        batches: the same as a model reads it.
        files: in the order in which they are made.
        bounds: what they are held against.
        teacher: tokenizer of the untouched teacher, where it is at hand.
        bundle: the published folder, where it is one that is checked again.
        labelled: of a model of a task.
    """

    folder: Path
    tokenizer: Tokenizer
    lines: Sequence[str]
    batches: Sequence[GateBatch]
    files: tuple[Exported, ...]
    bounds: Bounds
    teacher: Tokenizer | None = None
    bundle: Path | None = None
    labelled: AppReading | None = None


@dataclass(frozen=True)
class GateKind:
    """One check.

    Attributes:
        name: what is checked; gates run in the order of their names, in reports too.
        measure: yield what was found; nothing where the gate does not apply.
        left_out: yield what could not be measured on this machine, and why.
    """

    name: str
    measure: Callable[[GateCase], Iterator[Gate]]
    left_out: Callable[[GateCase], Iterator[str]] = lambda case: iter(())


def gate_kinds() -> tuple[GateKind, ...]:
    """Return every gate, in the order in which they run."""
    return tuple(sorted(values_of(FOLDER, GateKind), key=lambda kind: kind.name))


def run_gates(case: GateCase) -> tuple[Gate, ...]:
    """Run every gate that applies.

    Raises:
        InputError: a file cannot be read.
        GateError: naming each failed gate, its value, its threshold and its worst example.
    """
    gates = tuple(gate for kind in gate_kinds() for gate in kind.measure(case))
    require(gates)
    return gates


def not_run(case: GateCase) -> tuple[str, ...]:
    """Return what gates could not measure on this machine, and why."""
    return tuple(said for kind in gate_kinds() for said in kind.left_out(case))


def require(gates: Sequence[Gate]) -> None:
    """Let a build go on only when every gate has passed.

    Raises:
        GateError: naming each failed gate, its value, its threshold and its worst example.
    """
    failed = [gate for gate in gates if not gate.passed]
    if failed:
        raise GateError("; ".join(map(_words, failed)) + "; nothing was published")


def _words(gate: Gate) -> str:
    side = "at most" if gate.unit == AT_MOST else "at least"
    line = gate.worst or ""
    worst = line if len(line) <= 120 else f"{line[:117]}..."
    return f"gate {gate.name}: {gate.unit} {gate.figure:.6g}, {side} {gate.bound:g} expected, worst example {worst!r}"
