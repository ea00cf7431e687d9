"""The story of a build: the one loop over the steps, and for each kind of step what is done.

A finished step is never done twice; a step that was killed goes on from its own checkpoint.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
from pydantic import JsonValue

from edgeenc.bench.host import describe, versions
from edgeenc.bench.latency import compare_latency
from edgeenc.bits import bits_per_character, unigram_bits
from edgeenc.bundle import Contents, assemble
from edgeenc.compress.adapt import adapt
from edgeenc.compress.stage import Desk
from edgeenc.errors import EdgeencError, InputError
from edgeenc.model.anatomy import anatomy_of
from edgeenc.model.encoder import Encoder, load_config, load_encoder, load_tokenizer, save_encoder
from edgeenc.model.random import random_like
from edgeenc.plan import Plan, Step
from edgeenc.runtime import Runtime
from edgeenc.store import Draft, Facts, Manifest, Store
from edgeenc.summary import facts_of
from edgeenc.targets.onnx import export
from edgeenc.targets.quantize import quantize
from edgeenc.targets.session import OrtSession
from edgeenc.targets.torch_session import TorchSession
from edgeenc.text.corpus import Corpus, deduplicate, load_corpus, read_corpus, read_lines, save_corpus, split_heldout
from edgeenc.text.vocabulary import quality
from edgeenc.training import Job, Progress, TrainingOptions
from edgeenc.verify import gate_batches, int8_gates, kept_pieces_gate, parity_gate, require, tokenizer_gate

MOST_UNKNOWN = 0.02
"""A corpus with more unknown pieces than this cannot be learnt with the teacher's characters."""
GATE_LINES = 200
TIMED_SENTENCES = 60
ONNX = {"export": "model.onnx", "quantize": "model_quantized.onnx"}

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


def run(plan: Plan, store: Store, runtime: Runtime, tell: Tell = quiet) -> Path:
    """Do every step of `plan` that is not done, and return the folder of the finished bundle.

    Raises:
        EdgeencError: whatever a step cannot do; what was finished before stays finished.
    """
    torch.set_num_threads(runtime.threads)
    if store.manifest(plan.bundle.key, plan.bundle.name) is None:
        for step in plan.steps:
            _once(step, plan, store, runtime, tell)
    else:
        for step in plan.steps:
            tell(Event("skipped", step, store.manifest(step.key, step.name)))
    return store.folder(plan.bundle.key, plan.bundle.name) / "bundle"


def _once(step: Step, plan: Plan, store: Store, runtime: Runtime, tell: Tell) -> None:
    """Do one step unless it is done, and let its folder appear."""
    manifest = store.manifest(step.key, step.name)
    if manifest is None:
        with store.building(step.key, step.name, lambda text: tell(Event("said", step, text=text))) as draft:
            manifest = draft.done
            if manifest is None:
                tell(Event("begun", step))
                began = time.monotonic()
                figures = DO.get(step.kind, _stage)(Work(step, plan, store, runtime, draft, tell))
                inputs = {role: plan.step(name).key for role, name in step.inputs.items()}
                facts = Facts(
                    kind=step.kind,
                    inputs=inputs,
                    seconds=round(time.monotonic() - began, 2),
                    versions=versions(),
                    host=describe(),
                    figures=dict(figures),
                )
                tell(Event("done", step, store.commit(draft, facts)))
                return
    tell(Event("skipped", step, manifest))


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

    def job(self) -> Job:
        """Return how a training of this step is run."""
        said = lambda progress: self.tell(Event("progress", self.step, progress=progress))  # noqa: E731
        return Job(self.step.seed, self.runtime, self.draft.scratch, said)

    def onnx(self) -> Iterator[tuple[str, Path]]:
        """Return the exported files among the inputs, by precision."""
        for precision in ("fp32", "int8"):
            if precision in self.step.inputs:
                yield precision, self.input(precision) / ONNX[self.plan.step(self.step.inputs[precision]).kind]


def _corpus(work: Work) -> Figures:
    request = work.plan.request
    if request.heldout is None:
        corpus = read_corpus(request.train, work.step.seed)
    else:
        corpus = split_heldout(deduplicate(read_lines(request.train)), read_lines(request.heldout))
    save_corpus(corpus, work.out)
    sizes = {name: len(getattr(corpus, name)) for name in ("train", "valid", "test")}
    return {**sizes, "characters": corpus.characters, "bytes": sum(len(line.encode()) + 1 for line in corpus.train)}


def _teacher(work: Work) -> Figures:
    encoder = load_encoder(work.plan.request.teacher)
    save_encoder(encoder, work.out)
    return {"parameters": encoder.shape.parameters}


def _stage(work: Work) -> Figures:
    stage, encoder, corpus = work.step.stage, work.encoder(), work.corpus()
    assert stage is not None
    if work.step.inputs["encoder"] == "teacher":
        _require_known(encoder, corpus, work.plan.request.train)
    desk = Desk(corpus, lambda name: work.encoder(f"earlier {name}"), work.job())
    torch.manual_seed(work.step.seed)
    made = stage.apply(encoder, desk)
    if work.step.exact and made.encoder.shape != work.step.shape:
        raise EdgeencError(
            f"step {work.step.name}: planned {work.step.shape}, made {made.encoder.shape}; please report this"
        )
    save_encoder(made.encoder, work.out)
    return {**made.figures, "shape": asdict(made.encoder.shape), "parameters": made.encoder.shape.parameters}


def _require_known(encoder: Encoder, corpus: Corpus, path: Path) -> None:
    """Refuse a corpus that the teacher's tokenizer cannot read."""
    rate = quality(corpus.train, encoder.tokenizer).unknown_rate
    if rate > MOST_UNKNOWN:
        raise InputError(
            f"corpus {path}: {100 * rate:.1f} % of its pieces are unknown to the teacher's tokenizer (at most"
            f" {100 * MOST_UNKNOWN:.0f} % can be); choose a teacher that knows this script"
        )


def _control(work: Work) -> Figures:
    fields = {name: value for name, value in work.step.fields.items() if name in TrainingOptions.model_fields}
    options = TrainingOptions.model_validate(fields)
    trained, history = adapt(random_like(work.encoder(), work.step.seed), work.corpus(), options, work.job())
    save_encoder(trained, work.out)
    return history.figures()


def _measure(work: Work) -> Figures:
    """Bits per character of every model on the same words of the test lines."""
    corpus, seed = work.corpus(), work.step.seed
    alphabet = corpus.characters
    bits: dict[str, JsonValue] = {}
    tables = []
    for role in ("teacher", "student", "cut", "control"):
        if role in work.step.inputs:
            encoder = work.encoder(role)
            bits[role] = bits_per_character(encoder, corpus.test, characters=alphabet, seed=seed)
            if role in ("teacher", "student"):
                tokenizer = encoder.tokenizer
                tables.append(unigram_bits(corpus.train, tokenizer, corpus.test, characters=alphabet, seed=seed))
    same = asdict(quality(corpus.test, work.encoder("student").tokenizer))
    return {"unigram": min(tables), **bits, "tokenizer": {"before": same, "after": same, "coverage": 1.0}}


def _export(work: Work) -> Figures:
    path = export(work.input("encoder"), work.out / ONNX["export"], work.plan.request.task)
    return {"bytes": path.stat().st_size}


def _quantize(work: Work) -> Figures:
    path = quantize(work.input("fp32") / ONNX["export"], work.out / ONNX["quantize"])
    return {"bytes": path.stat().st_size}


def _verify(work: Work) -> Figures:
    """Run PyTorch and every exported file on the same real text; raise where a bound is crossed."""
    student, task = work.encoder("student"), work.plan.request.task
    lines = work.corpus().test[:GATE_LINES]
    batches = gate_batches(lines, student.tokenizer, student.shape.longest, task)
    bounds = work.plan.request.recipe.bounds
    files = dict(work.onnx())
    fp32 = OrtSession(files["fp32"], work.runtime.threads)
    gates = [
        tokenizer_gate(student.tokenizer, work.input("student"), lines),
        kept_pieces_gate(load_tokenizer(work.input("teacher")), student.tokenizer, lines),
        parity_gate(TorchSession(student, task), fp32, batches, bounds.parity),
    ]
    if "int8" in files:
        gates += int8_gates(fp32, OrtSession(files["int8"], work.runtime.threads), batches, bounds)
    require(gates)
    return {"gates": [asdict(gate) for gate in gates]}


def _bench(work: Work) -> Figures:
    """Time the untouched teacher and the student on the same sentences, each with its own tokenizer."""
    models = {"teacher fp32": work.input("teacher-onnx") / ONNX["export"]}
    tokenizers = {"teacher fp32": work.input("teacher")}
    for precision, path in work.onnx():
        models[f"student {precision}"], tokenizers[f"student {precision}"] = path, work.input("student")
    test = work.corpus().test
    picked = np.random.default_rng(work.step.seed).permutation(len(test))[:TIMED_SENTENCES]
    configs = map(load_config, tokenizers.values())
    longest = min(anatomy_of(config).shape(config).longest for config in configs)
    sentences = [test[i] for i in picked]
    return cast("Figures", compare_latency(models, tokenizers, sentences, rounds=5, threads=1, longest=longest))


def _bundle(work: Work) -> Figures:
    manifests = {step.name: work.store.manifest(step.key, step.name) for step in work.plan.steps[:-1]}
    facts = facts_of(work.plan, {name: m for name, m in manifests.items() if m is not None})
    student = work.plan.student
    names = {"fp32": "export", "int8": "quantize"}
    contents = Contents(
        checkpoint=work.store.folder(student.key, student.name),
        onnx={p: work.input(names[p]) / ONNX[names[p]] for p in work.plan.request.precisions},
        lines=work.corpus().test,
        recipe=str(work.step.fields["recipe"]),
        facts=facts,
    )
    assemble(contents, work.out / "bundle")
    return {}


DO: dict[str, Callable[[Work], Figures]] = {
    "corpus": _corpus,
    "teacher": _teacher,
    "control": _control,
    "measure": _measure,
    "export": _export,
    "quantize": _quantize,
    "verify": _verify,
    "bench": _bench,
    "bundle": _bundle,
}
