"""Steps that read text and make or measure encoders."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from pydantic import JsonValue
from tokenizers import Tokenizer

from edgeenc.compress.adapt import adapt
from edgeenc.compress.apply import Desk, apply
from edgeenc.errors import EdgeencError, InputError
from edgeenc.model.bits import score, unigram_bits
from edgeenc.model.encoder import Encoder, load_encoder, save_encoder
from edgeenc.model.random import random_encoder, random_like
from edgeenc.sources import SEED, is_random
from edgeenc.stages.training import TrainingOptions
from edgeenc.steps.work import Figures, Work
from edgeenc.text.corpus import Corpus, load_corpus
from edgeenc.text.lines import some
from edgeenc.text.mixture import save_mixture, take_text
from edgeenc.text.vocabulary import quality

MOST_UNKNOWN = 0.02
"""A corpus with more unknown pieces than this cannot be learnt with the teacher's characters."""


def make_corpus(work: Work) -> Figures:
    """Normalise, deduplicate and split the text; of a user's own also say what was found in it."""
    request, several = work.plan.request, len(work.plan.request.texts) > 1
    found: dict[str, dict[str, JsonValue]] = {}
    for text in request.texts:
        tag = text.language.bcp47
        folder = work.out / tag if several else work.out
        tally = take_text(text, folder, work.step.seed, request.recipe.data_fraction)
        found[tag] = {"text": asdict(tally)} if tally else {}
    if not several:
        return _sizes(work.out) | next(iter(found.values()))
    dropped = save_mixture(request.texts, work.out)
    languages: dict[str, JsonValue] = {
        tag: _sizes(work.out / tag) | figures | {"held out elsewhere": dropped[tag]} for tag, figures in found.items()
    }
    return _sizes(work.out) | {"languages": languages}


def _sizes(folder: Path) -> dict[str, JsonValue]:
    """Return lines, distinct characters and bytes of a corpus."""
    corpus = load_corpus(folder)
    sizes = {name: len(getattr(corpus, name)) for name in ("train", "valid", "test")}
    return {**sizes, "characters": corpus.characters, "bytes": (folder / "train.txt").stat().st_size}


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
        for text, part in zip(work.plan.request.texts, corpus.each, strict=True):
            _require_known(encoder, part.corpus, text.train)
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
    """Bits per character of every model on the same words of the test lines, of several languages also of each."""
    corpus, seed = work.corpus(), work.step.seed
    alphabet, characters = corpus.characters, [0] * len(corpus.each)
    bits = [{"unigram": math.inf} for _ in corpus.each]
    for role in ("teacher", "student", "cut", "control"):
        if role not in work.step.inputs:
            continue
        encoder = work.encoder(role)
        for place, part in enumerate(corpus.each):
            train, test = part.corpus.train, part.corpus.test
            scored = score(encoder, test, characters=alphabet, seed=seed)
            bits[place][role], characters[place] = scored.per_character, scored.characters
            if role in ("teacher", "student"):
                table = unigram_bits(train, encoder.tokenizer, test, characters=alphabet, seed=seed)
                bits[place]["unigram"] = min(table, bits[place]["unigram"])
    tokenizer = work.encoder("student").tokenizer
    whole: dict[str, JsonValue] = {name: _mean([of[name] for of in bits], characters) for name in bits[0]}
    whole["tokenizer"] = _as_it_was(corpus.test, tokenizer)
    languages: dict[str, JsonValue] = {
        part.language: {**of, "tokenizer": _as_it_was(part.corpus.test, tokenizer)}
        for part, of in zip(corpus.parts, bits, strict=False)
    }
    return whole | ({"languages": languages} if languages else {})


def _mean(bits: Sequence[float], characters: Sequence[int]) -> float:
    """Return the bits per character of several texts together; of one they are its own to the last bit."""
    if len(bits) == 1:
        return bits[0]
    return sum(one * count for one, count in zip(bits, characters, strict=True)) / sum(characters)


def _as_it_was(lines: Sequence[str], tokenizer: Tokenizer) -> JsonValue:
    """Return the figures of a tokenizer that was not trimmed."""
    same = asdict(quality(lines, tokenizer))
    return {"before": same, "after": same, "coverage": 1.0}
