"""What each stage of a recipe does with an encoder: the one place where specs and the functions beside them meet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import singledispatch

from tokenizers import Tokenizer

from edgeenc.compress.adapt import adapt
from edgeenc.compress.distill import distill
from edgeenc.compress.distill_sentences import distill_sentences
from edgeenc.compress.drop_layers import drop_layers, layers_for_vectors, measured_layers
from edgeenc.compress.importance import calibration
from edgeenc.compress.prune_ffn import prune_ffn, sort_heads
from edgeenc.compress.teacher_vectors import NoCache, VectorCache
from edgeenc.compress.trim_vocab import trim_for_several
from edgeenc.compress.truncate_hidden import truncate_hidden
from edgeenc.compress.whole_texts import whole_texts
from edgeenc.errors import ShapeError
from edgeenc.model.encoder import Encoder
from edgeenc.model.random import random_like
from edgeenc.record.facts import TokenizerFit
from edgeenc.record.steps import StageFigures
from edgeenc.stages.adapt import Adapt
from edgeenc.stages.distill import Distill
from edgeenc.stages.distill_sentences import DistillSentences
from edgeenc.stages.drop_layers import DropLayers, choose_layers
from edgeenc.stages.prune_ffn import PruneFfn
from edgeenc.stages.reinitialize import Reinitialize
from edgeenc.stages.stage import Stage
from edgeenc.stages.trim_vocab import TrimVocab
from edgeenc.stages.truncate_hidden import TruncateHidden
from edgeenc.text.corpus import Corpus
from edgeenc.text.vocabulary import count_tokens, covered, quality
from edgeenc.training_loop import Job


@dataclass(frozen=True)
class Desk:
    """What lies before a stage when it works, apart from the encoder it changes.

    Attributes:
        corpus: the text of the language.
        earlier: loads the encoder that an earlier step, named in the recipe, made.
        job: seed, runtime, scratch folder and progress.
        vectors: where the sentence vectors of an earlier step are kept; nowhere where nothing is said.
    """

    corpus: Corpus
    earlier: Callable[[str], Encoder]
    job: Job
    vectors: Callable[[str], VectorCache] = lambda _: NoCache()


@dataclass(frozen=True)
class Made:
    """What a stage gives back: the new encoder, and metrics for the report."""

    encoder: Encoder
    figures: StageFigures = field(default_factory=StageFigures)


@singledispatch
def apply(stage: Stage, encoder: Encoder, desk: Desk) -> Made:
    """Do the work of `stage` on `encoder`, which is not changed.

    Raises:
        ShapeError: nobody has said here what this stage does.
    """
    raise ShapeError(f"{stage.kind}: this stage has no function")


@apply.register
def _(stage: Adapt, encoder: Encoder, desk: Desk) -> Made:
    adapted, history = adapt(encoder, desk.corpus, stage, desk.job)
    return Made(adapted, history.figures())


@apply.register
def _(stage: Distill, encoder: Encoder, desk: Desk) -> Made:
    teacher = None if stage.teacher is None else desk.earlier(stage.teacher)
    student, history = distill(encoder, teacher, desk.corpus, stage, desk.job)
    return Made(student, history.figures())


@apply.register
def _(stage: DistillSentences, encoder: Encoder, desk: Desk) -> Made:
    teacher, cache = desk.earlier(stage.teacher), desk.vectors(stage.teacher)
    student, history = distill_sentences(encoder, teacher, desk.corpus, stage, desk.job, cache)
    return Made(student, history.figures())


@apply.register
def _(stage: DropLayers, encoder: Encoder, desk: Desk) -> Made:
    """Drop layers; where text decides, the figures say which one went at which loss."""
    losses: list[tuple[int, float]] = []
    if stage.rule == "importance":
        batches = calibration(encoder, desk.corpus, stage.calibration_batches, desk.job.seed)
        kept, losses = measured_layers(encoder, stage.count, batches)
    elif stage.rule == "vectors":
        kept, losses = layers_for_vectors(
            encoder, stage.count, whole_texts(encoder, desk.corpus, stage.calibration_batches)
        )
    elif stage.rule == "explicit":
        kept = stage.keep
    else:
        kept = choose_layers(encoder.shape.layers, stage.count, stage.rule)
    shown = tuple((layer, round(loss, 6)) for layer, loss in losses)
    return Made(drop_layers(encoder, kept), StageFigures(kept=tuple(kept), loss_without=shown))


@apply.register
def _(stage: PruneFfn, encoder: Encoder, desk: Desk) -> Made:
    reads = stage.score not in ("magnitude", "activation") or stage.refit or stage.sort_heads
    batches = calibration(encoder, desk.corpus, stage.calibration_batches, desk.job.seed) if reads else []
    if stage.sort_heads:
        encoder = sort_heads(encoder, batches)
    if stage.score == "activation":
        batches = whole_texts(encoder, desk.corpus, stage.calibration_batches)
    strength = stage.ridge if stage.refit else None
    return Made(prune_ffn(encoder, batches, width=stage.intermediate_size, score=stage.score, refit=strength))


@apply.register
def _(stage: TrimVocab, encoder: Encoder, desk: Desk) -> Made:
    """Trim, and measure the tokenizer on the test split, of several languages on that of each too."""
    corpus = desk.corpus
    texts = [(part.weight, part.corpus.train) for part in corpus.each]
    trimmed = trim_for_several(encoder, texts, size=stage.vocab_size, coverage=stage.coverage, count=stage.count)
    whole = _fit(corpus.test, encoder.tokenizer, trimmed.tokenizer)
    languages = {part.language: _fit(part.corpus.test, encoder.tokenizer, trimmed.tokenizer) for part in corpus.parts}
    figures = StageFigures(before=whole.before, after=whole.after, coverage=whole.coverage, languages=languages)
    return Made(trimmed, figures)


def _fit(lines: Sequence[str], old: Tokenizer, new: Tokenizer) -> TokenizerFit:
    """Return how well two tokenizers fit the lines of a test split, and the share of tokens that the new one kept."""
    kept = [number for number in map(old.token_to_id, new.get_vocab()) if number is not None]
    before, after = (quality(lines, tokenizer) for tokenizer in (old, new))
    return TokenizerFit(before=before, after=after, coverage=covered(count_tokens(lines, old), kept))


@apply.register
def _(stage: TruncateHidden, encoder: Encoder, desk: Desk) -> Made:
    reads = stage.method != "leading"
    batches = calibration(encoder, desk.corpus, stage.calibration_batches, desk.job.seed) if reads else []
    return Made(truncate_hidden(encoder, batches, hidden=stage.hidden_size, method=stage.method))


@apply.register
def _(stage: Reinitialize, encoder: Encoder, desk: Desk) -> Made:
    return Made(random_like(encoder, desk.job.seed))
