"""What a report is made of: tables, pictures and sentences, and the one way each kind of number is written.

HTML and Markdown are two views of these values, so a figure cannot stand differently in them.
"""

from __future__ import annotations

from dataclasses import dataclass

from edgeenc.report.draw.plot import Plot

MISSING = "–"


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


def count(number: int | None) -> str:
    """Write a count: ``12634112`` is ``12,634,112``."""
    return MISSING if number is None else f"{number:,}"


def millions(number: int) -> str:
    """Write parameters for a picture: ``12634112`` is ``12.63 M``."""
    return f"{number / 1e6:,.2f} M"


def megabytes(size: int | None) -> str:
    """Write bytes as megabytes of a million bytes, without the unit: ``3141592`` is ``3.14``."""
    return MISSING if size is None else f"{size / 1e6:,.2f}"


def percent(share: float | None) -> str:
    """Write a share: ``0.9381`` is ``93.81 %``."""
    return MISSING if share is None else f"{100 * share:,.2f} %"


def points(difference: float | None) -> str:
    """Write a difference of two shares in points, with its sign: ``-0.0213`` is ``−2.13``, ``0.004`` is ``+0.40``."""
    if difference is None:
        return MISSING
    text = f"{100 * abs(difference):,.2f}"
    sign = "" if text == "0.00" else "+" if difference > 0 else "−"
    return f"{sign}{text}"


def interval(low: float, high: float) -> str:
    """Write an interval of a share: ``0.771`` and ``0.8692`` are ``77.10 to 86.92 %``."""
    return f"{100 * low:,.2f} to {percent(high)}"


def times(share: float | None) -> str:
    """Write a share of another's time as a speed: ``0.2`` is ``5.0``, to be followed by "times as fast"."""
    return MISSING if not share else f"{1 / share:,.1f}"


def rare(share: float | None) -> str:
    """Write a share that is near zero: ``0.00012`` is ``0.012 %``."""
    return MISSING if share is None else f"{100 * share:,.3f} %"


def bits(value: float | None) -> str:
    """Write bits per character, without the unit: ``1.98765`` is ``1.988``."""
    return MISSING if value is None else f"{value:,.3f}"


def milliseconds(value: float | None) -> str:
    """Write milliseconds, without the unit: ``2.41349`` is ``2.413``."""
    return MISSING if value is None else f"{value:,.3f}"


def rate(value: float | None) -> str:
    """Write a number per second: ``1234.567`` is ``1,234.6``."""
    return MISSING if value is None else f"{value:,.1f}"


def seconds(value: float) -> str:
    """Write seconds, without the unit: ``1234.56`` is ``1,234.6``."""
    return f"{value:,.1f}"


def duration(value: float) -> str:
    """Write a duration with its units: ``75.2`` is ``1 min 15 s``, ``9.4`` is ``9 s``."""
    minutes, rest = divmod(round(value), 60)
    return f"{minutes:,} min {rest} s" if minutes else f"{rest} s"


def ratio(value: float | None) -> str:
    """Write a ratio: ``0.12345`` is ``0.123``."""
    return MISSING if value is None else f"{value:,.3f}"


def figure(value: float | None) -> str:
    """Write the figure of a gate, whose size is not known beforehand: four decimals, or two digits and a power of ten.

    Worked example: ``0.99987`` is ``0.9999``, ``3.14e-06`` is ``3.1e-6``, ``0.0`` is ``0``, ``12`` is ``12``.
    """
    if value is None:
        return MISSING
    if float(value).is_integer():
        return f"{int(value):,}"
    if abs(value) < 1e-3:
        mantissa, power = f"{value:.1e}".split("e")
        return f"{mantissa}e{int(power)}"
    return f"{value:,.4f}"


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
