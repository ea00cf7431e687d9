"""Options that look inside an encoder, on every family that is known: exact where BERT is exact."""

from __future__ import annotations

import copy
from dataclasses import replace

import families
import pytest
import torch

from edgeenc.compress.inner import look_inside, mean_map
from edgeenc.compress.losses import chosen_logits
from edgeenc.compress.match import Matcher
from edgeenc.compress.modules import attentions
from edgeenc.compress.narrow_heads import narrow_heads
from edgeenc.compress.prune_ffn import prune_ffn, sort_heads
from edgeenc.compress.rotate import rotate
from edgeenc.compress.truncate_hidden import truncate_hidden
from edgeenc.model.encoder import Encoder
from edgeenc.model.surgery import rebuild
from edgeenc.stages.match import Match
from edgeenc.text.batches import Batching, Masked, masked_stream

SPLIT = sorted(set(families.TOKENIZERS) - {"modernbert"})
"""Families whose query, key and value are three matrices; ModernBERT, which packs them, is refused in words."""


@pytest.fixture(params=SPLIT)
def exact(request: pytest.FixtureRequest, sentences: tuple[str, ...]) -> Encoder:
    """A tiny encoder of each family, in float64."""
    encoder = families.tiny(request.param, sentences)
    return replace(encoder, model=encoder.model.double())


@pytest.fixture
def batches(exact: Encoder, sentences: tuple[str, ...]) -> list[Masked]:
    stream = masked_stream([sentences], exact.tokenizer, Batching(256, lengths=(16,)), seed=0)
    return [stream(step) for step in range(3)]


def test_full_rank_and_sorted_heads_change_no_logit(exact: Encoder, batches: list[Masked]) -> None:
    shape = exact.shape
    state = exact.family.untied(exact.model.state_dict())
    same = rebuild(exact, narrow_heads(state, attentions(exact), shape.heads, shape.head_width), shape)
    ordered = sort_heads(exact, batches)
    with torch.no_grad():
        whole = chosen_logits(exact, batches[0])
        assert torch.allclose(chosen_logits(same, batches[0]), whole, atol=1e-10)
        assert torch.allclose(chosen_logits(ordered, batches[0]), whole, atol=1e-10)


def test_a_rotation_is_exact_where_norms_have_one_gain(exact: Encoder, batches: list[Masked]) -> None:
    with torch.no_grad():
        for module in exact.model.modules():
            if isinstance(module, torch.nn.LayerNorm):
                module.weight.fill_(0.8)
    rotated = rotate(exact, batches, exact.shape)
    with torch.no_grad():
        old, new = (e.hidden(batches[1].ids_BT).flatten(0, 1) for e in (exact, rotated))
        basis = torch.linalg.lstsq(old, new).solution
        assert torch.allclose(basis.T @ basis, torch.eye(exact.shape.hidden).double(), atol=2e-4)
        near = 1e-5 if getattr(exact.model.config, "layer_norm_eps", 0) > 1e-10 else 1e-6
        assert torch.allclose(new, old @ basis, atol=near)


@pytest.mark.parametrize("method", ["leading", "importance", "heads", "svd", "pca"])
def test_every_cut_makes_numbers(exact: Encoder, batches: list[Masked], method: str) -> None:
    cut = truncate_hidden(exact, batches, hidden=24, method=method)
    with torch.no_grad():
        assert torch.isfinite(chosen_logits(cut, batches[0])).all()


@pytest.mark.parametrize("score", ["per-token", "paper", "fisher", "magnitude"])
def test_dead_neurons_go_first_and_a_refit_keeps_what_is_exact(
    exact: Encoder, batches: list[Masked], score: str
) -> None:
    """A third of the neurons write nothing, so nothing is lost and the refit has nothing to do."""
    dead = torch.arange(exact.shape.ffn) % 3 == 0
    with torch.no_grad():
        for name, tensor in exact.model.state_dict().items():
            if exact.family.axes(name) == ("hidden", "ffn"):
                tensor[:, dead] = 0
    pruned = prune_ffn(exact, batches, width=32, score=score, refit=1e-3)
    with torch.no_grad():
        assert torch.allclose(chosen_logits(pruned, batches[0]), chosen_logits(exact, batches[0]), atol=1e-9)


def test_attention_maps_are_the_librarys(exact: Encoder, batches: list[Masked]) -> None:
    eager = (
        type(exact.model)._from_config(copy.deepcopy(exact.model.config), attn_implementation="eager").double().eval()
    )
    eager.load_state_dict(exact.model.state_dict())
    ids = batches[0].ids_BT
    with torch.no_grad():
        inner = look_inside(exact, ids, heads=True)
        expected = eager.base_model(ids, output_attentions=True, output_hidden_states=True)
        maps = 0 if exact.shape.relative else 1  # its attention adds distances, so that maps are refused in the plan
        everything = Match(cosine=1, hidden=1, relation=1, attention=maps, layers="all")
        matcher = Matcher.of(everything, exact, exact, ids)
        zero = matcher.loss(inner, inner, torch.arange(ids.numel()), None)
    for ours, theirs in zip(inner.heads, expected.attentions, strict=True) if maps else ():
        assert torch.allclose(mean_map(ours, inner.width).double(), theirs.mean(1), atol=1e-5)
    assert {x.shape for layer in inner.heads for x in layer} == {(*ids.shape, exact.shape.attention)}  # of the tokens
    for ours, theirs in zip(inner.hidden, expected.hidden_states, strict=True):
        assert torch.allclose(ours, theirs, atol=1e-9)
    assert float(zero) == pytest.approx(0.0, abs=1e-5)
