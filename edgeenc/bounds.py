"""What the gates ask of an exported file."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Bounds(BaseModel):
    """What an exported file must hold to be published; a file that crosses one stops the build."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)

    parity: float = Field(default=1e-4, gt=0)
    """Largest absolute difference between PyTorch and ONNX fp32 outputs at real pieces, in their own unit. A good
    export stays within 1e-5; an ignored mask or a shifted position moves outputs by 1e-1 and more."""
    mean_cosine: float = Field(default=0.98, gt=0, le=1)
    """Mean cosine of int8 and fp32 sentence vectors; for a classifier or tagger, of its labels' probabilities."""
    worst_cosine: float = Field(default=0.90, ge=-1, le=1)
    """Cosine of the worst sentence."""
    agreement: float = Field(default=0.90, ge=0, le=1)
    """For fill-mask: share of masked pieces at which int8 and fp32 put the same piece first."""
    labels: float = Field(default=0.95, ge=0, le=1)
    """For classifiers: share of texts, or of pieces, to which int8 and fp32 give the same label."""
