"""Draw a plot as inline SVG: per cent of the width across and pixels down, so that text keeps its size on a phone.

Every series has a colour and a shape, so that it is told apart without colours too; the legend stands outside.
"""

from __future__ import annotations

from html import escape
from itertools import pairwise

from edgeenc.report.draw.plot import Axis, Plot, Point, Series, tick_text

LEFT, RIGHT = 11.0, 96.0
"""Where the first and the last tick of the x axis stand, in per cent of the width; labels of y have the left."""
TOP, BOTTOM = 24, 234
"""Where the last and the first tick of the y axis stand, in pixels."""
HEIGHT = BOTTOM + 40
COLOURS = 4
SHAPES = (
    '<circle r="5.5"/>',
    '<path d="M-5 -5H5V5H-5Z"/>',
    '<path d="M0 -6.5L6 5H-6Z"/>',
    '<path d="M0 -7L6.5 0L0 7L-6.5 0Z"/>',
)


def plot(picture: Plot, name: str) -> str:
    """Return `picture` as an SVG with title and description; `name` makes its ids unique on the page.

    Worked example: on a linear x axis from 0 to 10, 5 stands at 11 + 0.5 * (96 - 11) = 53.5 % of the width.
    """
    return "\n".join(
        [
            f'<svg width="100%" height="{HEIGHT}" role="img" aria-labelledby="{name}-title {name}-desc">',
            f'<title id="{name}-title">{escape(picture.title)}</title>',
            f'<desc id="{name}-desc">{escape(picture.description)}</desc>',
            _grid(picture.x, picture.y),
            _front(picture),
            *(_series(picture, series) for series in picture.series),
            "</svg>",
        ]
    )


def keys(picture: Plot) -> list[tuple[str, str]]:
    """Return the marker and the name of each series; where a series is one point, its figures stand with the name."""
    found = [(_key(_marker(series.tone, "8", "8", "")), _words(series)) for series in picture.series]
    if picture.front:
        found.append((_key('<line class="front" x1="0" x2="16" y1="8" y2="8"/>'), "Pareto front"))
    return found


def _key(drawn: str) -> str:
    return f'<svg class="key" width="16" height="16" aria-hidden="true">{drawn}</svg>'


def _words(series: Series) -> str:
    return f"{series.label}: {series.points[0].text}" if len(series.points) == 1 else series.label


def _grid(x: Axis, y: Axis) -> str:
    """Return a line and a label for each tick, and the names of both axes."""
    parts = []
    for tick in y.ticks:
        at = _down(y, tick)
        parts.append(f'<line class="grid" x1="0" x2="100%" y1="{at}" y2="{at}"/>')
        parts.append(f'<text class="note" x="0" y="{at - 4}">{tick_text(tick)}</text>')
    for tick in x.ticks:
        at = _across(x, tick)
        parts.append(f'<line class="grid" x1="{at}" x2="{at}" y1="{BOTTOM}" y2="{BOTTOM + 5}"/>')
        parts.append(f'<text class="note" x="{at}" y="{BOTTOM + 18}" text-anchor="middle">{tick_text(tick)}</text>')
    parts.append(f'<text class="note" x="100%" y="{BOTTOM + 36}" text-anchor="end">{escape(x.label)}</text>')
    parts.append(f'<text class="note" x="0" y="{BOTTOM + 36}">↑ {escape(y.label)}</text>')
    return "".join(parts)


def _front(picture: Plot) -> str:
    """Return the front as a stair: to the right at the same height, then up at the next corner."""
    parts = []
    for (x0, y0), (x1, y1) in pairwise(picture.front):
        left, right = _across(picture.x, x0), _across(picture.x, x1)
        low, high = _down(picture.y, y0), _down(picture.y, y1)
        parts.append(f'<line class="front" x1="{left}" x2="{right}" y1="{low}" y2="{low}"/>')
        parts.append(f'<line class="front" x1="{right}" x2="{right}" y1="{low}" y2="{high}"/>')
    return "".join(parts)


def _series(picture: Plot, series: Series) -> str:
    """Return the lines, the intervals and the markers of a series, markers on top."""
    colour, points = series.tone % COLOURS, series.points
    parts = []
    for a, b in pairwise(points) if series.joined else ():
        ends = f'x1="{_across(picture.x, a.x)}" x2="{_across(picture.x, b.x)}"'
        heights = f'y1="{_down(picture.y, a.y)}" y2="{_down(picture.y, b.y)}"'
        parts.append(f'<line class="joined s{colour}" {ends} {heights}/>')
    for point in points:
        parts.append(_whisker(picture, point, colour))
        title = f"<title>{escape(series.label)}: {escape(point.text)}</title>"
        parts.append(_marker(series.tone, _across(picture.x, point.x), str(_down(picture.y, point.y)), title))
    return "".join(parts)


def _whisker(picture: Plot, point: Point, colour: int) -> str:
    if point.low is None or point.high is None:
        return ""
    x, low, high = _across(picture.x, point.x), _down(picture.y, point.low), _down(picture.y, point.high)
    return f'<line class="whisker s{colour}" x1="{x}" x2="{x}" y1="{low}" y2="{high}"/>'


def _marker(tone: int, x: str, y: str, title: str) -> str:
    """Return the marker of a series; an inner SVG is what can stand at per cent of the width.

    The fifth tone has the first colour and the second shape, so that sixteen series differ.
    """
    shape = SHAPES[(tone + tone // COLOURS) % len(SHAPES)]
    return f'<svg x="{x}" y="{y}" class="marker"><g class="k{tone % COLOURS}">{title}{shape}</g></svg>'


def _across(axis: Axis, value: float) -> str:
    return f"{LEFT + (RIGHT - LEFT) * axis.place(value):.2f}%"


def _down(axis: Axis, value: float) -> float:
    return round(BOTTOM - (BOTTOM - TOP) * axis.place(value), 2)
