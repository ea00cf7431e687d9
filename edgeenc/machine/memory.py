"""How much memory this process holds: resident bytes, now and at most so far."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path


def resident_bytes() -> int:
    """Return the resident set of this process in bytes."""
    found = _status("VmRSS")
    if found is not None:
        return found
    # macOS tells only its own tools; `ps` counts in units of 1,024 bytes
    asked = subprocess.run(["ps", "-o", "rss=", "-p", str(os.getpid())], capture_output=True, text=True, check=True)
    return 1024 * int(asked.stdout)


def peak_resident_bytes() -> int:
    """Return the largest resident set of this process so far, in bytes.

    Linux hands `ru_maxrss` of a parent on to its child, so a child of a large process would look large: VmHWM is read.
    """
    found = _status("VmHWM")
    if found is not None:
        return found
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return largest if sys.platform == "darwin" else 1024 * largest


def status_bytes(text: str, field: str) -> int | None:
    """Return a field of the text of /proc/self/status in bytes, or None where it is not there.

    Worked example: `VmRSS` of the line ``VmRSS:  12 kB`` is 12,288: these kB are 1,024 bytes each.
    """
    for line in text.splitlines():
        key, _, value = line.partition(":")
        if key == field:
            return 1024 * int(value.split()[0])
    return None


def _status(field: str) -> int | None:
    try:
        return status_bytes(Path("/proc/self/status").read_text(encoding="utf-8"), field)
    except OSError:
        return None
