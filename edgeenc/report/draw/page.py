"""The report as one HTML page: no script, no network; readable on a phone, in the dark, and without the pictures."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from edgeenc.report.draw.bars_svg import bars
from edgeenc.report.draw.blocks import Picture, Section, Table
from edgeenc.report.draw.plot import Plot
from edgeenc.report.draw.plot_svg import keys, plot

UNIT = re.compile(r"(?<=\d) (?=(?:MB|ms|M|%|×|s|min)(?![\w]))")
"""The space between a number and its unit, where no line may break."""

STYLE = """
:root { color-scheme: light dark; --ground: #ffffff; --ink: #1a1d21; --soft: #5b636d; --line: #d9dee4; --tint: #f4f6f8;
  --k0: #2f6fb3; --k1: #e08a1e; --k2: #4d9a6a; --k3: #8a5fb0; --weak: #aeb8c2; --good: #1e7a45; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ground: #14171a; --ink: #e8eaed; --soft: #a3abb5; --line: #343a41;
  --tint: #1d2125; --k0: #6aa7e6; --k1: #f0a94e; --k2: #74c193; --k3: #b892dc; --weak: #59636d; --good: #6fcf97;
  --bad: #ff8a80; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); line-height: 1.5;
  font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
main { max-width: 54rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 .75rem; }
h2 { font-size: 1.2rem; margin: 2.75rem 0 .5rem; padding-top: .75rem; border-top: 1px solid var(--line); }
p { margin: .5rem 0; overflow-wrap: anywhere; }
.lead { font-size: 1.1rem; }
.small { color: var(--soft); font-size: .85rem; }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.25rem, 1fr)); gap: .6rem; margin: 1.25rem 0 0; }
dl div { background: var(--tint); border-radius: .5rem; padding: .6rem .75rem; }
dt { color: var(--soft); font-size: .85rem; }
dd { margin: 0; font-size: .85rem; color: var(--soft); }
dd strong { display: block; font-size: 1.35rem; line-height: 1.3; color: var(--ink); }
figure { margin: 1.25rem 0 1.75rem; }
figcaption, caption { font-weight: 600; text-align: left; margin-bottom: .6rem; }
caption { padding-bottom: .35rem; }
caption span { display: inline-block; position: sticky; left: 0; max-width: calc(100vw - 2rem); }
ul { list-style: none; display: flex; flex-wrap: wrap; gap: .15rem 1.1rem; margin: 0 0 .6rem; padding: 0;
  font-size: .85rem; }
li span { display: inline-block; width: .8em; height: .8em; margin-right: .4em; border-radius: 2px; }
svg { display: block; overflow: visible; font-size: 13px; font-variant-numeric: tabular-nums; }
svg text { fill: var(--ink); }
svg .value { text-anchor: end; fill: var(--soft); }
svg .note { fill: var(--soft); font-size: 12px; }
svg .mark { stroke: var(--ink); stroke-width: 1.5; stroke-dasharray: 3 2; }
svg rect { stroke: var(--ground); stroke-width: 1; }
.k0 { fill: var(--k0); background: var(--k0); } .k1 { fill: var(--k1); background: var(--k1); }
.k2 { fill: var(--k2); background: var(--k2); } .k3 { fill: var(--k3); background: var(--k3); }
.s0 { stroke: var(--k0); } .s1 { stroke: var(--k1); } .s2 { stroke: var(--k2); } .s3 { stroke: var(--k3); }
svg .grid { stroke: var(--line); }
svg .front { stroke: var(--soft); stroke-dasharray: 5 3; }
svg .joined { stroke-width: 2; }
svg .whisker { stroke-width: 2; opacity: .55; }
svg .marker g { stroke: var(--ground); stroke-width: 1; }
svg.key { display: inline-block; vertical-align: -.2em; margin-right: .4em; }
.weak { fill: var(--weak); }
.scroll { overflow-x: auto; margin: 1rem 0 1.5rem; background:
  linear-gradient(to left, var(--ground) 30%, transparent) right / 2.5rem 100% no-repeat local,
  linear-gradient(to left, var(--line), transparent) right / .75rem 100% no-repeat scroll; }
.scroll:focus-visible { outline: 2px solid var(--k0); outline-offset: 2px; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; min-width: 100%; }
th, td { padding: .35rem .7rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top;
  white-space: nowrap; }
thead th { color: var(--soft); font-weight: 600; vertical-align: bottom; }
tbody th { font-weight: 500; position: sticky; left: 0; background: var(--ground); padding-left: 0; }
thead th:first-child { padding-left: 0; }
.number { text-align: right; }
.text { white-space: normal; min-width: 8rem; overflow-wrap: anywhere; }
@media (max-width: 32rem) {
  dl { grid-template-columns: 1fr 1fr; }
  dl div:last-child:nth-child(odd) { grid-column: 1 / -1; }
  th { white-space: normal; }
  th, td { padding-left: .5rem; padding-right: .5rem; }
  tbody th { min-width: 7.25rem; max-width: 9rem; }
}
.passed { color: var(--good); } .failed { color: var(--bad); font-weight: 700; }
"""


def page(title: str, leads: Sequence[str], answers: Table, sections: Sequence[Section]) -> str:
    """Return a whole HTML page: title, the answers in a sentence each, their figures, then the sections."""
    lead = "\n".join(f'<p class="lead">{words(text)}</p>' for text in leads)
    body = "\n".join(_section(section, f"s{number}") for number, section in enumerate(sections, start=1))
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>{STYLE}</style>
</head>
<body>
<main>
<header>
<h1>{escape(title)}</h1>
{lead}
{_answers(answers)}
</header>
{body}
</main>
</body>
</html>
"""


def words(text: str) -> str:
    """Return `text` as HTML in which no line ends between a number and its unit."""
    return UNIT.sub("&nbsp;", escape(text))


def _answers(table: Table) -> str:
    """Return a table of name, figure and meaning as a list of tiles."""
    if not table.rows:
        return ""
    tiles = (
        f"<div><dt>{words(name)}</dt><dd><strong>{words(value)}</strong> {words(meaning)}</dd></div>"
        for name, value, meaning in table.rows
    )
    return "\n".join(["<dl>", *tiles, "</dl>"])


def _section(section: Section, name: str) -> str:
    return "\n".join(
        [
            f'<section aria-labelledby="{name}">',
            f'<h2 id="{name}">{escape(section.title)}</h2>',
            *(f"<p>{words(text)}</p>" for text in section.text),
            *(_figure(picture, f"{name}-p{number}") for number, picture in enumerate(section.pictures, start=1)),
            *(_table(table, f"{name}-t{number}") for number, table in enumerate(section.tables, start=1)),
            *(f'<p class="small">{words(note)}</p>' for note in section.notes),
            "</section>",
        ]
    )


def _figure(picture: Picture | Plot, name: str) -> str:
    """Return a picture under its title and, where parts of it differ, its legend."""
    if isinstance(picture, Plot):
        legend, drawn = keys(picture), plot(picture, name)
    else:
        legend, drawn = _keys(picture), bars(picture, name)
    items = "".join(f"<li>{key}{words(text)}</li>" for key, text in legend)
    return (
        f"<figure>\n<figcaption>{words(picture.title)}</figcaption>\n{f'<ul>{items}</ul>' if items else ''}\n"
        f"{drawn}\n</figure>"
    )


def _keys(picture: Picture) -> list[tuple[str, str]]:
    several = len(picture.keys) > 1
    return [(f'<span class="k{i}"></span>', key) for i, key in enumerate(picture.keys)] if several else []


def _table(table: Table, name: str) -> str:
    """Return a table that scrolls inside its own box, which the keyboard can reach."""
    head = "".join(
        f'<th scope="col" class="{"number" if align == "r" else "words"}">{escape(cell)}</th>'
        for cell, align in zip(table.head, table.align, strict=True)
    )
    rows = "\n".join(f"<tr>{_cells(table, row)}</tr>" for row in table.rows)
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-labelledby="{name}">\n<table>\n'
        f'<caption><span id="{name}">{words(table.caption)}</span></caption>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table>\n</div>"
    )


def _cells(table: Table, row: tuple[str, ...]) -> str:
    first, *rest = row
    cells = (
        f'<td class="{_kind(align, cell)}">{escape(cell)}</td>'
        for cell, align in zip(rest, table.align[1:], strict=True)
    )
    return f'<th scope="row">{escape(first)}</th>{"".join(cells)}'


def _kind(align: str, cell: str) -> str:
    """Return the class of a cell: a result, a number, or words that may wrap."""
    return cell if cell in ("passed", "failed") else "number" if align == "r" else "text"
