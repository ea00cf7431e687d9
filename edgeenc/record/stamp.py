"""What a file was when it was finished: what manifests of steps and of bundles say of each of theirs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """Hash and size of a finished file."""

    sha256: str
    bytes: int
