"""Make a small, fast, verified model of one language out of a multilingual encoder.

A notebook needs this one import: every public name is loaded when it is first asked for, so that importing the package
costs nothing. No public name is that of a module of the package: importing a module would put it in the name's place.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgeenc.asked import build, plan
    from edgeenc.bundle.load import Bundle, load_bundle
    from edgeenc.bundle.recheck import recheck as verify_bundle
    from edgeenc.compress.adapt import adapt
    from edgeenc.compress.distill import distill
    from edgeenc.compress.drop_layers import drop_layers, measured_layers
    from edgeenc.compress.importance import calibration as calibration_batches
    from edgeenc.compress.prune_ffn import prune_ffn
    from edgeenc.compress.trim_vocab import trim_vocab
    from edgeenc.compress.truncate_hidden import truncate_hidden
    from edgeenc.errors import EdgeencError
    from edgeenc.machine.runtime import Runtime
    from edgeenc.model.answers import Guess
    from edgeenc.model.bits import bits_per_character
    from edgeenc.model.classifier import TaskModel, load_task_model, save_task_model
    from edgeenc.model.encoder import Encoder, load_encoder, save_encoder
    from edgeenc.model.purpose import purpose_named
    from edgeenc.model.shape import Shape
    from edgeenc.planned import Plan
    from edgeenc.recipe import Recipe, load_recipe
    from edgeenc.record.ask import Ask
    from edgeenc.stages.distill import DistillOptions
    from edgeenc.stages.training import TrainingOptions
    from edgeenc.store import Store
    from edgeenc.targets.onnx_file.export import export as export_onnx
    from edgeenc.targets.onnx_file.quantize import quantize
    from edgeenc.tasks.spec import TaskSpec
    from edgeenc.tasks.task import Task, open_task
    from edgeenc.tasks.tuning.fine_tuning import FineTuning
    from edgeenc.tasks.tuning.taught import Taught, teacher_logits
    from edgeenc.tasks.tuning.tune import tune
    from edgeenc.text.corpus import Corpus, read_corpus
    from edgeenc.text.vocabulary import quality as tokenizer_quality
    from edgeenc.training_loop import History, Job

__version__ = "0.1.0"

__all__ = [
    "Ask",
    "Bundle",
    "Corpus",
    "DistillOptions",
    "EdgeencError",
    "Encoder",
    "FineTuning",
    "Guess",
    "History",
    "Job",
    "Plan",
    "Recipe",
    "Runtime",
    "Shape",
    "Store",
    "Task",
    "TaskModel",
    "TaskSpec",
    "Taught",
    "TrainingOptions",
    "__version__",
    "adapt",
    "bits_per_character",
    "build",
    "calibration_batches",
    "distill",
    "drop_layers",
    "export_onnx",
    "load_bundle",
    "load_encoder",
    "load_recipe",
    "load_task_model",
    "measured_layers",
    "open_task",
    "plan",
    "prune_ffn",
    "purpose_named",
    "quantize",
    "read_corpus",
    "save_encoder",
    "save_task_model",
    "teacher_logits",
    "tokenizer_quality",
    "trim_vocab",
    "truncate_hidden",
    "tune",
    "verify_bundle",
]

_PLACES = {
    "asked": ("build", "plan"),
    "record.ask": ("Ask",),
    "bundle.load": ("Bundle", "load_bundle"),
    "bundle.recheck": ("recheck as verify_bundle",),
    "compress.adapt": ("adapt",),
    "compress.distill": ("distill",),
    "compress.drop_layers": ("drop_layers", "measured_layers"),
    "compress.importance": ("calibration as calibration_batches",),
    "compress.prune_ffn": ("prune_ffn",),
    "compress.trim_vocab": ("trim_vocab",),
    "compress.truncate_hidden": ("truncate_hidden",),
    "errors": ("EdgeencError",),
    "machine.runtime": ("Runtime",),
    "model.answers": ("Guess",),
    "model.bits": ("bits_per_character",),
    "model.classifier": ("TaskModel", "load_task_model", "save_task_model"),
    "model.encoder": ("Encoder", "load_encoder", "save_encoder"),
    "model.purpose": ("purpose_named",),
    "model.shape": ("Shape",),
    "planned": ("Plan",),
    "recipe": ("Recipe", "load_recipe"),
    "stages.distill": ("DistillOptions",),
    "stages.training": ("TrainingOptions",),
    "store": ("Store",),
    "targets.onnx_file.export": ("export as export_onnx",),
    "targets.onnx_file.quantize": ("quantize",),
    "tasks.spec": ("TaskSpec",),
    "tasks.task": ("Task", "open_task"),
    "tasks.tuning.taught": ("Taught", "teacher_logits"),
    "tasks.tuning.tune": ("tune",),
    "tasks.tuning.fine_tuning": ("FineTuning",),
    "text.corpus": ("Corpus", "read_corpus"),
    "text.vocabulary": ("quality as tokenizer_quality",),
    "training_loop": ("History", "Job"),
}
"""The imports above once more, for those who run the code; a test holds the two lists against each other."""

_FOUND = {word.split()[-1]: (place, word.split()[0]) for place, words in _PLACES.items() for word in words}


def __getattr__(name: str) -> object:
    """Load a public name from where it lives.

    Raises:
        AttributeError: there is no such name.
    """
    if name not in _FOUND:
        raise AttributeError(f"module 'edgeenc' has no attribute {name!r}")
    place, own = _FOUND[name]
    value = getattr(importlib.import_module(f"edgeenc.{place}"), own)
    globals()[name] = value  # asked once
    return value


def __dir__() -> list[str]:
    """Return the public names, loaded or not, and the modules that were imported."""
    return sorted({*globals(), *__all__})
