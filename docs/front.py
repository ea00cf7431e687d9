"""The table of figures in README.md: cells of docs/results.md, each row with the command that printed it."""

from __future__ import annotations

from collections.abc import Iterator

LANGUAGES = {"tl": "Tagalog", "mt": "Maltese", "sk": "Slovak", "sw": "Swahili"}
STARTER, BENCH, TASKS = (f"`python benchmarks/{name}.py`" for name in ("starter_run", "bench", "tasks"))
Table = list[list[str]]


def figures(page: str) -> str:
    """Return the table that README.md shows, out of the text of docs/results.md.

    Raises:
        ValueError: that page has no such cell.
    """
    found = list(tables(page))

    def of_each(shown: str, *key: str, column: str) -> list[str]:
        """Return one row: `key` and `shown` may name the language as `{}`."""
        return [shown, *(cell(found, [part.format(tag) for part in key], column) for tag in LANGUAGES)]

    rows = [
        [*of_each("model with int8 weights, MB", "{}", column="int8 MB"), STARTER],
        [*of_each("smaller than its teacher by", "{}", column="smaller by"), STARTER],
        [*of_each("ms a sentence, teacher", "{}", "teacher fp32", column="own"), BENCH],
        [*of_each("ms a sentence, model (times as fast)", "{}", "student int8", column="own"), BENCH],
        [*of_each("macro F1 on topics, teacher", "tc-{}", column="teacher torch"), TASKS],
        [*of_each("macro F1 on topics, model", "tc-{}", column="student int8"), TASKS],
        [
            *of_each("difference in points (95 % confidence interval)", "tc-{}", column="int8 less teacher, points"),
            TASKS,
        ],
    ]
    head = ["", *LANGUAGES.values(), "printed by"]
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
