"""Pictures as inline SVG: bars whose lengths are per cent of the width, so that text keeps its size on a phone.

Colours come from the style of the page, so that a picture follows light and dark.
"""

from __future__ import annotations

from html import escape

from edgeenc.report.draw.blocks import Bar, Picture

ROW = 40
BASELINE = 14
BAR_TOP = 20
BAR_HEIGHT = 12
MARK_LINE = 17
LINE = 17
SIDE_BY_SIDE = 44
"""Characters of a label and its value that fit side by side on a phone; where more stand together, all values of the
picture have a line of their own."""


def bars(picture: Picture, name: str) -> str:
    """Return `picture` as an SVG with title and description; `name` makes its ids unique on the page.

    Worked example: bars of 4 and 1 on one scale are 100 % and 25 % wide; the second segment of a bar (3, 1) begins
    at 75 %.
    """
    scale = max([bar.length for bar in picture.bars] + [mark.at for mark in picture.marks], default=0.0) or 1.0
    below = LINE if any(len(bar.label) + len(bar.text) > SIDE_BY_SIDE for bar in picture.bars) else 0
    drawn = [_row(bar, number * (ROW + below), below, scale) for number, bar in enumerate(picture.bars)]
    bottom = (ROW + below) * len(picture.bars)
    drawn += [_mark(picture, number, scale, below) for number in range(len(picture.marks))]
    height = bottom + MARK_LINE * len(picture.marks) + (8 if picture.marks else 0)
    return "\n".join(
        [
            f'<svg class="bars" width="100%" height="{height}" role="img" aria-labelledby="{name}-title {name}-desc">',
            f'<title id="{name}-title">{escape(picture.title)}</title>',
            f'<desc id="{name}-desc">{escape(picture.description)}</desc>',
            *drawn,
            "</svg>",
        ]
    )


def share(value: float, scale: float) -> str:
    """Return `value` as per cent of `scale`, for an attribute."""
    return f"{100 * value / scale:.2f}%"


def _row(bar: Bar, top: int, below: int, scale: float) -> str:
    """Return one bar with its label at the left and its value at the right, above it or `below` the label."""
    parts = [
        f'<text x="0" y="{top + BASELINE}">{escape(bar.label)}</text>',
        f'<text class="value" x="100%" y="{top + BASELINE + below}">{escape(bar.text)}</text>',
    ]
    start = 0.0
    for key, length in enumerate(bar.segments):
        if length > 0:
            tone = f"k{key}" if bar.strong else f"k{key} weak"
            parts.append(
                f'<rect class="{tone}" x="{share(start, scale)}" y="{top + BAR_TOP + below}"'
                f' width="{share(length, scale)}" height="{BAR_HEIGHT}"/>'
            )
        start += length
    return "".join(parts)


def _mark(picture: Picture, number: int, scale: float, below: int) -> str:
    """Return a dashed line across the bars and its words below them, each mark on a line of its own."""
    mark, bottom = picture.marks[number], (ROW + below) * len(picture.bars)
    x, y = share(mark.at, scale), bottom + MARK_LINE * (number + 1)
    side = "end" if mark.at > scale / 2 else "start"
    tops = [(ROW + below) * row + below + BAR_TOP - 2 for row in range(len(picture.bars))]
    spans = [*((top, top + BAR_HEIGHT + 4) for top in tops), (bottom - 2, y + 3)]
    lines = "".join(f'<line class="mark" x1="{x}" x2="{x}" y1="{top}" y2="{end}"/>' for top, end in spans)
    gap = -6 if side == "end" else 6
    return f'{lines}<text class="note" x="{x}" dx="{gap}" y="{y}" text-anchor="{side}">{escape(mark.text)}</text>'
