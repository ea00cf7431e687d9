"""The report of a build: the answer in one sentence, then pictures and tables, from the facts of the build.

`write_report` writes `report.html`, `report.md` and `report.json` into a folder.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from edgeenc.record.facts import Facts
from edgeenc.record.form import plain
from edgeenc.report.draw.blocks import escape, markdown, markdown_table
from edgeenc.report.draw.page import page
from edgeenc.report.headline import answers, headline
from edgeenc.report.sections.of_build import sections
from edgeenc.report.title import title


def write_report(facts: Facts, folder: Path) -> None:
    """Write `report.html`, `report.md` and `report.json` into `folder`; the same facts give the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (("html", html_report(facts)), ("md", markdown_report(facts)), ("json", json_report(facts))):
        (folder / f"report.{name}").write_text(text, encoding="utf-8", newline="\n")


def html_report(facts: Facts) -> str:
    """Return the report as one HTML page that needs nothing besides itself."""
    return page(title(facts), [headline(facts)], answers(facts), sections(facts))


def markdown_report(facts: Facts) -> str:
    """Return the report as Markdown."""
    blocks = [f"# {escape(title(facts))}", escape(headline(facts)), markdown_table(answers(facts))]
    return "\n\n".join([*blocks, *map(markdown, sections(facts))]) + "\n"


def json_report(facts: Facts) -> str:
    """Return the facts as JSON, every list of plain numbers on one line."""
    text = json.dumps(plain(facts), indent=1, ensure_ascii=False, allow_nan=False)
    return re.sub(r"\[[-+.,eE\d\s]+\]", lambda found: " ".join(found[0].split()), text) + "\n"
