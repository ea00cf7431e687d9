"""The machine and the packages that figures come from."""

from __future__ import annotations

from collections.abc import Mapping

from edgeenc.bench.host import Fact
from edgeenc.report.table import Section, Table, count, megabytes


def host_section(host: Mapping[str, Fact], versions: Mapping[str, str]) -> Section:
    """Return the machine and the packages."""
    rows = tuple(_host_row(name.replace("_", " "), fact) for name, fact in host.items())
    return Section(
        "Host and versions",
        tables=(
            Table("Host", ("Fact", "Value"), "ll", rows),
            Table("Versions", ("Package", "Version"), "ll", tuple(versions.items())),
        ),
    )


def _host_row(name: str, fact: Fact) -> tuple[str, str]:
    if isinstance(fact, list):
        return name, ", ".join(fact)
    if name.endswith(" bytes") and isinstance(fact, int):
        return name.removesuffix(" bytes"), f"{megabytes(fact)} MB"
    return name, count(fact) if isinstance(fact, int) else str(fact)
