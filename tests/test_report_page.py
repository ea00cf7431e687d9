"""Reports in a real browser: nothing is wider than the page, dark is dark, every picture is drawn, no error is said.

The page is shown inside a frame of a phone's width by a page of our own, whose script measures it and leaves what it
found as JSON; a window of a browser without a screen cannot be as narrow as a phone.
"""

from __future__ import annotations

import html
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TypedDict

import pytest
from shown import folders, task_facts

from edgeenc.report import html_report
from edgeenc.report.overview import html_overview, overview_of
from edgeenc.report.reading import read

BROWSER = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no chromium here to render the report in")
PHONE, TABLET = 360, 900

PROBE = """<!DOCTYPE html><meta charset="utf-8"><iframe id="f" style="border:0;width:{width}px;height:900px"
srcdoc="{page}"></iframe><pre id="found"></pre><script>
document.getElementById("f").onload = () => {{
  const page = document.getElementById("f").contentDocument, root = page.documentElement;
  const view = page.defaultView, wide = [], tiny = [];
  const inside = (e) => e.closest(".scroll");
  for (const e of page.querySelectorAll("main *")) {{
    const box = e.getBoundingClientRect();
    const out = box.right > root.clientWidth + 0.5 || box.left < -0.5;
    if (!inside(e) && box.width && out) wide.push(e.outerHTML.slice(0, 90));
    if (e.tagName === "text" && parseFloat(view.getComputedStyle(e).fontSize) < 12) tiny.push(e.textContent);
  }}
  const overlap = [];
  for (const svg of page.querySelectorAll('svg[role="img"]')) {{
    const boxes = [...svg.querySelectorAll("text")].map((e) => [e.textContent, e.getBoundingClientRect()]);
    boxes.forEach(([a, p], i) => boxes.slice(i + 1).forEach(([b, q]) => {{
      const across = p.left < q.right - 1 && q.left < p.right - 1;
      if (across && p.top < q.bottom - 3 && q.top < p.bottom - 3) overlap.push(a + " | " + b);
    }}));
  }}
  const marks = [...page.querySelectorAll(".marker g, rect")].map((e) => e.getBoundingClientRect());
  document.getElementById("found").textContent = JSON.stringify({{
    page: root.clientWidth, content: root.scrollWidth, wide, tiny, overlap,
    pictures: page.querySelectorAll('svg[role="img"]').length,
    marks: marks.length, unseen: marks.filter((b) => b.height < 1).length,
    ground: view.getComputedStyle(page.body).backgroundColor, ink: view.getComputedStyle(page.body).color,
    mark: view.getComputedStyle(page.querySelector(".k0")).fill,
  }});
}};
</script>"""


class Found(TypedDict):
    """What the probe measures: pixels, counts, the first characters of what is too wide, and colours."""

    page: int
    content: int
    wide: list[str]
    tiny: list[str]
    overlap: list[str]
    pictures: int
    marks: int
    unseen: int
    ground: str
    ink: str
    mark: str


def shown(page: str, place: Path, width: int, *flags: str) -> Found:
    """Render `page` in a frame of `width` pixels and return what the probe found."""
    probe = place / f"probe{width}.html"
    probe.write_text(PROBE.format(width=width, page=html.escape(page)), "utf-8")
    command = [
        *(str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=5000"),
        *(f"--user-data-dir={place / 'profile'}", *flags, "--dump-dom", probe.as_uri()),
    ]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=120, check=True)
    dumped = done.stdout.rpartition('<pre id="found">')[2].partition("</pre>")[0]
    return json.loads(html.unescape(dumped))


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the report of a build, and that over a build and a benchmark."""
    found = [read(folder) for folder in folders(tmp_path_factory.mktemp("in"))]
    return {"build": html_report(task_facts()), "overview": html_overview(overview_of(found))}


@pytest.mark.parametrize("name", ["build", "overview"])
@pytest.mark.parametrize("width", [PHONE, TABLET])
def test_nothing_is_wider_than_the_page(pages: dict[str, str], tmp_path: Path, name: str, width: int) -> None:
    found = shown(pages[name], tmp_path, width)
    assert found["page"] == pytest.approx(width, abs=20)  # a scroll bar may take its share
    assert found["content"] <= found["page"]
    assert found["wide"] == []
    assert found["overlap"] == []
    assert found["tiny"] == []
    assert found["pictures"] == pages[name].count('role="img"') >= 7
    assert found["marks"] > 20
    assert found["unseen"] == 0


def test_the_probe_finds_what_is_too_wide(pages: dict[str, str], tmp_path: Path) -> None:
    broken = pages["build"].replace("<h2", '<div style="width:500px">wide</div><h2', 1)
    found = shown(broken, tmp_path, PHONE)
    assert found["content"] > found["page"]
    assert len(found["wide"]) == 1


def test_a_dark_reader_gets_a_dark_page(pages: dict[str, str], tmp_path: Path) -> None:
    light = shown(pages["overview"], tmp_path, PHONE, "--blink-settings=preferredColorScheme=1")
    dark = shown(pages["overview"], tmp_path, PHONE, "--blink-settings=preferredColorScheme=0")
    assert (light["ground"], light["ink"]) == ("rgb(255, 255, 255)", "rgb(26, 29, 33)")
    assert (dark["ground"], dark["ink"]) == ("rgb(20, 23, 26)", "rgb(232, 234, 237)")
    assert dark["mark"] != light["mark"]
    assert contrast(light, lambda found: found["ink"]) > 7
    assert contrast(dark, lambda found: found["ink"]) > 7
    assert contrast(light, lambda found: found["mark"]) > 3
    assert contrast(dark, lambda found: found["mark"]) > 3


def contrast(found: Found, of: Callable[[Found], str]) -> float:
    """Return the contrast of a colour against the ground; text needs 4.5, graphics 3 (WCAG 2.1, 1.4.3 and 1.4.11)."""
    a, b = sorted((luminance(found["ground"]), luminance(of(found))))
    return (b + 0.05) / (a + 0.05)


def luminance(colour: str) -> float:
    """Return the relative luminance of `rgb(r, g, b)` as WCAG 2.1 defines it: white is 1, black 0."""
    parts = [int(part) / 255 for part in colour.removeprefix("rgb(").removesuffix(")").split(",")]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
