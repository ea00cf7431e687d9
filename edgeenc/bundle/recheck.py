"""Check a published bundle again, wherever it now lies: every hash, every gate, on the golden texts that it carries."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import yaml

from edgeenc.bundle.assemble import GOLDEN, check, longest_read
from edgeenc.bundle.gate import AppReading, GateCase, run_gates
from edgeenc.bundle.gate_text import gate_batches
from edgeenc.bundle.opened import opened
from edgeenc.model.answers import NO_LABEL
from edgeenc.model.config import labels_of, load_config
from edgeenc.model.encoder import load_tokenizer
from edgeenc.model.purpose import Purpose, labelled_purpose
from edgeenc.recipe import parse_recipe, recipe_of_today
from edgeenc.record.gates import Gate
from edgeenc.targets.target import target_of
from edgeenc.tasks.item import Item
from edgeenc.tasks.task_kind import task_kind_for


def recheck(folder: Path) -> tuple[Gate, ...]:
    """Hash every file of a bundle and run its gates on this host; return the gates.

    Raises:
        InputError: it is no bundle, or files are missing or changed.
        GateError: a gate does not hold here.
    """
    check(folder)
    fields, _ = recipe_of_today(yaml.safe_load((folder / "recipe.yaml").read_text(encoding="utf-8")))
    recipe = parse_recipe(fields, f"{folder}/recipe.yaml")
    config, tokenizer = load_config(folder), load_tokenizer(folder)
    lines = [json.loads(row)["text"] for row in (folder / GOLDEN).read_text(encoding="utf-8").splitlines()]
    target = target_of(folder)
    files = opened(target, folder, target.files_in(folder), labelled_purpose(config))
    purpose, longest = files[0].session.purpose, longest_read(folder)
    labelled = _labelled(lines, purpose, labels_of(config), longest)
    batches = gate_batches(lines, tokenizer, longest, purpose)
    return run_gates(
        GateCase(folder, tokenizer, lines, batches, files, recipe.bounds, bundle=folder, labelled=labelled)
    )


def _labelled(lines: Sequence[str], purpose: Purpose, labels: Sequence[str], longest: int) -> AppReading | None:
    """Return golden texts as items of the task whose models compute this purpose; of a tagger, as words."""
    kind = task_kind_for(purpose)
    if kind is None:
        return None
    words = [tuple(line.split()) if kind.lists else (line,) for line in lines]
    items = [Item(one, (NO_LABEL,) * len(one), (True,) * len(one)) for one in words]
    return AppReading(kind, items, labels, longest)
