"""Which neurons go: every score against another way to take it, the refit against scikit-learn, heads in order."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch
from sklearn.linear_model import Ridge

from edgeenc.compress.apply import Desk, apply
from edgeenc.compress.importance import calibration
from edgeenc.compress.least_squares import Seen, ridge, with_one
from edgeenc.compress.losses import chosen_logits, masked_lm
from edgeenc.compress.prune_ffn import prune_ffn, sort_heads, usefulness
from edgeenc.compress.refit import refitted
from edgeenc.compress.whole_texts import whole_texts
from edgeenc.errors import InputError
from edgeenc.model.encoder import Encoder
from edgeenc.model.sentence_head import SentenceHead
from edgeenc.stages.prune_ffn import PruneFfn
from edgeenc.text.batches import Batching, Masked, masked_stream
from edgeenc.text.corpus import Corpus
from edgeenc.training_loop import Job


@pytest.fixture
def exact(tiny_encoder: Encoder) -> Encoder:
    return replace(tiny_encoder, model=copy.deepcopy(tiny_encoder.model).double())


@pytest.fixture
def batches(tiny_encoder: Encoder, sentences: tuple[str, ...]) -> list[Masked]:
    stream = masked_stream([sentences], tiny_encoder.tokenizer, Batching(128, lengths=(16,)), seed=0)
    return [stream(step) for step in range(3)]


@pytest.fixture
def corpus(sentences: tuple[str, ...]) -> Corpus:
    return Corpus(sentences, sentences, sentences)


def blocks(encoder: Encoder) -> list[tuple[torch.nn.Linear, torch.nn.Linear]]:
    return [(layer.intermediate.dense, layer.output.dense) for layer in encoder.model.bert.encoder.layer]


def test_the_published_score_is_that_of_the_weights_gradients(exact: Encoder, batches: list[Masked]) -> None:
    """Sum over batches of |w . dL/dw + b * dL/db|, from the gradients of the weights themselves."""
    expected = torch.zeros(3, 48, dtype=torch.float64)
    for batch in batches:
        exact.model.zero_grad()
        masked_lm(chosen_logits(exact, batch).double(), batch.labels_P).backward()
        for i, (up, _) in enumerate(blocks(exact)):
            expected[i] += ((up.weight * up.weight.grad).sum(1) + up.bias * up.bias.grad).abs().detach()
    exact.model.zero_grad()
    assert torch.allclose(usefulness(exact, batches, "paper"), expected, rtol=1e-4, atol=1e-9)


def test_fisher_is_the_square_of_each_rows_own_gradient(exact: Encoder, batches: list[Masked]) -> None:
    """The gate of a neuron, its gradient taken one row at a time by autograd."""
    rows = [row for batch in batches[:1] for row in range(len(batch.ids_BT))]
    expected = torch.zeros(48, dtype=torch.float64)
    _, down = blocks(exact)[1]
    batch = batches[0]
    for row in rows:
        gate = torch.ones(len(batch.ids_BT), 1, 48, dtype=torch.float64, requires_grad=True)
        handle = down.register_forward_pre_hook(lambda _, args, g=gate: (args[0] * g,))
        masked_lm(chosen_logits(exact, batch), batch.labels_P).backward()
        handle.remove()
        assert gate.grad is not None
        expected += gate.grad[row, 0].square()
    assert torch.allclose(usefulness(exact, batches[:1], "fisher")[1], expected, rtol=1e-4, atol=1e-12)


def test_signs_cancel_within_a_batch_as_published_but_not_token_by_token(exact: Encoder, batches: list[Masked]) -> None:
    """B12: two batches as one halve the weight of each loss, and may cancel; the sum of absolute values cannot grow."""
    joined = Masked(
        torch.cat([batches[0].ids_BT, batches[1].ids_BT]),
        torch.cat([batches[0].chosen_P, batches[1].chosen_P + batches[0].ids_BT.numel()]),
        torch.cat([batches[0].labels_P, batches[1].labels_P]),
    )
    assert len(batches[0].labels_P) == len(batches[1].labels_P)
    apart, together = (usefulness(exact, group, "paper") for group in (batches[:2], [joined]))
    assert bool((together <= apart / 2 + 1e-9).all()) and bool((together < 0.9 * apart / 2).any())
    apart, together = (usefulness(exact, group, "per-token") for group in (batches[:2], [joined]))
    assert torch.allclose(together, apart / 2, rtol=1e-5)


def test_magnitude_by_hand(exact: Encoder) -> None:
    """Row (3, 0, ..), bias 4, column (2, 0, ..): 5 * 2."""
    up, down = blocks(exact)[0]
    with torch.no_grad():
        up.weight[7] = 0
        up.weight[7, 0], up.bias[7] = 3, 4
        down.weight[:, 7] = 0
        down.weight[0, 7] = 2
    assert float(usefulness(exact, [], "magnitude")[0, 7]) == 10


@pytest.mark.parametrize("score", ["per-token", "paper", "fisher", "magnitude"])
def test_dead_neurons_go_first_under_every_score(exact: Encoder, batches: list[Masked], score: str) -> None:
    dead = torch.arange(48) % 3 == 0
    for _, down in blocks(exact):
        down.weight.data[:, dead] = 0
    pruned = prune_ffn(exact, batches, width=32, score=score)
    kept = pruned.model.bert.encoder.layer[2].output.dense.weight
    assert torch.equal(kept, blocks(exact)[2][1].weight[:, ~dead])
    with torch.no_grad():
        assert torch.allclose(chosen_logits(pruned, batches[0]), chosen_logits(exact, batches[0]), atol=1e-12)


def test_ridge_by_hand_and_by_scikit_learn() -> None:
    assert float(ridge(Seen.of(torch.tensor([[1.0], [2.0]]), torch.tensor([[2.0], [4.0]])), 1.0)) == 1.0
    generator = torch.Generator().manual_seed(1)
    x, y = torch.randn(50, 6, generator=generator), torch.randn(50, 3, generator=generator)
    half = Seen.of(x[:20], y[:20]) + Seen.of(x[20:], y[20:])
    strength = 0.3 * float(x.double().square().sum(0).mean())
    expected = Ridge(alpha=strength, fit_intercept=False).fit(x.double().numpy(), y.double().numpy()).coef_
    assert torch.allclose(ridge(half, 0.3), torch.from_numpy(expected).T, atol=1e-10)
    assert with_one(torch.zeros(2, 1)).tolist() == [[0, 1], [0, 1]]


def test_a_refit_stands_in_for_twins_and_constants(exact: Encoder, batches: list[Masked]) -> None:
    """Neurons 32-46 equal neurons 0-14 but write elsewhere, and 47 is constant: without them all logits stay."""
    for up, down in blocks(exact):
        with torch.no_grad():
            up.weight[32:47], up.bias[32:47] = up.weight[:15], up.bias[:15]
            up.weight[47], up.bias[47] = 0, 2
            down.weight[:, 32:] *= 0.01  # so that they are judged least
    pruned = prune_ffn(exact, batches, width=32, score="magnitude", refit=1e-12)
    bare = prune_ffn(exact, batches, width=32, score="magnitude")
    new = pruned.model.bert.encoder.layer[0]
    assert torch.equal(new.intermediate.dense.weight, blocks(exact)[0][0].weight[:32])
    with torch.no_grad():
        whole = chosen_logits(exact, batches[0])
        assert torch.allclose(chosen_logits(pruned, batches[0]), whole, atol=1e-5)
        assert not torch.allclose(chosen_logits(bare, batches[0]), whole, atol=1e-3)


def test_a_refit_is_scikit_learns_fit_of_what_was_lost(exact: Encoder, batches: list[Masked]) -> None:
    """Layer 1, 20 neurons dropped: targets are the outputs that the whole block gave."""
    keep = torch.arange(28).expand(3, -1)
    state = refitted(exact, batches, keep, 1e-6)
    _, down = blocks(exact)[1]
    seen: list[torch.Tensor] = []
    handle = down.register_forward_pre_hook(lambda _, args: seen.append(args[0].flatten(0, 1)))
    with torch.no_grad():
        for batch in batches:
            exact.hidden(batch.ids_BT)
        x = torch.cat(seen)
        whole, bare = down(x), x[:, :28] @ down.weight[:, :28].T + down.bias
    handle.remove()
    name = "bert.encoder.layer.1.output.dense"
    near = x[:, :28] @ state[f"{name}.weight"].T + state[f"{name}.bias"]
    best = Ridge(alpha=1e-6).fit(x[:, :28].numpy(), (whole - bare).detach().numpy())
    ideal = bare + torch.from_numpy(best.predict(x[:, :28].numpy()))
    error = [(y - whole).square().mean() for y in (near, ideal, bare)]
    assert float(error[0]) == pytest.approx(float(error[1]), rel=1e-3)
    assert error[0] < error[2] / 2
    with pytest.raises(InputError, match="no batch to fit the down projection on"):
        refitted(exact, [], keep, 1e-3)


def test_sorted_heads_change_no_output_and_stand_in_order(exact: Encoder, batches: list[Masked]) -> None:
    ordered = sort_heads(exact, batches)
    with torch.no_grad():
        assert torch.allclose(chosen_logits(ordered, batches[0]), chosen_logits(exact, batches[0]), atol=1e-12)
    # A gate on each head, its gradient by autograd: descending in every layer of the sorted model.
    for layer in ordered.model.bert.encoder.layer:
        totals = torch.zeros(4, dtype=torch.float64)
        for batch in batches:
            gate = torch.ones(4, 1, dtype=torch.float64, requires_grad=True)
            handle = layer.attention.output.dense.register_forward_pre_hook(
                lambda _, args, g=gate: ((args[0].unflatten(-1, (4, 8)) * g).flatten(-2),)
            )
            masked_lm(chosen_logits(ordered, batch), batch.labels_P).backward()
            handle.remove()
            assert gate.grad is not None
            totals += gate.grad[:, 0].abs()
        assert totals.tolist() == sorted(totals.tolist(), reverse=True)


def test_the_stage_does_what_it_is_told(tiny_encoder: Encoder, sentences: tuple[str, ...]) -> None:
    desk = Desk(Corpus(sentences, sentences, sentences), lambda _: tiny_encoder, Job(seed=3))
    stage = PruneFfn(intermediate_size=24, score="paper", refit=True, sort_heads=True, calibration_batches=2)
    made = apply(stage, tiny_encoder, desk).encoder
    assert made.shape == stage.reshape(tiny_encoder.shape)
    batches = calibration(tiny_encoder, desk.corpus, 2, 3)
    again = prune_ffn(sort_heads(tiny_encoder, batches), batches, width=24, score="paper", refit=1e-3)
    assert all(torch.equal(t, again.model.state_dict()[n]) for n, t in made.model.state_dict().items())


def test_the_size_of_what_a_neuron_adds_is_that_of_its_writing(tiny_encoder: Encoder, corpus: Corpus) -> None:
    """Each neuron's writing into the stream, token by token, by hooks of another kind; special tokens count."""
    head = SentenceHead(prompts={"query": "Ang pusa"})
    asked = replace(tiny_encoder, sentence=head)
    batches = whole_texts(asked, corpus, 1)
    rows = [row for batch in batches for row in batch.ids_BT.tolist()]
    whole = {tuple(e.ids) for e in asked.tokenizer.encode_batch([f"Ang pusa{line}" for line in corpus.train])}
    assert set(map(tuple, rows)) == whole
    written = [list[torch.Tensor]() for _ in range(3)]
    for row in rows:
        with torch.no_grad():
            states = asked.model.bert(torch.tensor([row]), output_hidden_states=True)
            for i, layer in enumerate(asked.model.bert.encoder.layer):
                inner = layer.intermediate(layer.attention(states.hidden_states[i])[0])[0]
                written[i].append(inner[:, :, None] * layer.output.dense.weight.T[None])
    expected = torch.stack([torch.cat(one).square().sum(-1).mean(0).sqrt() for one in written])
    assert torch.allclose(usefulness(asked, batches, "activation"), expected, rtol=1e-4)


def test_activations_need_no_head(tiny_encoder: Encoder, corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of it asks for logits, and a refit of the same texts brings hidden states nearer."""
    monkeypatch.setattr(Encoder, "logits", lambda self, hidden: pytest.fail("logits are asked for"))
    desk = Desk(corpus, lambda name: pytest.fail(name), Job(seed=3))
    fields: dict[str, object] = {"intermediate_size": 24, "score": "activation", "calibration_batches": 2}
    batches = whole_texts(tiny_encoder, corpus, 2)
    errors = []
    for refit in (False, True):
        stage = PruneFfn(**fields, refit=refit)
        assert not stage.reads_logits
        made = apply(stage, tiny_encoder, desk).encoder
        with torch.no_grad():
            pairs = [(made.hidden(b.ids_BT), tiny_encoder.hidden(b.ids_BT)) for b in batches]
        errors.append(sum(float((one - other).square().sum()) for one, other in pairs))
    assert errors[1] < 0.7 * errors[0]
    with pytest.raises(InputError, match="more text"):
        prune_ffn(tiny_encoder, [], width=24, score="activation")
