"""What is masked as one when a masked LM is trained."""

from __future__ import annotations

from typing import Literal

Unit = Literal["words", "tokens"]
"""Whole-word masking, or single tokens."""
