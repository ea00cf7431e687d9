"""A whole build in seconds: a tiny teacher, text of our own, a recipe with every stage."""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from edgeenc.model.encoder import Encoder, save_encoder

RECIPE = """
name: tiny
teacher: {teacher}
seed: 7
stages:
  - {{kind: trim-vocab, vocab_size: 112}}
  - {{kind: adapt, tokens: 4096, batch_tokens: 256, sequence_lengths: [16, 32], lr: 3.0e-3, evaluations: 2}}
  - {{kind: drop-layers, layers: 2, rule: stride}}
  - {{kind: distill, teacher: adapt, tokens: 4096, batch_tokens: 256, sequence_lengths: [16, 32], lr: 3.0e-3,
  evaluations: 2}}
  - {{kind: prune-ffn, intermediate_size: 32, calibration_batches: 2}}
  - {{kind: truncate-hidden, hidden_size: 24, calibration_batches: 2}}
  - {{name: student, kind: distill, teacher: distill, tokens: 8192, batch_tokens: 256, sequence_lengths: [16, 32],
  lr: 3.0e-3, evaluations: 2}}
bounds: {{mean_cosine: 0.9, worst_cosine: 0.5, label_agreement: 0.5}}
fine_tuning: {{lr: 5.0e-3, epochs: 2, batch_size: 16, max_length: 32, seeds: [1, 2], distillation_weight: 0.5,
  baselines: [trim-vocab]}}
"""


@dataclass(frozen=True)
class World:
    """Everything that a tiny build needs."""

    teacher: Path
    corpus: Path
    recipe: Path
    folder: Path

    def command(self, store: Path, out: Path, *more: str) -> list[str]:
        """Return the command line of a build."""
        asked = ["--lang", "ilo", "--corpus", str(self.corpus), "--recipe", str(self.recipe)]
        return ["build", *asked, "--threads", "1", "--store", str(store), "-o", str(out), *more]


def make_world(encoder: Encoder, sentences: tuple[str, ...], folder: Path) -> World:
    """Write a teacher, a corpus of 60 KB of shuffled words, and a recipe into `folder`."""
    save_encoder(encoder, folder / "teacher")
    words = " ".join(sentences).split()
    chance = random.Random(5)
    lines = [" ".join(chance.choices(words, k=chance.randint(3, 14))) for _ in range(1400)]
    (folder / "corpus.txt").write_text("\n".join(lines), encoding="utf-8")
    (folder / "tiny.yaml").write_text(RECIPE.format(teacher=folder / "teacher"), encoding="utf-8")
    rows = [(line, "oo" if words[0] in line.split() else "hindi") for line in lines[:200]]
    reviews = "".join(f'"{text}",{label}\n' for text, label in rows)
    (folder / "reviews.csv").write_text(f"review,stars\n{reviews}", encoding="utf-8")
    tags = [(line.split(), ["X" if w.islower() else "Y" for w in line.split()]) for line in lines[:120]]
    tagged = "".join(json.dumps({"tokens": w, "upos": t}, ensure_ascii=False) + "\n" for w, t in tags)
    (folder / "tags.jsonl").write_text(tagged, encoding="utf-8")
    return World(folder / "teacher", folder / "corpus.txt", folder / "tiny.yaml", folder)


@dataclass(frozen=True)
class Done:
    """What a command left: its exit code and what it printed."""

    returncode: int
    stdout: str
    stderr: str


def edgeenc(*arguments: str, cwd: Path | None = None) -> Done:
    """Run the command line in this process, which has paid for its imports; whatever is not an exit is raised."""
    from edgeenc.cli import main

    out, err = io.StringIO(), io.StringIO()
    with (
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        contextlib.chdir(cwd or Path.cwd()),
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(sys, "argv", ["edgeenc", *arguments])
        with pytest.raises(SystemExit) as left:
            main()
    return Done(int(left.value.code or 0), out.getvalue(), err.getvalue())


def edgeenc_process(*arguments: str) -> subprocess.Popen[str]:
    """Start the command line in a process of its own, to be killed or to run beside another."""
    command = [sys.executable, "-m", "edgeenc", *arguments]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
