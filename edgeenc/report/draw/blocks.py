"""What a report is made of: tables, pictures and sentences.

HTML and Markdown are two views of these values, so a figure cannot stand differently in them.
"""

from __future__ import annotations

from dataclasses import dataclass

from edgeenc.report.draw.numbers import MISSING
from edgeenc.report.draw.plot import Plot


@dataclass(frozen=True, slots=True)
class Table:
    """Cells as they are shown. The first cell of a row names it; the last row may be a sum.

    Attributes:
        caption: one phrase that says what the rows are.
        head: column names, with the unit where there is one.
        align: a letter for each column, `l` or `r`; numbers stand right.
        rows: one tuple a row, as long as `head`.
    """

    caption: str
    head: tuple[str, ...]
    align: str
    rows: tuple[tuple[str, ...], ...]

    def __post_init__(self) -> None:
        wrong = [row for row in (self.align, *self.rows) if len(row) != len(self.head)]
        if wrong:
            raise ValueError(f"table {self.caption!r}: {len(self.head)} columns expected, found {wrong[0]}")


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: segments lie side by side, in the unit of the picture; `text` is its value in words."""

    label: str
    text: str
    segments: tuple[float, ...]
    strong: bool = True

    @property
    def length(self) -> float:
        """Sum of the segments."""
        return sum(self.segments)


@dataclass(frozen=True, slots=True)
class Mark:
    """A dashed line across all bars, at a value."""

    text: str
    at: float


@dataclass(frozen=True, slots=True)
class Picture:
    """Bars from zero on one scale.

    Attributes:
        title: what is shown, with its unit.
        keys: name of each segment; a single one needs no legend.
        bars: from top to bottom.
        marks: lines to compare the bars with.
    """

    title: str
    keys: tuple[str, ...]
    bars: tuple[Bar, ...]
    marks: tuple[Mark, ...] = ()

    @property
    def description(self) -> str:
        """The picture in words, for readers who do not see it."""
        return "; ".join([*(f"{b.label}: {b.text}" for b in self.bars), *(f"line at {m.text}" for m in self.marks)])


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, sentences, then pictures, then tables, then notes in small print."""

    title: str
    text: tuple[str, ...] = ()
    pictures: tuple[Picture | Plot, ...] = ()
    tables: tuple[Table, ...] = ()
    notes: tuple[str, ...] = ()


def without_empty(table: Table) -> Table:
    """Return a table without the columns in which nothing was measured."""
    kept = [i for i in range(len(table.head)) if i == 0 or any(row[i] != MISSING for row in table.rows)]
    head, *rows = (tuple(row[i] for i in kept) for row in (table.head, *table.rows))
    return Table(table.caption, head, "".join(table.align[i] for i in kept), tuple(rows))


def markdown(section: Section, *, level: int = 2) -> str:
    """Return a section as Markdown; a picture stands for itself in HTML and for its table here."""
    blocks = [f"{'#' * level} {section.title}", *map(escape, section.text)]
    for table in section.tables:
        blocks += [f"**{escape(table.caption)}**", markdown_table(table)]
    return "\n\n".join([*blocks, *(f"*{escape(note)}*" for note in section.notes)])


def markdown_table(table: Table) -> str:
    """Return a table as Markdown, numbers to the right."""
    rules = ["---:" if align == "r" else ":---" for align in table.align]
    rows = (table.head, *table.rows)
    lines = ["| " + " | ".join(escape(cell) for cell in row) + " |" for row in rows]
    return "\n".join([lines[0], "| " + " | ".join(rules) + " |", *lines[1:]])


def escape(text: str) -> str:
    """Return `text` so that Markdown shows it as it is: no markup, no broken table, on one line."""
    for sign in "\\`*_[]<>|":
        text = text.replace(sign, f"\\{sign}")
    return " ".join(text.split())
