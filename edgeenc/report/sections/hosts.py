"""The machine and the packages that figures come from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from edgeenc.machine.describe import Fact
from edgeenc.report.draw.blocks import MISSING, Section, Table, count, megabytes, rate
from edgeenc.report.measured import Peak


def host_section(host: Mapping[str, Fact], versions: Mapping[str, str], peaks: Sequence[Peak] = ()) -> Section:
    """Return the machine, the highest rates that were measured on it, and the packages."""
    rows = tuple(_host_row(name.replace("_", " "), fact) for name, fact in host.items())
    limits = tuple(row for peak in peaks for row in _peak_rows(peak))
    head = ("Device", "Threads", "What", "By", "Rate")
    return Section(
        "Host and versions",
        tables=(
            Table("Host", ("Fact", "Value"), "ll", rows),
            *([Table("Highest rates measured on this host", head, "lrllr", limits)] if limits else []),
            Table("Versions", ("Package", "Version"), "ll", tuple(versions.items())),
        ),
    )


def _peak_rows(peak: Peak) -> Iterator[tuple[str, ...]]:
    place = (peak.device.upper(), count(peak.threads))
    for precision, libraries in peak.gflops.items():
        for library, found in libraries.items():
            yield *place, f"product, {precision}", library, f"{rate(found)} GFLOP/s"
    yield *place, "copy", MISSING, f"{rate(peak.copy_gbytes_per_s)} GB/s"


def _host_row(name: str, fact: Fact) -> tuple[str, str]:
    if isinstance(fact, list):
        return name, ", ".join(fact)
    if name.endswith(" bytes") and isinstance(fact, int):
        return name.removesuffix(" bytes"), f"{megabytes(fact)} MB"
    return name, count(fact) if isinstance(fact, int) else str(fact)
