"""Lines of stages with the options that recipes combine: every shape as planned, every recipe the whole truth."""

from __future__ import annotations

import pytest
import torch
import yaml

from edgeenc.compress.apply import Desk, apply
from edgeenc.compress.losses import chosen_logits
from edgeenc.model.encoder import Encoder
from edgeenc.recipe import Recipe, parse_recipe
from edgeenc.text.batches import Batching, masked_stream
from edgeenc.text.corpus import Corpus
from edgeenc.training_loop import Job

BRIEF = "tokens: 256, batch_tokens: 64, sequence_lengths: [16], evaluations: 1"

PAPER = f"""
- {{kind: adapt, {BRIEF}}}
- {{kind: drop-layers, layers: 2, rule: last-k}}
- {{kind: distill, teacher: adapt, loss: mse, alpha: 0.5, positions: all, {BRIEF}}}
- {{kind: prune-ffn, intermediate_size: 32, score: paper, sort_heads: true, calibration_batches: 1}}
- {{kind: truncate-hidden, hidden_size: 20, method: leading}}
- {{name: student, kind: distill, teacher: prune-ffn, loss: mse, alpha: 0.5, positions: all, {BRIEF}}}
- {{kind: trim-vocab, vocab_size: 112}}
"""

OURS = f"""
- {{kind: trim-vocab, vocab_size: 112}}
- {{kind: adapt, {BRIEF}}}
- {{kind: drop-layers, rule: importance, layers: 2, calibration_batches: 1}}
- {{kind: distill, teacher: adapt, loss: kl, positions: tokens, match: {{cosine: 1, relation: 1}}, {BRIEF}}}
- {{kind: prune-ffn, intermediate_size: 32, score: fisher, refit: true, calibration_batches: 1}}
- {{kind: truncate-hidden, hidden_size: 24, method: pca, calibration_batches: 2}}
- {{name: student, kind: distill, teacher: distill, match: {{hidden: 1, attention: 1, layers: all}}, {BRIEF}}}
"""

ALONE = f"""
- {{kind: drop-layers, rule: explicit, keep: [0, 2]}}
- {{kind: truncate-hidden, hidden_size: 24, method: svd, calibration_batches: 1}}
- {{kind: distill, loss: none, alpha: 1, {BRIEF}}}
"""


@pytest.mark.parametrize("stages", [PAPER, OURS, ALONE], ids=["paper", "ours", "alone"])
def test_a_line_keeps_its_plan(tiny_encoder: Encoder, sentences: tuple[str, ...], stages: str) -> None:
    """Each encoder has the shape that `reshape` said, computes numbers, and is another one than before."""
    recipe = parse_recipe({"name": "x", "teacher": "starter", "stages": yaml.safe_load(stages)}, "x")
    corpus = Corpus(sentences[:16], sentences[10:], sentences[15:])
    made, encoder, shape = {"teacher": tiny_encoder}, tiny_encoder, tiny_encoder.shape
    for place, stage in enumerate(recipe.stages):
        shape = stage.reshape(shape)
        stage.agree(shape, {name: made[name].shape for name in stage.reads})
        encoder = apply(stage, encoder, Desk(corpus, made.__getitem__, Job(seed=place))).encoder
        assert encoder.shape == shape, stage.label
        made[stage.label] = encoder
    batch = masked_stream([sentences], encoder.tokenizer, Batching(64, lengths=(16,)), seed=0)(0)
    with torch.no_grad():
        assert torch.isfinite(chosen_logits(encoder, batch)).all()


@pytest.mark.parametrize("stages", [PAPER, OURS, ALONE], ids=["paper", "ours", "alone"])
def test_a_recipe_written_out_reads_back_equal(stages: str) -> None:
    recipe: Recipe = parse_recipe({"name": "x", "teacher": "starter", "stages": yaml.safe_load(stages)}, "x")
    text = recipe.to_yaml()
    assert parse_recipe(yaml.safe_load(text), "x") == recipe.model_copy(
        update={"stages": tuple(s.model_copy(update={"name": s.label}) for s in recipe.stages)}
    )
    for stage, listed in zip(recipe.stages, yaml.safe_load(text)["stages"], strict=True):
        assert set(listed) == set(type(stage).model_fields)
