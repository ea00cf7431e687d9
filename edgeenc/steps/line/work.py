"""A step at work: where its inputs are, where its files go, and whom it tells how far it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from edgeenc.machine.arrays import ArrayFolder
from edgeenc.machine.runtime import Runtime
from edgeenc.model.config import load_config
from edgeenc.model.encoder import Encoder, load_encoder
from edgeenc.model.sentence_head import longest_text
from edgeenc.model.shape import shape_of
from edgeenc.planned import CORPUS, DATA, ENCODER, TASK, Plan, Role, Step
from edgeenc.store import Draft, Manifest, Store
from edgeenc.targets.target import Precision
from edgeenc.tasks.examples import load_task
from edgeenc.tasks.tags.running_text import running_text
from edgeenc.tasks.task import Task
from edgeenc.text.corpus import Corpus, load_corpus
from edgeenc.training_loop import Job, Progress


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

    def input(self, role: Role) -> Path:
        """Return the folder of an input."""
        step = self._read(role)
        return self.store.folder(step.key, step.name)

    def manifest(self, role: Role) -> Manifest:
        """Return the manifest of an input."""
        step = self._read(role)
        manifest = self.store.manifest(step.key, step.name)
        assert manifest is not None
        return manifest

    def _read(self, role: Role) -> Step:
        return self.plan.step(self.step.inputs[role])

    def encoder(self, role: Role = ENCODER) -> Encoder:
        """Load an input that is an encoder."""
        return load_encoder(self.input(role))

    def longest(self, role: Role) -> int:
        """Return how many tokens the model of an input reads at most."""
        config = load_config(self.input(role))
        return shape_of(config).longest

    def longest_text(self, role: Role) -> int:
        """Return to how many tokens an app cuts texts for it: what makes sentence vectors may be given fewer."""
        return longest_text(self.input(role)) if self.plan.request.purpose.pooled_from else self.longest(role)

    def vectors(self, name: str) -> ArrayFolder:
        """Return where the sentence vectors of a step are kept."""
        step = self.plan.step(name)
        return self.store.vectors(step.key, step.name)

    def corpus(self) -> Corpus:
        """Load the corpus."""
        return load_corpus(self.input(CORPUS))

    def task(self) -> Task:
        """Return the task of the build, with the examples as they were when its step was done."""
        asked = self.plan.request.task_data
        assert asked is not None
        return replace(asked, data=load_task(self.input(TASK)))

    def texts(self) -> list[str]:
        """Return text that nothing was learnt from: a task's test part first, then the test lines of the corpus."""
        asked = load_task(self.input(DATA)).test if DATA in self.step.inputs else ()
        return [*(running_text(item.words, item.spaces)[0] for item in asked), *self.corpus().test]

    def job(self) -> Job:
        """Return how a training of this step is run: in place, for what a step loads is its own."""
        said = lambda progress: self.tell(Event("progress", self.step, progress=progress))  # noqa: E731
        return Job(self.step.seed, self.runtime, self.draft.scratch, said, in_place=True)

    def file(self, precision: str, seed: int | None = None) -> Path:
        """Return an exported file among the inputs, of several tunings that of one seed."""
        role = Role("file", precision=precision, seed=seed)
        return self.input(role) / self.plan.request.target.precision(precision).file

    def files(self, seed: int | None = None) -> Iterator[tuple[Precision, Path]]:
        """Return the exported files among the inputs by precision, of several tunings those of one seed."""
        for one in self.plan.request.target.precisions:
            if Role("file", precision=one.name, seed=seed) in self.step.inputs:
                yield one, self.file(one.name, seed)
