"""Facts of a build with tasks, a benchmark, and a reader of HTML pages: what the tests of reports share."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import is_dataclass, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import TypeVar, cast

from edgeenc.record.facts import Facts
from edgeenc.record.form import parse, plain

DATA = Path(__file__).parent / "data"
T = TypeVar("T")
VOID = {"meta", "line", "rect", "br", "circle", "path"}


def plain_facts() -> Facts:
    """Return made-up facts of a whole build without tasks."""
    return parse(Facts, (DATA / "report_facts.json").read_bytes())


def task_facts() -> Facts:
    """Return the same facts with scores on two tasks."""
    whole, tasks = (json.loads((DATA / f"report_{name}.json").read_text("utf-8")) for name in ("facts", "tasks"))
    return parse(Facts, whole | tasks)


def changed(record: T, place: str, value: object) -> T:
    """Return a record with another value at a place.

    Worked example: `bytes.int8` of facts is the int8 of their bytes, `gates.1.figure` the figure of the second gate.
    """
    name, _, rest = place.partition(".")
    if isinstance(record, tuple):
        at = int(name) % len(record)
        new = changed(record[at], rest, value) if rest else value
        return cast("T", (*record[:at], new, *record[at + 1 :]))
    if isinstance(record, Mapping):
        return cast("T", {**record, name: changed(record[name], rest, value) if rest else value})
    assert is_dataclass(record) and not isinstance(record, type)
    new = changed(getattr(record, name), rest, value) if rest else value
    return cast("T", replace(record, **{name: new}))


def folders(place: Path) -> tuple[Path, Path]:
    """Write a bundle's report and the result of a benchmark into two folders below `place`, and return them."""
    built, timed = place / "built", place / "timed"
    (built / "report").mkdir(parents=True, exist_ok=True)
    timed.mkdir(exist_ok=True)
    (built / "report" / "report.json").write_text(json.dumps(plain(task_facts())), "utf-8")
    (timed / "bench.json").write_bytes((DATA / "bench.json").read_bytes())
    return built, timed


class Page(HTMLParser):
    """Reads a page: open tags, the cells of its tables, its ids, and every text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.rows: list[list[str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("td", "th"):
            self.rows[-1][-1] += data

    @property
    def ids(self) -> list[str]:
        """Every id, in the order of the page."""
        return [value for _, attrs in self.tags if (value := attrs.get("id"))]

    @property
    def labels(self) -> list[str]:
        """Every id that something is labelled by."""
        return [name for _, attrs in self.tags for name in (attrs.get("aria-labelledby") or "").split()]
