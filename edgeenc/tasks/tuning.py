"""How a model learns a task, as a recipe says it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

PRESETS: Mapping[str, Mapping[str, object]] = {
    "full-published": {"method": "full", "start": "plain", "lr": 2e-5, "epochs": 3, "batch": 32, "longest": 512},
    "adapter-published": {
        **{"method": "adapter", "placement": "behind", "reduction": 16, "start": "plain"},
        **{"lr": 1e-4, "epochs": 20, "batch": 16, "longest": 256},
    },
}
"""What published work tunes by: arXiv:2501.12660 in full; arXiv:2505.16956 with adapters, of texts (for words it takes
lr 3e-4, 100 epochs, batches of 64, and 512 tokens: write these besides)."""


class Tuning(BaseModel):
    """How a head, and what is under it, learns the task of `--task`; every field changes the weights."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)

    preset: Literal["", "full-published", "adapter-published"] = ""
    """Take the other fields from published work: `full-published` is arXiv:2501.12660 (all weights, lr 2e-5, 3 epochs,
    batches of 32, 512 tokens), `adapter-published` arXiv:2505.16956 for texts (adapters behind the blocks, reduction
    16, lr 1e-4, 20 epochs, batches of 16, 256 tokens); a field that is written besides wins. The other defaults are
    for small students."""
    method: Literal["full", "frozen", "adapter"] = "full"
    """All weights, the head alone, or the head and a bottleneck at each feed-forward block."""
    placement: Literal["beside", "behind"] = "beside"
    """Where the bottlenecks of `adapter` lie: beside the block (arXiv:2110.04366), with its activation, and merged into
    it at export, so that every library loads the result; or behind it with ReLU, as arXiv:2505.16956 has them, and kept
    at export as layers of their own: the ONNX files are whole, the PyTorch weights are loaded by edgeenc alone."""
    start: Literal["mean", "plain"] = "mean"
    """How a classifier of texts begins: so that `[CLS]` is the mean of the text (`pool.py`), or as the library does."""
    lr: float = Field(default=3e-4, gt=0)
    """Learning rate on the plateau. Encoders of base size want 2e-5 (arXiv:2501.12660), small ones more."""
    teacher_lr: float | None = Field(default=None, gt=0)
    """The rate for the teacher and the steps beside it, which are larger than the student; None takes `lr`."""
    epochs: int = Field(default=10, gt=0)
    """Passes over the training examples."""
    batch: int = Field(default=32, gt=0)
    """Examples of one optimiser step."""
    longest: int = Field(default=128, ge=8)
    """Tokens of an example; the rest is cut off."""
    examples: int | None = Field(default=None, gt=0)
    """At most so many training examples, drawn by the seed of the data; None takes all."""
    reduction: int = Field(default=16, gt=0)
    """Hidden size over bottleneck size, for `adapter`; rounded down."""
    imitate: float = Field(default=0.0, ge=0, le=1)
    """Weight of the fine-tuned teacher's logits when a student learns; the labels have the rest."""
    temperature: float = Field(default=2.0, gt=0)
    """Both distributions are flattened by this before they are compared."""
    seeds: tuple[int, ...] = Field(default=(1, 2, 3), min_length=1)
    """One tuning for each: of the head's start and of the order of examples."""
    beside: tuple[str, ...] = ()
    """Steps of the recipe whose encoders are tuned and scored too, beside teacher and student."""

    @model_validator(mode="before")
    @classmethod
    def _from_preset(cls, given: object) -> object:
        """Put the fields of the preset below those that are written; what is no preset is refused by its type."""
        if not isinstance(given, dict):
            return given
        preset = PRESETS.get(str(given.get("preset")), {})
        return {**preset, **given}
