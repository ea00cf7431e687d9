"""Steps that read text and make or measure encoders."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import torch
from pydantic import JsonValue

from edgeenc.bits import bits_per_character, unigram_bits
from edgeenc.compress.adapt import adapt
from edgeenc.compress.apply import Desk, apply
from edgeenc.errors import EdgeencError, InputError
from edgeenc.model.encoder import Encoder, load_encoder, save_encoder
from edgeenc.model.random import random_encoder, random_like
from edgeenc.sources import SEED, is_random
from edgeenc.stages.training import TrainingOptions
from edgeenc.steps.work import Figures, Work
from edgeenc.text.corpus import Corpus, deduplicate, load_corpus, read_lines, save_corpus, split_heldout
from edgeenc.text.intake import take_in
from edgeenc.text.lines import some
from edgeenc.text.vocabulary import quality

MOST_UNKNOWN = 0.02
"""A corpus with more unknown pieces than this cannot be learnt with the teacher's characters."""


def make_corpus(work: Work) -> Figures:
    """Normalise, deduplicate and split the text; of a user's own also say what was found in it."""
    request, found = work.plan.request, {}
    if request.heldout is None:
        found = {"text": asdict(take_in(request.train, work.out, work.step.seed))}
    else:
        save_corpus(split_heldout(deduplicate(read_lines(request.train)), read_lines(request.heldout)), work.out)
    corpus = load_corpus(work.out)
    sizes = {name: len(getattr(corpus, name)) for name in ("train", "valid", "test")}
    size = (work.out / "train.txt").stat().st_size
    return {**sizes, "characters": corpus.characters, "bytes": size, **found}


def take_teacher(work: Work) -> Figures:
    """Copy the teacher, so that the build does not depend on its folder, or draw its weights."""
    request = work.plan.request
    drawn = is_random(request.recipe.teacher)
    encoder = random_encoder(request.teacher, SEED) if drawn else load_encoder(request.teacher)
    save_encoder(encoder, work.out)
    return {"parameters": encoder.shape.parameters} | ({"weights": "random"} if drawn else {})


def apply_stage(work: Work) -> Figures:
    """Do a stage of the recipe, and hold what it made against the plan."""
    stage, encoder, corpus = work.step.stage, work.encoder(), work.corpus()
    assert stage is not None
    if work.step.inputs["encoder"] == "teacher":
        _require_known(encoder, corpus, work.plan.request.train)
    desk = Desk(corpus, lambda name: work.encoder(f"earlier {name}"), work.job())
    torch.manual_seed(work.step.seed)
    made = apply(stage, encoder, desk)
    if work.step.exact and made.encoder.shape != work.step.shape:
        raise EdgeencError(
            f"step {work.step.name}: planned {work.step.shape}, made {made.encoder.shape}; please report this"
        )
    save_encoder(made.encoder, work.out)
    return {**made.figures, "shape": asdict(made.encoder.shape), "parameters": made.encoder.shape.parameters}


def _require_known(encoder: Encoder, corpus: Corpus, path: Path) -> None:
    """Refuse a corpus that the teacher's tokenizer cannot read."""
    rate = quality(some(corpus.train), encoder.tokenizer).unknown_rate
    if rate > MOST_UNKNOWN:
        raise InputError(
            f"corpus {path}: {100 * rate:.1f} % of its pieces are unknown to the teacher's tokenizer (at most"
            f" {100 * MOST_UNKNOWN:.0f} % can be); choose a teacher that knows this script"
        )


def train_control(work: Work) -> Figures:
    """Train the student's shape from random weights on as many tokens."""
    fields = {name: value for name, value in work.step.fields.items() if name in TrainingOptions.model_fields}
    options = TrainingOptions.model_validate(fields)
    trained, history = adapt(random_like(work.encoder(), work.step.seed), work.corpus(), options, work.job())
    save_encoder(trained, work.out)
    return history.figures()


def measure(work: Work) -> Figures:
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
