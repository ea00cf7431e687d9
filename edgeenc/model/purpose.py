"""What an exported model computes, in the words of the hub, and which kind of task each head serves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

ExportTask = Literal["feature-extraction", "fill-mask", "text-classification", "token-classification"]
Kind = Literal["classify", "tag"]
EXPORT: Mapping[Kind, ExportTask] = {"classify": "text-classification", "tag": "token-classification"}
"""What the exported file of each kind of task computes."""
