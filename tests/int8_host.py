"""Whether this host's int8 products are exact: tests of random weights bound them by it."""

from __future__ import annotations

from pathlib import Path

from edgeenc.machine.describe import cpu_flags

EXACT = not {"avx512_vnni", "avx_vnni", "asimd"}.isdisjoint(cpu_flags(Path("/proc/cpuinfo").read_text("utf-8")))
"""Other processors add pairs of products in 16 bits, which saturate: of random weights that turns one choice in six."""
