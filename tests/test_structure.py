"""The stages that cut without training: which layers, which neurons, which channels."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch
from families import hooks

from edgeenc.compress.drop_layers import drop_layers
from edgeenc.compress.importance import importance
from edgeenc.compress.losses import chosen_logits
from edgeenc.compress.modules import linears
from edgeenc.compress.prune_ffn import prune_ffn
from edgeenc.compress.truncate_hidden import truncate_hidden
from edgeenc.errors import InputError, ShapeError
from edgeenc.model.encoder import Encoder
from edgeenc.stages.drop_layers import DropLayers, choose_layers
from edgeenc.stages.prune_ffn import PruneFfn
from edgeenc.stages.truncate_hidden import TruncateHidden, narrowed
from edgeenc.text.batches import Batching, Masked, masked_stream


@pytest.fixture
def batches(tiny_encoder: Encoder, sentences: tuple[str, ...]) -> list[Masked]:
    """Two fixed batches."""
    stream = masked_stream([sentences], tiny_encoder.tokenizer, Batching(128, lengths=(16,)), seed=0)
    return [stream(0), stream(1)]


@pytest.mark.parametrize(
    ("rule", "kept"),
    [("stride", (0, 2, 4)), ("block-end", (1, 3, 5)), ("first-k", (0, 1, 2)), ("last-k", (3, 4, 5))],
)
def test_rules_by_hand(rule: str, kept: tuple[int, ...]) -> None:
    assert choose_layers(6, 3, rule) == kept


@pytest.mark.parametrize("count", [0, 4])
def test_too_many_layers_are_refused(tiny_encoder: Encoder, count: int) -> None:
    with pytest.raises(ShapeError, match=rf"drop-layers: layers {count} is outside 1\.\.3"):
        choose_layers(3, count, "stride")
    with pytest.raises(ShapeError, match=r"are not ascending layers out of 0\.\.2"):
        drop_layers(tiny_encoder, [2, 1])


def test_layers_that_do_nothing_can_go(tiny_encoder: Encoder, batches: list[Masked]) -> None:
    """The last of three layers adds nothing and its norms see a normalised stream; without it logits stay."""
    idle = replace(tiny_encoder, model=copy.deepcopy(tiny_encoder.model).double())
    last = idle.model.bert.encoder.layer[2]
    for linear in (last.attention.output.dense, last.output.dense):
        torch.nn.init.zeros_(linear.weight)
        torch.nn.init.zeros_(linear.bias)
    for norm in (last.attention.output.LayerNorm, last.output.LayerNorm):
        norm.eps = 0.0
    idle.model.bert.encoder.layer[1].output.LayerNorm.eps = 0.0
    dropped = drop_layers(idle, (0, 1))
    dropped.model.bert.encoder.layer[1].output.LayerNorm.eps = 0.0
    with torch.no_grad():
        assert torch.allclose(chosen_logits(dropped, batches[0]), chosen_logits(idle, batches[0]), atol=1e-12)


def test_importance_is_the_gradient_of_a_gate(tiny_encoder: Encoder, batches: list[Masked]) -> None:
    """One token of one sentence: the score of a neuron is |dL/dg| of a gate g on it, taken by finite differences."""
    encoder = replace(tiny_encoder, model=copy.deepcopy(tiny_encoder.model).double())
    single = Masked(batches[0].ids_BT[:1, :1], torch.tensor([0]), batches[0].labels_P[:1])
    module = linears(encoder, out="hidden", into="ffn")[1]
    score_F = importance(encoder, [module], [single])[0]

    def loss(gate: float, neuron: int) -> float:
        def scaled(_: torch.nn.Module, args: tuple[torch.Tensor]) -> tuple[torch.Tensor]:
            x = args[0].clone()
            x[..., neuron] *= gate
            return (x,)

        handle = module.register_forward_pre_hook(scaled)
        with torch.no_grad():
            logits = encoder.logits(single.at_chosen(encoder.hidden(single.ids_BT)))
            value = torch.nn.functional.cross_entropy(logits, single.labels_P)
        handle.remove()
        return float(value)

    for neuron in (0, 7, 31):
        slope = (loss(1 + 1e-5, neuron) - loss(1 - 1e-5, neuron)) / 2e-5
        assert float(score_F[neuron]) == pytest.approx(abs(slope), rel=1e-3, abs=1e-9)


def test_importance_leaves_the_model_as_it_was(tiny_encoder: Encoder, batches: list[Masked]) -> None:
    importance(tiny_encoder, linears(tiny_encoder, out="hidden", into="ffn"), batches)
    assert all(p.requires_grad and p.grad is None for p in tiny_encoder.model.parameters())
    assert not hooks(tiny_encoder.model)
    with pytest.raises(InputError, match="no batch to judge"):
        importance(tiny_encoder, linears(tiny_encoder, out="hidden", into="ffn"), [])


def test_dead_neurons_go_first_and_change_nothing(tiny_encoder: Encoder, batches: list[Masked]) -> None:
    encoder = replace(tiny_encoder, model=copy.deepcopy(tiny_encoder.model).double())
    dead = torch.arange(48) % 3 == 0
    for layer in encoder.model.bert.encoder.layer:
        layer.output.dense.weight.data[:, dead] = 0
    pruned = prune_ffn(encoder, batches, width=32)
    assert pruned.shape == PruneFfn(intermediate_size=32).reshape(encoder.shape)
    with torch.no_grad():
        assert torch.allclose(chosen_logits(pruned, batches[0]), chosen_logits(encoder, batches[0]), atol=1e-12)
    assert encoder.shape.ffn == 48


@pytest.mark.parametrize("width", [0, 49])
def test_a_width_outside_the_layer_is_refused(tiny_encoder: Encoder, batches: list[Masked], width: int) -> None:
    with pytest.raises(ShapeError, match=rf"prune-ffn: width {width} is outside 1\.\.48"):
        prune_ffn(tiny_encoder, batches, width=width)


@pytest.mark.parametrize(("method", "heads", "width"), [("leading", 4, 6), ("importance", 4, 6), ("heads", 3, 8)])
def test_truncation_makes_the_planned_shape(
    tiny_encoder: Encoder, batches: list[Masked], method: str, heads: int, width: int
) -> None:
    cut = truncate_hidden(tiny_encoder, batches, hidden=24, method=method)
    assert cut.shape == TruncateHidden(hidden_size=24, method=method).reshape(tiny_encoder.shape)
    assert (cut.shape.heads, cut.shape.head_width, cut.shape.hidden) == (heads, width, 24)
    assert torch.isfinite(chosen_logits(cut, batches[0])).all()


def test_leading_block_is_the_leading_block(tiny_encoder: Encoder, batches: list[Masked]) -> None:
    cut = truncate_hidden(tiny_encoder, batches, hidden=24, method="leading")
    old, new = tiny_encoder.model.state_dict(), cut.model.state_dict()
    query = "bert.encoder.layer.1.attention.self.query.weight"
    assert torch.equal(new[query], old[query][:24, :24])
    table = "bert.embeddings.word_embeddings.weight"
    assert torch.equal(new[table], old[table][:, :24])


def test_narrower_heads_keep_their_temperature(tiny_encoder: Encoder, batches: list[Masked]) -> None:
    """Heads of 6 instead of 8 channels divide scores by root 6: the query is multiplied by root 6/8."""
    cut = truncate_hidden(tiny_encoder, batches, hidden=24, method="importance")
    name = "bert.encoder.layer.0.attention.self.{}.bias"
    old, new = tiny_encoder.model.state_dict(), cut.model.state_dict()
    for part, factor in (("query", (6 / 8) ** 0.5), ("key", 1.0)):
        known = {round(float(value * factor), 6) for value in old[name.format(part)]}
        assert {round(float(value), 6) for value in new[name.format(part)]} <= known


def test_full_width_is_the_identity(tiny_encoder: Encoder, batches: list[Masked]) -> None:
    for method in ("leading", "importance", "heads"):
        same = truncate_hidden(tiny_encoder, batches, hidden=32, method=method)
        assert torch.equal(chosen_logits(same, batches[0]), chosen_logits(tiny_encoder, batches[0]))


@pytest.mark.parametrize("method", ["importance", "heads"])
def test_idle_channels_go_first(tiny_encoder: Encoder, batches: list[Masked], method: str) -> None:
    """Every norm writes zeros to the first 8 channels; importance keeps exactly the 24 others."""
    encoder = replace(tiny_encoder, model=copy.deepcopy(tiny_encoder.model))
    with torch.no_grad():
        for name, module in encoder.model.base_model.named_modules():
            if name.endswith("LayerNorm"):
                module.weight[:8] = module.bias[:8] = 0
    cut = truncate_hidden(encoder, batches, hidden=24, method=method)
    table = "bert.embeddings.word_embeddings.weight"
    assert torch.equal(cut.model.state_dict()[table], encoder.model.state_dict()[table][:, 8:])


@pytest.mark.parametrize(("hidden", "method", "words"), [
    (30, "leading", "30 does not divide into 4 equal heads; 28 does"),
    (28, "heads", "28 does not divide into heads of width 8; 24 does"),
    (40, "heads", r"hidden 40 is outside 1\.\.32"),
])  # fmt: skip
def test_impossible_widths_are_refused(tiny_encoder: Encoder, hidden: int, method: str, words: str) -> None:
    with pytest.raises(ShapeError, match=words):
        narrowed(tiny_encoder.shape, hidden, method)


def test_drop_layers_reshapes(tiny_encoder: Encoder) -> None:
    assert DropLayers(layers=2).reshape(tiny_encoder.shape).layers == 2
    assert drop_layers(tiny_encoder, (0, 2)).shape == DropLayers(layers=2, rule="block-end").reshape(tiny_encoder.shape)
