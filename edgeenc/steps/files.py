"""Steps that export, quantize, verify, time and bundle."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from edgeenc.bench.turns import compare_latency
from edgeenc.bundle.assemble import Contents, assemble
from edgeenc.bundle.gates import gate_batches, int8_gates, kept_pieces_gate, parity_gate, require, tokenizer_gate
from edgeenc.model.anatomy import anatomy_of
from edgeenc.model.config import load_config
from edgeenc.model.encoder import load_tokenizer
from edgeenc.record.form import spelled
from edgeenc.steps.summary import facts_of
from edgeenc.steps.task import PREDICTIONS
from edgeenc.steps.work import ONNX, Figures, Work
from edgeenc.targets.onnx import export
from edgeenc.targets.quantize import quantize
from edgeenc.targets.session import OrtSession
from edgeenc.targets.torch_session import checkpoint_session

GATE_LINES = 200
TIMED_SENTENCES = 60


def make_onnx(work: Work) -> Figures:
    """Export an encoder or a classifier."""
    path = export(work.input("encoder"), work.out / ONNX["fp32"], work.plan.request.task)
    return {"bytes": path.stat().st_size}


def make_int8(work: Work) -> Figures:
    """Make the int8 form of an exported file."""
    path = quantize(work.input("fp32") / ONNX["fp32"], work.out / ONNX["int8"])
    return {"bytes": path.stat().st_size}


def pass_gates(work: Work) -> Figures:
    """Run PyTorch and every exported file on the same real text; raise where a bound is crossed."""
    task, folder = work.plan.request.task, work.input("student")
    lines, tokenizer = work.texts()[:GATE_LINES], load_tokenizer(folder)
    batches = gate_batches(lines, tokenizer, longest_of(folder), task)
    bounds = work.plan.request.recipe.bounds
    files = dict(work.onnx())
    fp32 = OrtSession(files["fp32"], work.runtime.threads, task)
    gates = [
        tokenizer_gate(tokenizer, folder, lines),
        kept_pieces_gate(load_tokenizer(work.input("teacher")), tokenizer, lines),
        parity_gate(checkpoint_session(folder, task), fp32, batches, bounds.parity),
    ]
    if "int8" in files:
        gates += int8_gates(fp32, OrtSession(files["int8"], work.runtime.threads, task), batches, bounds)
    require(gates)
    return {"gates": [asdict(gate) for gate in gates]}


def longest_of(folder: Path) -> int:
    """Return how many pieces the model of a checkpoint folder reads at most."""
    config = load_config(folder)
    return anatomy_of(config).shape(config).longest


def time_models(work: Work) -> Figures:
    """Time the untouched teacher and the student on the same sentences, each with its own tokenizer."""
    models = {"teacher fp32": work.input("teacher-onnx") / ONNX["fp32"]}
    tokenizers = {"teacher fp32": work.input("teacher")}
    for precision, path in work.onnx():
        models[f"student {precision}"], tokenizers[f"student {precision}"] = path, work.input("student")
    texts = work.texts()
    own = len(texts) - len(work.corpus().test)
    test = texts[:own] if own >= TIMED_SENTENCES else texts  # those of the task, where it has enough
    picked = np.random.default_rng(work.step.seed).permutation(len(test))[:TIMED_SENTENCES]
    longest = min(map(longest_of, tokenizers.values()))
    sentences = [test[i] for i in picked]
    return spelled(compare_latency(models, tokenizers, sentences, rounds=5, threads=1, longest=longest))


def make_bundle(work: Work) -> Figures:
    """Put what was made, verified and measured into one folder."""
    manifests = {step.name: work.store.manifest(step.key, step.name) for step in work.plan.steps[:-1]}
    facts = facts_of(work.plan, {name: m for name, m in manifests.items() if m is not None})
    verified = replace(work, step=work.plan.step("verify"))
    contents = Contents(
        checkpoint=verified.input("student"),
        onnx={p: path for p, path in verified.onnx() if p in work.plan.request.precisions},
        lines=verified.texts(),
        recipe=str(work.step.fields["recipe"]),
        facts=facts,
        task=work.plan.request.task,
        predictions=work.input("score") / PREDICTIONS if "score" in work.step.inputs else None,
    )
    assemble(contents, work.out / "bundle")
    return {}
