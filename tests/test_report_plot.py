"""Plots: ticks, places and fronts by hand; what is drawn stands where its figure says."""

from __future__ import annotations

import random
import re

import pytest

from edgeenc.report.draw.plot import (
    MOST_TICKS,
    Axis,
    Plot,
    Point,
    Series,
    linear_axis,
    log_axis,
    pareto_front,
    tick_text,
)
from edgeenc.report.draw.plot_svg import BOTTOM, TOP, keys, plot


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ([71, 88], (70, 75, 80, 85, 90)),
        ([0, 37], (0, 10, 20, 30, 40)),
        ([0.2, 0.9], (0.2, 0.4, 0.6, 0.8, 1.0)),
        ([100, 50], (40, 60, 80, 100)),
        ([4], (3, 3.5, 4, 4.5, 5)),
        ([0], (-1, -0.5, 0, 0.5, 1)),
    ],
)
def test_linear_ticks_are_round_and_hold_every_value(values: list[float], ticks: tuple[float, ...]) -> None:
    assert linear_axis("", values).ticks == ticks


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ([3.1, 50.2], (2, 5, 10, 20, 50, 100)),
        ([0.9, 2.1], (0.5, 1, 2, 5)),
        ([1, 1000], (1, 10, 100, 1000)),
        ([4], (2, 5)),
        ([10], (10, 20)),
    ],
)
def test_log_ticks_are_one_two_five(values: list[float], ticks: tuple[float, ...]) -> None:
    axis = log_axis("MB", values)
    assert axis.ticks == ticks
    assert axis.label == "MB (log scale)"


def test_no_axis_has_more_ticks_than_a_phone_holds_or_leaves_a_value_out() -> None:
    chance = random.Random(3)
    for _ in range(500):
        values = [10 ** chance.uniform(-3, 3) for _ in range(chance.randint(1, 5))]
        for axis in (linear_axis("", values), log_axis("", values)):
            assert 2 <= len(axis.ticks) <= MOST_TICKS + 2 * axis.log  # six decades have seven powers of ten
            assert all(-1e-9 <= axis.place(value) <= 1 + 1e-9 for value in values)


def test_places_by_hand() -> None:
    assert Axis("", (1, 100), log=True).place(10) == pytest.approx(0.5)
    assert Axis("", (1, 100), log=True).place(50) == pytest.approx(0.849485)  # log10(50) = 1.69897, of 2
    assert Axis("", (0, 20, 40)).place(10) == 0.25
    assert [tick_text(tick) for tick in (20.0, 0.5, 2000.0, 0.0, -5.0)] == ["20", "0.5", "2,000", "0", "-5"]


def test_the_front_by_hand() -> None:
    points = [(50, 85), (20, 85), (10, 80), (12, 70), (3, 79), (3, 60)]
    assert pareto_front(points) == ((3, 79), (10, 80), (20, 85))
    assert pareto_front([(1, 1)]) == ((1, 1),)
    assert pareto_front([]) == ()


def test_the_front_is_what_the_definition_says() -> None:
    chance = random.Random(5)
    for _ in range(200):
        points = [(chance.randint(0, 6), chance.randint(0, 6)) for _ in range(8)]
        beaten = {(x, y) for x, y in points for other in points if other != (x, y) and other[0] <= x and other[1] >= y}
        assert set(pareto_front(points)) == set(points) - beaten


def drawn() -> Plot:
    """Return a point at the middle of both axes with an interval, and a line of two points."""
    line = (Point(0, 0, "zero"), Point(10, 100, "hundred"))
    return Plot(
        "points & <lines>",
        Axis("x", (0, 5, 10)),
        Axis("y", (0, 100)),
        (Series("one", 0, (Point(5, 50, "half", 25, 75),)), Series("two", 5, line, joined=True)),
        front=((0, 0), (5, 50), (10, 100)),
    )


def test_what_is_drawn_stands_where_its_figure_says() -> None:
    svg = plot(drawn(), "p")
    # 11 + 0.5 * 85 = 53.5 % across; the middle of 24 and 234 pixels is 129, a quarter of 210 is 52.5
    assert (TOP, BOTTOM) == (24, 234)
    markers = re.findall(r'<svg x="([\d.]+)%" y="([\d.]+)" class="marker"><g class="(k\d)">', svg)
    assert markers == [("53.50", "129.0", "k0"), ("11.00", "234.0", "k1"), ("96.00", "24.0", "k1")]
    assert '<line class="whisker s0" x1="53.50%" x2="53.50%" y1="181.5" y2="76.5"/>' in svg
    assert '<line class="joined s1" x1="11.00%" x2="96.00%" y1="234.0" y2="24.0"/>' in svg
    stair = re.findall(r'<line class="front" x1="([\d.]+)%" x2="([\d.]+)%" y1="([\d.]+)" y2="([\d.]+)"', svg)
    assert stair[:2] == [("11.00", "53.50", "234.0", "234.0"), ("53.50", "53.50", "234.0", "129.0")]
    assert len(stair) == 4


def test_a_picture_is_told_in_words_and_cannot_become_markup() -> None:
    svg = plot(drawn(), "p")
    assert '<title id="p-title">points &amp; &lt;lines&gt;</title>' in svg
    assert '<desc id="p-desc">one: half; two: zero, hundred</desc>' in svg
    assert "<title>one: half</title>" in svg


def test_the_legend_has_the_figures_of_single_points_and_the_marks_of_the_plot() -> None:
    found = keys(drawn())
    assert [text for _, text in found] == ["one: half", "two", "Pareto front"]
    shapes = [re.findall(r"<(?:circle|path)[^>]*>", drawing) for drawing, _ in found[:2]]
    assert all(shape[0] in plot(drawn(), "p") for shape in shapes)
    assert shapes[0] != shapes[1]


def test_sixteen_series_differ_in_colour_or_shape() -> None:
    many = tuple(Series(str(tone), tone, (Point(1, 1, "one"),)) for tone in range(16))
    drawings = [drawing for drawing, _ in keys(Plot("", Axis("", (0, 1)), Axis("", (0, 1)), many))]
    assert len(set(drawings)) == 16
