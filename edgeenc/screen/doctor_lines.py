"""What `edgeenc doctor` shows in a terminal: a table of the machine, then what is worth knowing and what is wrong."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from edgeenc.record.findings import Findings


def render(found: Findings) -> RenderableType:
    """Return the findings as a table for the terminal, notes and problems below it."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, text in _rows(found):
        table.add_row(name, Text(text))
    told = [Text(f"note: {note}", style="yellow") for note in found.notes]
    told += [Text(f"problem: {problem}", style="bold red") for problem in found.problems]
    return Group(table, *told, *([] if found.problems else [Text("ready to build", style="green")]))


def _rows(found: Findings) -> list[tuple[str, str]]:
    host, threads, disk = found.host, found.threads, found.disk
    settings = "".join(f", {name}={value}" for name, value in threads.environment.items())
    rows = [
        ("processor", f"{host.cpu} ({host.architecture})"),
        ("instructions", " ".join(host.flags) or "none that matter"),
        ("threads", f"{threads.available} of {host.cores_of_machine} processors{settings}"),
        ("memory", "unknown" if host.memory_bytes is None else f"{host.memory_bytes / 1e9:.1f} GB"),
        ("system", f"{host.system}, python {host.python}"),
    ]
    rows += [(runtime.name, runtime.problem or ", ".join(runtime.providers)) for runtime in found.runtimes]
    rows.append(("versions", ", ".join(f"{name} {number}" for name, number in found.versions.items())))
    rows.append(("store", f"{disk.store} ({disk.free_bytes / 1e9:.1f} GB free)"))
    return rows
