"""What `edgeenc inspect` shows in a terminal: the shape, and a table of what takes how many bytes."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from edgeenc.record.inspected import Inspected
from edgeenc.report.draw.numbers import count, megabytes


def render(found: Inspected) -> RenderableType:
    """Return the findings as tables for the terminal."""
    title = f"{found.path}: {found.kind}, {found.family}, {count(found.parameters)} parameters"
    shape = Text(", ".join(f"{name.replace('_', ' ')} {count(size)}" for name, size in found.shape.items()))
    table = Table("part", "parameters", "MB", box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    parts = found.parts
    named = (
        *(("embeddings", parts.embeddings), ("layers", parts.layers)),
        *(("head", parts.head), ("unused", parts.unused)),
    )
    for name, part in named:
        if part.bytes:
            table.add_row(name, count(part.parameters), megabytes(part.bytes))
    for name, size in found.files.items():
        table.add_row(name, "", megabytes(size))
    if (tokenizer := found.tokenizer) is not None:
        label = f"tokenizer.json ({tokenizer.kind}, {count(tokenizer.tokens)} tokens)"
        table.add_row(label, "", megabytes(tokenizer.bytes))
    told = [
        *([Text(f"sentence vectors: {found.sentence}")] if found.sentence else []),
        *(Text(f"note: {note}") for note in found.notes),
        *(Text(f"problem: {problem}", style="bold red") for problem in found.problems),
        *([Text(f"no build takes it: {found.refusal}", style="bold red")] if found.refusal else []),
    ]
    return Group(Text(title, style="bold"), shape, Text(f"stored as {', '.join(found.dtypes)}"), table, *told)
