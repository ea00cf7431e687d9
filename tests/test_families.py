"""Every family is cut exactly, by its table alone: float64, within 1e-12, and the model that is cut stays as it was."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from families import TOKENIZERS, random_encoder, tiny
from line import edgeenc, make_world
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import ModernBertConfig

from edgeenc.compress.drop_layers import drop_layers
from edgeenc.compress.prune_ffn import prune_ffn
from edgeenc.compress.trim_vocab import keep_tokens, trim_vocab
from edgeenc.errors import InputError, ShapeError
from edgeenc.model.encoder import Encoder, load_encoder, save_encoder
from edgeenc.model.families import family_of
from edgeenc.model.random import random_like
from edgeenc.model.shape import Shape, shape_of
from edgeenc.model.surgery import rebuild, take
from edgeenc.text.batches import Batching, masked_stream
from edgeenc.text.specials import Specials

EXACT = 1e-12
FAMILY = list(TOKENIZERS)


@pytest.fixture(scope="module", params=FAMILY)
def encoder(request: pytest.FixtureRequest, sentences: tuple[str, ...]) -> Encoder:
    """A tiny encoder of each family in float64; do not change it."""
    return double(tiny(request.param, sentences))


def double(encoder: Encoder) -> Encoder:
    return replace(encoder, model=copy.deepcopy(encoder.model).double())


def some_ids(encoder: Encoder) -> Tensor:
    """Ids (5, 17) of every part of the vocabulary, without special tokens."""
    text = [i for i in range(encoder.shape.vocab) if i not in Specials.of(encoder.tokenizer).ids]
    return torch.tensor(text)[torch.randint(0, len(text), (5, 17), generator=torch.Generator().manual_seed(3))]


def logits(encoder: Encoder, ids_BT: Tensor) -> Tensor:
    with torch.no_grad():
        return encoder.logits(encoder.hidden(ids_BT))


def apart(one: Tensor, other: Tensor) -> float:
    return float((one - other).abs().max())


def test_every_parameter_has_a_row_of_its_size(encoder: Encoder) -> None:
    for name, tensor in encoder.model.state_dict().items():
        assert tuple(tensor.shape) == tuple(map(encoder.shape.size, encoder.family.axes(name))), name
    assert encoder.shape.parameters == encoder.model.num_parameters()


def test_the_logits_are_the_library_s(encoder: Encoder) -> None:
    ids = some_ids(encoder)
    with torch.no_grad():
        assert apart(encoder.model(input_ids=ids).logits, logits(encoder, ids)) == 0


def test_keeping_everything_changes_nothing(encoder: Encoder) -> None:
    state, ids = encoder.model.state_dict(), some_ids(encoder)
    for axis in ("vocab", "hidden", "attention", "ffn"):
        state = take(state, encoder.family, axis, torch.arange(encoder.shape.size(axis)))
    assert torch.equal(logits(rebuild(encoder, state, encoder.shape), ids), logits(encoder, ids))


def test_permuted_neurons_change_no_logit(encoder: Encoder) -> None:
    order_LF = torch.stack([torch.randperm(encoder.shape.ffn) for _ in range(encoder.shape.layers)])
    state, ids = take(encoder.model.state_dict(), encoder.family, "ffn", order_LF), some_ids(encoder)
    assert not torch.equal(order_LF[0], torch.arange(encoder.shape.ffn))
    assert apart(logits(rebuild(encoder, state, encoder.shape), ids), logits(encoder, ids)) <= EXACT


def test_pruning_takes_dead_neurons_and_changes_no_logit(encoder: Encoder) -> None:
    """A third of the neurons write zeros; the stage finds them, and without them every logit is as it was."""
    ffn, ids = encoder.shape.ffn, some_ids(encoder)
    dead_F = torch.arange(ffn) % 3 == 0
    silenced = replace(encoder, model=copy.deepcopy(encoder.model))
    for name, tensor in silenced.model.state_dict().items():
        if encoder.family.layer_of(name) is not None and encoder.family.axes(name) == ("hidden", "ffn"):
            tensor[:, dead_F] = 0
    lines = ["ang bata ay kumain ng kanin kagabi at natulog"] * 40
    stream = masked_stream([lines], encoder.tokenizer, Batching(256, 0.3, (16,)), seed=1)
    pruned = prune_ffn(silenced, [stream(0), stream(1)], width=int((~dead_F).sum()))
    assert pruned.shape == replace(encoder.shape, ffn=32)
    assert apart(logits(pruned, ids), logits(silenced, ids)) <= EXACT


def test_permuted_heads_change_no_logit(encoder: Encoder) -> None:
    shape, ids = encoder.shape, some_ids(encoder)
    first_NW = torch.arange(shape.attention).view(shape.heads, shape.head_width)
    order_LA = torch.stack([first_NW[torch.randperm(shape.heads)].flatten() for _ in range(shape.layers)])
    state = take(encoder.model.state_dict(), encoder.family, "attention", order_LA)
    assert apart(logits(rebuild(encoder, state, shape), ids), logits(encoder, ids)) <= EXACT


def test_trimmed_tokens_keep_their_logits(encoder: Encoder, sentences: tuple[str, ...]) -> None:
    """Lines whose tokens are all kept: the same logits of the kept tokens, embedding and bias gathered alike."""
    old = encoder.tokenizer
    trimmed = trim_vocab(encoder, sentences[:5], size=encoder.shape.vocab - 8)
    keep = [old.token_to_id(trimmed.tokenizer.id_to_token(i)) for i in range(trimmed.shape.vocab)]
    assert keep == sorted(keep)
    compared = 0
    for line in sentences:
        if set(old.encode(line).ids) <= set(keep):
            before = logits(encoder, torch.tensor([old.encode(line).ids]))[..., keep]
            assert apart(before, logits(trimmed, torch.tensor([trimmed.tokenizer.encode(line).ids]))) <= EXACT
            compared += 1
    assert compared >= 5
    assert Specials.of(trimmed.tokenizer).names == Specials.of(old).names
    assert trimmed.model.config.pad_token_id == Specials.of(trimmed.tokenizer).pad


def test_dropped_layers_leave_the_others_as_they_were(encoder: Encoder) -> None:
    """The first two layers alone give what the library's own hidden states are after two layers."""
    kept, ids = drop_layers(encoder, (0, 1)), some_ids(encoder)
    assert kept.shape == replace(encoder.shape, layers=2)
    mine, whole = kept.model.state_dict(), encoder.model.state_dict()
    assert set(mine) < set(whole)
    assert all(torch.equal(tensor, whole[name]) for name, tensor in mine.items())
    other = drop_layers(encoder, (0, 2))
    layers = [name for name in other.model.state_dict() if encoder.family.layer_of(name) == 1]
    renamed = {name: name.replace(".1.", ".2.") for name in layers}
    assert layers and all(torch.equal(other.model.state_dict()[new], whole[old]) for new, old in renamed.items())
    assert apart(logits(kept, ids), logits(other, ids)) > EXACT


def test_a_reload_has_the_same_bits(encoder: Encoder, tmp_path: Path) -> None:
    single = replace(encoder, model=copy.deepcopy(encoder.model).float())
    save_encoder(single, tmp_path / "a")
    loaded = load_encoder(tmp_path / "a")
    old, new = single.model.state_dict(), loaded.model.state_dict()
    assert list(old) == list(new) and all(torch.equal(old[name], new[name]) for name in old)
    assert loaded.tokenizer.to_str() == single.tokenizer.to_str()
    save_encoder(loaded, tmp_path / "b")
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name


def test_transformers_loads_what_is_saved_and_takes_what_the_tokenizer_gives(
    encoder: Encoder, tmp_path: Path, sentences: tuple[str, ...]
) -> None:
    from transformers import AutoModelForMaskedLM, AutoTokenizer

    single = replace(encoder, model=copy.deepcopy(encoder.model).float())
    save_encoder(single, tmp_path)
    model, info = AutoModelForMaskedLM.from_pretrained(tmp_path, output_loading_info=True)
    assert not info["missing_keys"] and not info["unexpected_keys"]
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    read = tokenizer(sentences[0], return_tensors="pt")
    assert read["input_ids"].tolist() == [single.tokenizer.encode(sentences[0]).ids]
    with torch.no_grad():
        assert apart(model.eval()(**read).logits, logits(single, read["input_ids"])) < 1e-5
    special = Specials.of(single.tokenizer)
    found = (tokenizer.pad_token_id, tokenizer.unk_token_id, tokenizer.mask_token_id)
    assert found == (special.pad, special.unk, special.mask)
    assert tokenizer.model_max_length == encoder.shape.longest


def test_a_text_may_be_as_long_as_said(encoder: Encoder) -> None:
    ids = some_ids(encoder).flatten()[:1].expand(1, encoder.shape.longest)
    assert logits(encoder, ids).shape == (1, encoder.shape.longest, encoder.shape.vocab)


def test_a_random_encoder_has_the_same_shape_and_other_weights(encoder: Encoder) -> None:
    other = random_like(encoder, seed=4)
    assert other.shape == encoder.shape
    assert apart(logits(other, some_ids(encoder)), logits(encoder, some_ids(encoder))) > 0.1


MODERN = Shape(6, 32, 4, 8, 48, 360, 64, 0, "modernbert", attend_every=3)
"""Layers 0 and 3 attend to the whole text."""


@pytest.mark.parametrize(
    ("kept", "every"),
    [((0, 1, 2, 3), 3), ((0, 1, 3, 4), 2), ((0, 3), 1), ((0, 1, 2), 3), ((0, 2), 3), ((0, 1, 2, 4, 5), 5), ((0,), 3)],
)
def test_kept_layers_of_modernbert_stay_what_they_were(kept: tuple[int, ...], every: int) -> None:
    new = MODERN.with_layers(kept)
    assert (new.layers, new.attend_every) == (len(kept), every)
    assert [layer % 3 == 0 for layer in kept] == [place % new.attend_every == 0 for place in range(new.layers)]


@pytest.mark.parametrize(
    ("kept", "words"),
    [((1, 2), r"keep layer 0 too, found \[1, 2\]"), ((0, 3, 4), r"\[0, 3, 4\] those do not come at equal distances")],
)
def test_layers_of_modernbert_that_cannot_be_kept_are_refused(kept: tuple[int, ...], words: str) -> None:
    with pytest.raises(ShapeError, match=words):
        MODERN.with_layers(kept)


@pytest.mark.parametrize("family", ["bert", "xlm-roberta", "distilbert"])
def test_any_layers_of_the_others_can_be_kept(family: str) -> None:
    shape = replace(MODERN, family=family, attend_every=1)
    assert shape.with_layers((1, 4, 5)) == replace(shape, layers=3)


def test_kept_layers_of_modernbert_attend_as_before(sentences: tuple[str, ...]) -> None:
    """Where the dropped layers did nothing, the logits are as before: window, rotation and norms moved along."""
    shape = replace(MODERN, vocab=tiny("modernbert", sentences).shape.vocab)
    whole = double(random_encoder(shape, tiny("modernbert", sentences).tokenizer))
    for name, tensor in whole.model.state_dict().items():
        if whole.family.layer_of(name) in (2, 5) and name.endswith("Wo.weight"):
            tensor.zero_()
    ids = some_ids(whole).reshape(1, -1)[:, :40]
    kept = drop_layers(whole, (0, 1, 3, 4))
    assert kept.model.config.global_attn_every_n_layers == 2
    assert apart(logits(kept, ids), logits(whole, ids)) <= EXACT
    other = replace(kept, model=type(kept.model)(replaced(kept.model.config)).double().eval())
    other.model.load_state_dict(kept.model.state_dict())
    assert apart(logits(other, ids), logits(whole, ids)) > 1e-3


def replaced(config: ModernBertConfig) -> ModernBertConfig:
    """Return the configuration in which other layers attend to the whole text."""
    return type(config).from_dict(config.to_dict() | {"global_attn_every_n_layers": 3, "layer_types": None})


def test_what_cannot_work_on_modernbert_is_refused_when_planned(sentences: tuple[str, ...], tmp_path: Path) -> None:
    world = make_world(tiny("modernbert", sentences), sentences, tmp_path)
    asked = ("plan", "--lang", "ilo", "--corpus", str(world.corpus), "--recipe", str(world.recipe))
    done = edgeenc(*asked, "--store", str(tmp_path / "store"))
    assert done.returncode == 2
    assert "stages.5: truncate-hidden cannot work on a modernbert model: its positions are rotations" in done.stderr


def test_a_modernbert_with_other_biases_is_refused(sentences: tuple[str, ...]) -> None:
    encoder = tiny("modernbert", sentences)
    config = type(encoder.model.config).from_dict(encoder.model.config.to_dict() | {"mlp_bias": True})
    with pytest.raises(InputError, match="mlp_bias is True; a modernbert model can be cut only where it is False"):
        shape_of(config)


def test_packed_axes_by_hand() -> None:
    """Of 3 blocks of 4 attention channels, channels 1 and 3 are rows 1, 3, 5, 7, 9, 11."""
    name = "model.layers.0.attn.Wqkv.weight"
    packed = torch.arange(12.0)[:, None].expand(12, 2)
    kept = take({name: packed}, family_of("modernbert"), "attention", torch.tensor([1, 3]))[name]
    assert kept[:, 0].tolist() == [1, 3, 5, 7, 9, 11]


@pytest.fixture(scope="module")
def xlmr(sentences: tuple[str, ...]) -> Encoder:
    return double(tiny("xlm-roberta", sentences))


def test_padding_moves_no_position_of_roberta(xlmr: Encoder) -> None:
    """Positions are counted from the padding token's id: with it a padded row has the logits of the row alone."""
    ids = some_ids(xlmr)[:1, :9]
    padded = torch.cat([ids, torch.full((1, 4), 1)], dim=1)
    attend = (padded != 1).long()
    with torch.no_grad():
        found = xlmr.logits(xlmr.hidden(padded, attend))[:, :9]
    assert apart(found, logits(xlmr, ids)) <= EXACT
    assert xlmr.shape.positions - xlmr.shape.longest == 2
    with pytest.raises((IndexError, RuntimeError)):  # of the position table; transformers 5 asks the type table first
        logits(xlmr, ids[:, :1].expand(1, xlmr.shape.longest + 1))


def test_roberta_needs_its_padding_token_where_it_is(xlmr: Encoder, tmp_path: Path) -> None:
    keep = [0, *range(2, xlmr.shape.vocab)]
    with pytest.raises(
        InputError, match="pad_token_id 1 would move; a xlm-roberta model counts its positions from there"
    ):
        keep_tokens(xlmr, keep)
    other = copy.deepcopy(xlmr.model.config)
    other.pad_token_id = 0
    with pytest.raises(InputError, match="pad_token_id is 0; a xlm-roberta model can be cut only where it is 1"):
        shape_of(other)


def test_trimmed_xlmr_has_its_specials_in_place(xlmr: Encoder, sentences: tuple[str, ...]) -> None:
    trimmed = trim_vocab(xlmr, sentences[:5], size=xlmr.shape.vocab - 8).tokenizer
    last = trimmed.get_vocab_size() - 1
    tokens = [trimmed.id_to_token(i) for i in (0, 1, 2, 3, last)]
    assert tokens == ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]


def test_no_batch_of_roberta_has_a_padding_token_in_its_text(xlmr: Encoder, sentences: tuple[str, ...]) -> None:
    """One in ten chosen tokens becomes a random one; that one is never the padding token, or positions would move."""
    stream = masked_stream([sentences * 20], xlmr.tokenizer, Batching(2048, 0.9, (32,)), seed=1)
    batches = [stream(step).ids_BT for step in range(60)]
    assert not any((ids == 1).any() for ids in batches)
    assert all((torch.stack(batches) == special).any() for special in (0, 2, 3))


def test_published_checkpoints_of_roberta_have_a_pooler_that_nobody_needs(xlmr: Encoder, tmp_path: Path) -> None:
    save_encoder(replace(xlmr, model=copy.deepcopy(xlmr.model).float()), tmp_path)
    weights = tmp_path / "model.safetensors"
    more = {"roberta.pooler.dense.weight": torch.zeros(32, 32), "roberta.embeddings.position_ids": torch.zeros(1, 66)}
    save_file(load_file(weights) | more, weights)
    assert load_encoder(tmp_path).shape == xlmr.shape
