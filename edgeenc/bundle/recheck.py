"""Check a published bundle again, wherever it now lies: every hash, every gate, on the golden texts that it carries."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from edgeenc.bundle.assemble import GOLDEN, ONNX, check, replay
from edgeenc.bundle.gates import Gate, gate_batches, int8_gates, parity_gate, require, tokenizer_gate
from edgeenc.model.classifier import task_named
from edgeenc.model.config import load_config
from edgeenc.model.encoder import load_tokenizer
from edgeenc.model.shape import shape_of
from edgeenc.recipe import parse_recipe
from edgeenc.targets.session import OrtSession
from edgeenc.targets.torch_session import checkpoint_session

GOLDEN_APART = 0.1
"""How far a value may be from the stored one: int8 kernels of processors differ a little, models far more."""


def recheck(folder: Path) -> tuple[Gate, ...]:
    """Hash every file of a bundle and run its gates on this host; return the gates.

    Raises:
        InputError: it is no bundle, or files are missing or changed.
        GateError: a gate does not hold here.
    """
    check(folder)
    recipe = parse_recipe(yaml.safe_load((folder / "recipe.yaml").read_text(encoding="utf-8")), f"{folder}/recipe.yaml")
    bounds = recipe.bounds
    config, tokenizer = load_config(folder), load_tokenizer(folder)
    lines = [json.loads(row)["text"] for row in (folder / GOLDEN).read_text(encoding="utf-8").splitlines()]
    named = task_named(config)
    sessions = {p: OrtSession(folder / name, 1, named) for p, name in ONNX.items() if (folder / name).is_file()}
    task = next(iter(sessions.values())).task
    batches = gate_batches(lines, tokenizer, shape_of(config).longest, task)
    right = checkpoint_session(folder, task)
    gates = [tokenizer_gate(tokenizer, folder, lines)]
    if "fp32" in sessions:
        gates.append(parity_gate(right, sessions["fp32"], batches, bounds.parity))
    if "int8" in sessions:
        gates += int8_gates(sessions.get("fp32", right), sessions["int8"], batches, bounds)
    apart = replay(folder)
    gates.append(Gate("golden outputs", apart, GOLDEN_APART, apart <= GOLDEN_APART, "largest difference", ""))
    require(gates)
    return tuple(gates)
