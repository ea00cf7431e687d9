"""What is masked as one when a masked LM is trained."""

from __future__ import annotations

from typing import Literal

Unit = Literal["words", "pieces"]
"""Whole words, or pieces one by one."""
