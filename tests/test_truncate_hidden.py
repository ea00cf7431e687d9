"""Narrower streams and heads: what is exact is exact in float64, what is nearest is nearest."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from families import hooks

from edgeenc.compress import modules
from edgeenc.compress.losses import chosen_logits
from edgeenc.compress.modules import attentions
from edgeenc.compress.narrow_heads import narrow_heads, nearest
from edgeenc.compress.rotate import LineSums, components, rotate
from edgeenc.compress.truncate_hidden import truncate_hidden
from edgeenc.errors import InputError
from edgeenc.model.encoder import Encoder
from edgeenc.model.sentence_head import Dense, SentenceHead
from edgeenc.model.surgery import rebuild
from edgeenc.stages.truncate_hidden import TruncateHidden
from edgeenc.text.batches import Batching, Masked, masked_stream


@pytest.fixture
def exact(tiny_encoder: Encoder) -> Encoder:
    """The tiny encoder in float64, every bias and gain its own."""
    encoder = replace(tiny_encoder, model=copy.deepcopy(tiny_encoder.model).double())
    generator = torch.Generator().manual_seed(8)
    with torch.no_grad():
        for p in encoder.model.parameters():
            if p.ndim == 1:
                p.add_(0.2 * torch.randn(p.shape, generator=generator, dtype=torch.float64))
    return encoder


@pytest.fixture
def batches(tiny_encoder: Encoder, sentences: tuple[str, ...]) -> list[Masked]:
    stream = masked_stream([sentences], tiny_encoder.tokenizer, Batching(256, lengths=(16,)), seed=0)
    return [stream(step) for step in range(4)]


def hidden(encoder: Encoder, batch: Masked) -> torch.Tensor:
    with torch.no_grad():
        return encoder.hidden(batch.ids_BT)


def test_the_nearest_product_by_hand() -> None:
    """diag(3, 1) becomes diag(3, 0), shared out evenly."""
    left, right = nearest(torch.diag(torch.tensor([3.0, 1.0])), torch.eye(2), 1)
    assert torch.allclose(left.T @ right, torch.diag(torch.tensor([3.0, 0.0])), atol=1e-6)
    assert torch.allclose(left.abs(), torch.tensor([[3**0.5, 0.0]]), atol=1e-6)
    assert torch.allclose(left.abs(), right.abs(), atol=1e-6)


def test_the_nearest_product_is_numpys_truncated_svd() -> None:
    generator = torch.Generator().manual_seed(1)
    left, right = (torch.randn(6, n, generator=generator, dtype=torch.float64) for n in (11, 9))
    u, s, vt = np.linalg.svd((left.T @ right).numpy())
    a, b = nearest(left, right, 4)
    assert np.allclose((a.T @ b).numpy(), u[:, :4] @ np.diag(s[:4]) @ vt[:4], atol=1e-10)
    assert a.shape == (4, 11) and b.shape == (4, 9)


def test_heads_of_full_rank_change_no_output(exact: Encoder, batches: list[Masked]) -> None:
    """All 8 singular values of each head: another basis, the same function, the value's bias in the output's."""
    state = narrow_heads(exact.model.state_dict(), attentions(exact), 4, 8)
    same = rebuild(exact, state, exact.shape)
    assert torch.allclose(hidden(same, batches[0]), hidden(exact, batches[0]), atol=1e-11)
    query = "bert.encoder.layer.0.attention.self.query.weight"
    assert not torch.allclose(state[query], exact.model.state_dict()[query], atol=1e-3)
    assert not state["bert.encoder.layer.0.attention.self.value.bias"].any()


def test_heads_of_low_rank_lose_nothing_when_narrowed(exact: Encoder, batches: list[Masked]) -> None:
    """Scores of rank 6 and values of rank 6 fit into heads of 6 channels, divided by root 6: layers act the same."""
    state = exact.model.state_dict()
    attention = attentions(exact)
    low = narrow_heads(state, attention, 4, 6)
    wide = {}
    for names in attention:  # back to 8 channels with two dead ones, whose scores are divided by root 8
        for part in ("query", "key", "value"):
            factor = (8 / 6) ** 0.5 if part == "query" else 1.0
            for kind in ("weight", "bias"):
                name = f"{getattr(names, part)}.{kind}"
                heads = low[name].unflatten(0, (4, 6)) * factor
                wide[name] = torch.cat([heads, torch.zeros_like(heads[:, :2])], dim=1).flatten(0, 1)
        name = f"{names.output}.weight"
        heads = low[name].unflatten(1, (4, 6))
        wide[name] = torch.cat([heads, torch.zeros_like(heads[:, :, :2])], dim=2).flatten(1)
        wide[f"{names.output}.bias"] = low[f"{names.output}.bias"]
    of_low_rank = rebuild(exact, state | wide, exact.shape)
    again = narrow_heads(of_low_rank.model.state_dict(), attention, 4, 6)
    for names in attention:
        for head in range(4):
            rows = slice(6 * head, 6 * head + 6)
            scores = [s[f"{names.query}.weight"][rows].T @ s[f"{names.key}.weight"][rows] for s in (low, again)]
            assert torch.allclose(scores[0], scores[1], atol=1e-10)
            written = [s[f"{names.output}.weight"][:, rows] @ s[f"{names.value}.weight"][rows] for s in (low, again)]
            assert torch.allclose(written[0], written[1], atol=1e-10)


def test_singular_values_keep_scores_nearer_than_channels(exact: Encoder, batches: list[Masked]) -> None:
    """Same hidden channels, so the same first input: scores over root of width, against those of the uncut head."""
    keep = {m: truncate_hidden(exact, batches, hidden=24, method=m) for m in ("svd", "importance")}
    table = "bert.embeddings.word_embeddings.weight"
    assert torch.equal(keep["svd"].model.state_dict()[table], keep["importance"].model.state_dict()[table])
    names = attentions(exact)[0]
    old = exact.model.state_dict()
    channels = [
        int((old[table] - column[:, None]).abs().sum(0).argmin()) for column in keep["svd"].model.state_dict()[table].T
    ]

    def scores(state: dict[str, torch.Tensor], head: int, width: int, columns: list[int] | slice) -> torch.Tensor:
        rows = slice(width * head, width * head + width)
        sides = [
            torch.cat([state[f"{n}.weight"][rows][:, columns], state[f"{n}.bias"][rows, None]], 1)
            for n in (names.query, names.key)
        ]
        return sides[0].T @ sides[1] / width**0.5

    for head in range(4):
        whole = scores(old, head, 8, channels)
        error = {m: (scores(e.model.state_dict(), head, 6, slice(None)) - whole).norm() for m, e in keep.items()}
        assert error["svd"] < error["importance"]
        singular = np.linalg.svd(whole.numpy(), compute_uv=False)
        assert float(error["svd"]) == pytest.approx(float(np.sqrt((singular[6:] ** 2).sum())), rel=1e-9)


def test_components_are_orthonormal_and_carry_the_mean() -> None:
    generator = torch.Generator().manual_seed(2)
    x = torch.randn(50, 9, generator=generator, dtype=torch.float64)
    for count in (1, 4, 9):
        basis = components(x.T @ x, count)
        assert torch.allclose(basis.T @ basis, torch.eye(count, dtype=torch.float64), atol=1e-12)
        carried = basis.T @ torch.full((9,), 9**-0.5, dtype=torch.float64)
        assert torch.allclose(carried, torch.full((count,), count**-0.5, dtype=torch.float64), atol=1e-12)


def test_components_beside_the_mean_are_the_strongest() -> None:
    """What 4 of 9 keep of the centred rows, against numpy's singular values."""
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(50, 9, generator=generator, dtype=torch.float64) * torch.arange(1, 10)
    centred = x - x.mean(1, keepdim=True)
    kept = (centred @ components(x.T @ x, 4)).square().sum()
    assert float(kept) == pytest.approx(float((np.linalg.svd(centred.numpy(), compute_uv=False)[:3] ** 2).sum()))


def test_a_line_by_hand() -> None:
    """Points (0, 1) and (2, 5) in two batches: slope 2, offset 1."""
    points = [
        LineSums.of(torch.tensor([[x]], dtype=torch.float64), torch.tensor([[y]])) for x, y in ((0, 1.0), (2, 5.0))
    ]
    slope, offset = (points[0] + points[1]).fit()
    assert (float(slope), float(offset)) == (pytest.approx(2.0), pytest.approx(1.0))


def test_a_rotation_is_exact_where_norms_have_one_gain(exact: Encoder, batches: list[Masked]) -> None:
    """Full width, gain 1.3 in every norm, any bias: hidden states are the old ones, rotated."""
    with torch.no_grad():
        for module in exact.model.modules():
            if isinstance(module, torch.nn.LayerNorm):
                module.weight.fill_(1.3)
    rotated = rotate(exact, batches, exact.shape)
    table = "bert.embeddings.word_embeddings.weight"
    old, new = exact.model.state_dict()[table], rotated.model.state_dict()[table]
    basis = torch.linalg.lstsq(old, new).solution
    assert torch.allclose(basis @ basis.T, torch.eye(32, dtype=torch.float64), atol=1e-9)
    assert not torch.allclose(basis, torch.eye(32, dtype=torch.float64), atol=0.1)
    for batch in batches:
        assert torch.allclose(hidden(rotated, batch), hidden(exact, batch) @ basis, atol=1e-8)


def test_a_rotation_is_not_exact_where_gains_differ(exact: Encoder, batches: list[Masked]) -> None:
    """What the docstring calls approximated; even so the rotated states stay near."""
    rotated = rotate(exact, batches, exact.shape)
    table = "bert.embeddings.word_embeddings.weight"
    basis = torch.linalg.lstsq(exact.model.state_dict()[table], rotated.model.state_dict()[table]).solution
    difference = (hidden(rotated, batches[0]) - hidden(exact, batches[0]) @ basis).norm()
    share = float(difference / hidden(exact, batches[0]).norm())
    assert 1e-3 < share < 0.7


@pytest.mark.parametrize("method", ["svd", "pca"])
def test_the_new_methods_make_the_planned_shape(tiny_encoder: Encoder, batches: list[Masked], method: str) -> None:
    before = {n: t.clone() for n, t in tiny_encoder.model.state_dict().items()}
    cut = truncate_hidden(tiny_encoder, batches, hidden=24, method=method)
    assert cut.shape == TruncateHidden(hidden_size=24, method=method).reshape(tiny_encoder.shape)
    assert (cut.shape.heads, cut.shape.head_width) == (4, 6)
    assert cut.model.dtype == torch.float32
    assert torch.isfinite(chosen_logits(cut, batches[0])).all()
    assert all(torch.equal(t, before[n]) for n, t in tiny_encoder.model.state_dict().items())
    assert not hooks(tiny_encoder.model)
    with pytest.raises(InputError, match="there is no batch"):
        truncate_hidden(tiny_encoder, [], hidden=24, method=method)


@pytest.mark.parametrize("method", ["svd", "pca"])
def test_a_family_with_packed_projections_is_refused(
    tiny_encoder: Encoder, batches: list[Masked], monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    """As if each layer had one matrix from the stream to all of its attention."""
    real = modules.names
    monkeypatch.setattr(modules, "names", lambda *asked: {i: found[:1] for i, found in real(*asked).items()})
    with pytest.raises(InputError, match="bert: query, key and value of a layer are not three matrices"):
        truncate_hidden(tiny_encoder, batches, hidden=24, method=method)


@pytest.mark.parametrize(("hidden_size", "width"), [(564, 47), (456, 38), (312, 26)])
def test_published_widths_keep_twelve_heads(hidden_size: int, width: int) -> None:
    from edgeenc.model.shape import Shape

    old = Shape(6, 768, 12, 64, 2048, 119_547, 512, 2, "bert")
    new = TruncateHidden(hidden_size=hidden_size, method="leading").reshape(old)
    assert (new.heads, new.head_width, new.hidden) == (12, width, hidden_size)


def test_a_dense_module_reads_what_is_kept(tiny_encoder: Encoder) -> None:
    torch.manual_seed(0)
    dense = Dense(torch.randn(5, 32))
    cut = truncate_hidden(replace(tiny_encoder, sentence=SentenceHead(dense=(dense,))), [], hidden=16, method="leading")
    assert cut.sentence is not None
    assert torch.equal(cut.sentence.dense[0].weight, dense.weight[:, :16])


def test_a_dense_module_turns_with_the_stream(exact: Encoder, batches: list[Masked]) -> None:
    """Where the rotation is exact, so are the vectors."""
    torch.manual_seed(0)
    state = exact.model.state_dict()
    gains = {name: torch.ones_like(state[name]) for name in state if name.endswith("LayerNorm.weight")}
    head = SentenceHead(dense=(Dense(torch.randn(5, 32, dtype=torch.float64)),), normalize=False)
    encoder = replace(rebuild(exact, state | gains, exact.shape), sentence=head)
    turned = rotate(encoder, batches, encoder.shape)
    assert turned.sentence is not None
    for batch in batches[:2]:
        attend_BT = torch.ones_like(batch.ids_BT)
        before, after = (one.sentence(hidden(one, batch), attend_BT) for one in (encoder, turned) if one.sentence)
        assert (before - after).abs().max() < 1e-9
