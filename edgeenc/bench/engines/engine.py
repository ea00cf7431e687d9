"""What a runtime says of itself, and what a model that it has loaded can do.

Axis letters: B batch, T tokens, H hidden, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from edgeenc.bench.settings import Device

if TYPE_CHECKING:
    from pathlib import Path

    from edgeenc.targets.sessions.session import Ids, Output


class Files(Protocol):
    """The files of a model: its folder, and its exported file by precision."""

    @property
    def folder(self) -> Path:
        """Where a checkpoint lies."""
        ...

    @property
    def exported(self) -> Mapping[str, Path]:
        """Exported files; empty where there is none."""
        ...

    @property
    def engine(self) -> str:
        """The runtime that the exported files are timed in."""
        ...


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model that can be run: ids already on the device in, milliseconds of one run out.

    Attributes:
        output: `last_hidden_state` or `logits`.
        clock: what `bind` times by.
        bind: take ids and mask (B, T) to the device, and return the function that runs them once and returns the
            milliseconds that took.
        run: run ids and mask (B, T) once and return the output (B, T, H or V).
        vram: peak bytes allocated and reserved on the GPU, or None.
    """

    output: str
    clock: Literal["wall", "events"]
    bind: Callable[[Ids, Ids], Callable[[], float]]
    run: Callable[[Ids, Ids], Output]
    vram: Callable[[], tuple[int, int] | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """A runtime; none of its functions is called before it is needed, and each imports what it needs itself.

    Attributes:
        name: what it is called on the command line and in rows.
        words: what its makers call it.
        lacks: why it never has a precision, or "" where it may.
        file: the file that it loads of a model, or None where the model has none.
        no_file: what to say then.
        hindrance: why it cannot run on this device of this machine in this precision, or "" where it can.
        start: import and start what an app needs before it knows its model; what a process holds then is its base.
        open: load what `file` found on a device, in a precision, with so many threads, by what its target says opens
            it (`Precision.opener`; "" where none says so). Raises InputError where the file is damaged, HostError
            where the runtime does not run on this device here.
        start_that_counts: of the rounds' cold starts the median, or the `first` where later ones find work done on
            disk.
    """

    name: str
    words: str
    lacks: Callable[[str], str]
    file: Callable[[Files, str], Path | None]
    no_file: Callable[[str], str]
    hindrance: Callable[[Device, str], str]
    start: Callable[[Device], None]
    open: Callable[[Path, Device, str, int, str], LoadedModel]
    start_that_counts: Literal["median", "first"] = "median"

    @property
    def hint(self) -> str:
        """The name, and the words where the name does not say them."""
        return self.name if self.name.split("-")[0] in self.words.lower() else f"{self.name} ({self.words})"
