"""The machine and the packages that the values come from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from edgeenc.record.form import Json, as_object
from edgeenc.record.host import Host, Peak
from edgeenc.record.rows import BenchHost
from edgeenc.report.draw.blocks import Section, Table
from edgeenc.report.draw.numbers import MISSING, count, megabytes, rate


def host_section(host: Host | BenchHost, versions: Mapping[str, str], peaks: Sequence[Peak] = ()) -> Section:
    """Return the machine, the highest rates that were measured on it, and the packages."""
    rows = tuple(_host_row(name.replace("_", " "), fact) for name, fact in host_facts(host).items())
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


def host_facts(host: Host | BenchHost) -> dict[str, Json]:
    """Return what is known of a host by name, as words, numbers or lists of words; graphics processors by names."""
    if isinstance(host, Host):
        return as_object(host)
    told = as_object(replace(host, versions={}, gpus=(), peaks=()))
    known: dict[str, Json] = {name: fact for name, fact in told.items() if fact or isinstance(fact, float)}
    gpus: Json = [one.name for one in host.gpus]
    return known | {"gpu": gpus or "none"}


def _peak_rows(peak: Peak) -> Iterator[tuple[str, ...]]:
    place = (peak.device.upper(), count(peak.threads))
    for precision, libraries in peak.gflops.items():
        for library, found in libraries.items():
            yield *place, f"product, {precision}", library, f"{rate(found)} GFLOP/s"
    yield *place, "copy", MISSING, f"{rate(peak.copy_gbytes_per_s)} GB/s"


def _host_row(name: str, fact: Json) -> tuple[str, str]:
    if isinstance(fact, list):
        return name, ", ".join(map(str, fact))
    if name.endswith(" bytes") and isinstance(fact, int):
        return name.removesuffix(" bytes"), f"{megabytes(fact)} MB"
    return name, count(fact) if isinstance(fact, int) else str(fact)
