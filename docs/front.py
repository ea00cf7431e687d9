"""The table of figures in README.md: cells of docs/results.md, each row with the command that printed it."""

from __future__ import annotations

from collections.abc import Iterator

LANGUAGES = {"tl": "Tagalog", "mt": "Maltese", "sk": "Slovak", "sw": "Swahili"}
STARTER = "`python benchmarks/starter_run.py`"
Table = list[list[str]]


def figures(page: str) -> str:
    """Return the table that README.md shows, out of the text of docs/results.md.

    Raises:
        ValueError: that page has no such cell.
    """
    found = list(tables(page))
    measured = {tag: name for tag, name in LANGUAGES.items() if has_row(found, tag)}
    if not measured:
        return "Not measured yet."

    def of_each(shown: str, *key: str, column: str) -> list[str]:
        """Return one row: `key` and `shown` may name the language as `{}`."""
        return [shown, *(cell(found, [part.format(tag) for part in key], column) for tag in measured)]

    shown = {
        "model with int8 weights, MB": "int8 MB",
        "smaller than its teacher by": "smaller by",
        "finds the teacher's nearest neighbour (95 % confidence interval)": "nearest neighbour found",
        "the same by character n-grams": "n-grams find",
        "macro F1 on topics, by a probe: teacher": "topics, teacher",
        "macro F1 on topics, by a probe: model": "topics, int8",
        "share of the teacher's macro F1 that it keeps": "kept",
        "times as fast": "times as fast",
    }
    rows = [[*of_each(what, "{}", column=column), STARTER] for what, column in shown.items()]
    head = ["", *measured.values(), "printed by"]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows))


def tables(page: str) -> Iterator[Table]:
    """Yield every table of a Markdown page as its rows of cells, the head first and without the line below it."""
    table: Table = []
    for line in [*page.split("\n"), ""]:
        if line.startswith("|"):
            table.append([one.strip() for one in line.strip("| ").split(" | ")])
        elif table:
            yield [table[0], *table[2:]]
            table = []


def has_row(found: list[Table], key: str) -> bool:
    """Tell whether the table of the starter recipe has a row of this language."""
    return any(row[0] == key and "n-grams find" in head for head, *rows in found for row in rows)


def cell(found: list[Table], key: list[str], column: str) -> str:
    """Return the cell under `column` in the row that begins with `key`, of the first table that has both.

    Raises:
        ValueError: no table has them.
    """
    for head, *rows in found:
        for row in rows:
            if row[: len(key)] == key and column in head:
                return row[head.index(column)]
    raise ValueError(f"docs/results.md: no table has a row {' | '.join(key)} and a column {column!r}")
