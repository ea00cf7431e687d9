"""How a model is fine-tuned on a task, as a recipe says it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from edgeenc.record.former import Former

PRESETS: Mapping[str, Mapping[str, object]] = {
    "full-published": {
        **{"method": "full", "pooling": "cls", "head_start": "random"},
        **{"lr": 2e-5, "epochs": 3, "batch_size": 32, "max_length": 512},
    },
    "adapter-published": {
        **{"method": "adapter", "placement": "sequential", "reduction_factor": 16, "pooling": "cls"},
        **{"head_start": "random", "lr": 1e-4, "epochs": 20, "batch_size": 16, "max_length": 256},
    },
}
"""What published work tunes by: arXiv:2501.12660 in full; arXiv:2505.16956 with adapters, of texts (for words it takes
lr 3e-4, 100 epochs, batch size 64 and max length 512: write these besides)."""


class FineTuning(BaseModel):
    """How a head, and the encoder under it, is fine-tuned on the task of `--task`; every field changes the weights."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)
    FORMER: ClassVar[Former] = Former(
        {
            **{"pooling": "start", "batch_size": "batch", "max_length": "longest", "max_train_samples": "examples"},
            **{"reduction_factor": "reduction", "distillation_weight": "imitate", "baselines": "beside"},
        },
        {"placement": {"parallel": "beside", "sequential": "behind"}, "pooling": {"cls": "plain"}},
    )

    preset: Literal["", "full-published", "adapter-published"] = ""
    """Take the other fields from published work: `full-published` is arXiv:2501.12660 (all weights, lr 2e-5, 3 epochs,
    batch size 32, max length 512), `adapter-published` arXiv:2505.16956 for texts (sequential adapters, reduction
    factor 16, lr 1e-4, 20 epochs, batch size 16, max length 256); a field that is written besides wins. The other
    defaults are for small students."""
    method: Literal["full", "frozen", "adapter"] = "full"
    """What is trained: all weights, the head alone on a frozen encoder, or the head and an adapter at each feed-forward
    block."""
    placement: Literal["parallel", "sequential"] = "parallel"
    """Where the bottleneck of an `adapter` lies: `parallel` to the block (arXiv:2110.04366), with its activation, and
    merged into it at export, so that every library loads the result; or `sequential`, after it, with ReLU, as in
    arXiv:2505.16956, and kept at export as a layer of its own: the ONNX files are whole, the PyTorch weights are loaded
    by edgeenc alone."""
    pooling: Literal["mean", "cls"] = "mean"
    """What a text classifier starts from: `mean`, `[CLS]` starts as the mean of all tokens (`pool.py`); `cls`, `[CLS]`
    as transformers has it."""
    head_start: Literal["probe", "random"] = "probe"
    """What a head starts as: a linear `probe` of the encoder on the training examples (arXiv:2202.10054), or `random`
    weights, as those of teacher and `baselines` do where a text has one label: large models learn more from there."""
    lr: float = Field(default=3e-4, gt=0)
    """Peak learning rate. Encoders of base size want 2e-5 (arXiv:2501.12660), small ones more."""
    teacher_lr: float | None = Field(default=None, gt=0)
    """Peak learning rate of the teacher and of the `baselines`, which are larger than the student; none takes `lr`."""
    epochs: int = Field(default=10, gt=0)
    """Passes over the training examples."""
    batch_size: int = Field(default=32, gt=0)
    """Examples per optimiser step."""
    max_length: int = Field(default=128, ge=8)
    """Tokens of an example, special tokens included; longer ones are truncated."""
    max_train_samples: int | None = Field(default=None, gt=0)
    """At most so many training examples, sampled by a fixed seed; none takes all."""
    reduction_factor: int = Field(default=16, gt=0)
    """Hidden size over bottleneck size of an `adapter`; the bottleneck size is rounded down."""
    distillation_weight: float = Field(default=0.0, ge=0, le=1)
    """Weight of the distillation loss, which compares the student's logits with those of the fine-tuned teacher; the
    cross entropy of the labels has the rest."""
    unlabelled_texts: int = Field(default=0, ge=0)
    """At most so many training texts of the corpus, drawn by a fixed seed, that the student reads too, each once: it
    learns the fine-tuned teacher's logits for them (arXiv:1503.02531, arXiv:1909.10351). Worth it where labelled
    examples are few. Rounded down to a multiple of `epochs`."""
    temperature: float = Field(default=2.0, gt=0)
    """Softmax temperature of teacher and student in the distillation loss."""
    seeds: tuple[int, ...] = Field(default=(1, 2, 3), min_length=1)
    """One fine-tuning for each: seed of the head's initialisation and of the order of examples."""
    baselines: tuple[str, ...] = ()
    """Steps of the recipe whose encoders are fine-tuned and scored too, for comparison with teacher and student."""

    @property
    def distils(self) -> bool:
        """Whether a student learns from the fine-tuned teacher."""
        return self.distillation_weight > 0 or self.unlabelled_texts > 0

    @model_validator(mode="before")
    @classmethod
    def _from_preset(cls, given: object) -> object:
        """Put the fields of the preset below those that are written; what is no preset is refused by its type."""
        if not isinstance(given, dict):
            return given
        preset = PRESETS.get(str(given.get("preset")), {})
        return {**preset, **given}
