"""A step at work: where its inputs are, where its files go, and whom it tells how far it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from edgeenc.machine.runtime import Runtime
from edgeenc.model.encoder import Encoder, load_encoder
from edgeenc.plan import Plan, Step
from edgeenc.store import Draft, Manifest, Store
from edgeenc.tasks.examples import load_task
from edgeenc.text.corpus import Corpus, load_corpus
from edgeenc.training import Job, Progress

ONNX = {"fp32": "model.onnx", "int8": "model_quantized.onnx"}
"""Names of the exported files in the folder of a step."""

Figures = Mapping[str, JsonValue]


@dataclass(frozen=True)
class Event:
    """What the screen is told: a step is `skipped`, `begun`, in `progress`, `done`, or something is `said`."""

    what: str
    step: Step
    manifest: Manifest | None = None
    progress: Progress | None = None
    text: str = ""


Tell = Callable[[Event], None]


def quiet(_: Event) -> None:
    """Say nothing."""


@dataclass(frozen=True)
class Work:
    """A step at work: where its inputs are and where its files go."""

    step: Step
    plan: Plan
    store: Store
    runtime: Runtime
    draft: Draft
    tell: Tell

    @property
    def out(self) -> Path:
        """The folder to fill."""
        return self.draft.folder

    def input(self, role: str) -> Path:
        """Return the folder of an input."""
        step = self.plan.step(self.step.inputs[role])
        return self.store.folder(step.key, step.name)

    def encoder(self, role: str = "encoder") -> Encoder:
        """Load an input that is an encoder."""
        return load_encoder(self.input(role))

    def corpus(self) -> Corpus:
        """Load the corpus."""
        return load_corpus(self.input("corpus"))

    def texts(self) -> list[str]:
        """Return text that nothing was learnt from: a task's test part first, then the test lines of the corpus."""
        asked = load_task(self.input("data")).test if "data" in self.step.inputs else ()
        return [*(" ".join(item.words) for item in asked), *self.corpus().test]

    def job(self) -> Job:
        """Return how a training of this step is run: in place, for what a step loads is its own."""
        said = lambda progress: self.tell(Event("progress", self.step, progress=progress))  # noqa: E731
        return Job(self.step.seed, self.runtime, self.draft.scratch, said, in_place=True)

    def onnx(self) -> Iterator[tuple[str, Path]]:
        """Return the exported files among the inputs, by precision."""
        for precision in ("fp32", "int8"):
            if precision in self.step.inputs:
                yield precision, self.input(precision) / ONNX[precision]
