"""Whatever a target says opens its files, as gates and scores run them. Axis letters: B batch, T tokens."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from edgeenc.bench.engines.clocks import by_clock
from edgeenc.bench.engines.engine import Engine, Files, LoadedModel
from edgeenc.bench.settings import Device, file_called

if TYPE_CHECKING:
    from pathlib import Path

    from edgeenc.targets.sessions.session import Ids

NAME = "session"


def exported(files: Files, precision: str) -> Path | None:
    """Return the exported file of this precision, where no other engine times files of its form."""
    return files.exported.get(precision) if files.engine == NAME else None


def load(path: Path, device: Device, precision: str, threads: int, opener: str = "") -> LoadedModel:
    """Open the file at `path` as its target does; raises what that raises."""
    from edgeenc.targets.target import open_by_name

    session = open_by_name(opener, path, threads)

    def bind(ids_BT: Ids, attend_BT: Ids) -> Callable[[], float]:
        return lambda: by_clock(lambda: session(ids_BT, attend_BT))

    return LoadedModel(session.purpose.output, "wall", bind, session, lambda: None)


ENGINE = Engine(
    name=NAME,
    words="the target's own session",
    lacks=lambda precision: "",
    file=exported,
    no_file=lambda precision: f"no file {file_called(NAME, precision)}",
    hindrance=lambda device, precision: "" if device == "cpu" else "a session of a target runs on the CPU",
    start=lambda device: None,
    open=load,
)
