"""Cutting along named axes: exact in float64, and the model that is cut stays as it was."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from edgeenc.errors import InputError, ShapeError
from edgeenc.model.encoder import Encoder, load_encoder, save_encoder
from edgeenc.model.surgery import keep_layers, rebuild, take

EXACT = 1e-12


@pytest.fixture
def exact(tiny_encoder: Encoder) -> Encoder:
    """The tiny encoder in float64."""
    return replace(tiny_encoder, model=copy.deepcopy(tiny_encoder.model).double())


@pytest.fixture
def ids(exact: Encoder) -> Tensor:
    """Token ids (5, 17) of every part of the vocabulary."""
    return torch.randint(5, exact.shape.vocab, (5, 17), generator=torch.Generator().manual_seed(3))


def logits(encoder: Encoder, ids_BT: Tensor) -> Tensor:
    with torch.no_grad():
        return encoder.logits(encoder.hidden(ids_BT))


def same(a: Tensor, b: Tensor) -> bool:
    return bool((a - b).abs().max() <= EXACT)


def test_every_parameter_has_a_row_of_its_size(tiny_encoder: Encoder) -> None:
    """The table names each dimension of each parameter, and its size is the shape's."""
    shape = tiny_encoder.shape
    sizes = {"vocab": shape.vocab, "hidden": shape.hidden, "attention": shape.attention, "ffn": shape.ffn}
    sizes |= {"positions": shape.positions, "types": shape.types}
    for name, tensor in tiny_encoder.model.state_dict().items():
        assert tuple(tensor.shape) == tuple(sizes[axis] for axis in tiny_encoder.family.axes(name)), name


def test_an_unknown_parameter_is_refused(tiny_encoder: Encoder) -> None:
    with pytest.raises(InputError, match=r"bert: unknown parameter bert\.encoder\.layer\.0\.adapter\.weight"):
        tiny_encoder.family.axes("bert.encoder.layer.0.adapter.weight")


def test_permuted_neurons_change_no_logit(exact: Encoder, ids: Tensor) -> None:
    order_LF = torch.stack([torch.randperm(exact.shape.ffn) for _ in range(exact.shape.layers)])
    state = take(exact.model.state_dict(), exact.family, "ffn", order_LF)
    assert not torch.equal(order_LF[0], torch.arange(exact.shape.ffn))
    assert same(logits(rebuild(exact, state, exact.shape), ids), logits(exact, ids))


def test_removed_dead_neurons_change_no_logit(exact: Encoder, ids: Tensor) -> None:
    """A third of the neurons write zeros; without them every logit is as it was."""
    ffn = exact.shape.ffn
    dead = torch.arange(ffn) % 3 == 0
    for layer in exact.model.bert.encoder.layer:
        layer.output.dense.weight.data[:, dead] = 0
    state = take(exact.model.state_dict(), exact.family, "ffn", torch.arange(ffn)[~dead])
    pruned = rebuild(exact, state, replace(exact.shape, ffn=int((~dead).sum())))
    assert pruned.shape.ffn == 32
    assert same(logits(pruned, ids), logits(exact, ids))


def test_keeping_everything_changes_nothing(exact: Encoder, ids: Tensor) -> None:
    state = exact.model.state_dict()
    for axis, size in (
        ("vocab", exact.shape.vocab),
        ("hidden", exact.shape.hidden),
        ("attention", exact.shape.attention),
    ):
        state = take(state, exact.family, axis, torch.arange(size))
    assert torch.equal(logits(rebuild(exact, state, exact.shape), ids), logits(exact, ids))


def test_kept_tokens_keep_their_logits(exact: Encoder) -> None:
    keep = torch.arange(0, exact.shape.vocab, 2)
    state = take(exact.model.state_dict(), exact.family, "vocab", keep)
    trimmed = rebuild(exact, state, replace(exact.shape, vocab=len(keep)))
    new = torch.randint(0, len(keep), (3, 9), generator=torch.Generator().manual_seed(1))
    assert same(logits(trimmed, new), logits(exact, keep[new])[..., keep])


def test_permuted_channels_within_heads_change_no_logit(exact: Encoder, ids: Tensor) -> None:
    """Query and key of a head are permuted alike, so scores stay; values and output projection likewise."""
    shape = exact.shape
    inner_LNW = torch.stack(
        [
            torch.stack([head * shape.head_width + torch.randperm(shape.head_width) for head in range(shape.heads)])
            for _ in range(shape.layers)
        ]
    )
    state = take(exact.model.state_dict(), exact.family, "attention", inner_LNW.flatten(1))
    assert same(logits(rebuild(exact, state, shape), ids), logits(exact, ids))


def test_layers_are_renumbered_with_their_weights(exact: Encoder) -> None:
    kept = keep_layers(exact.model.state_dict(), exact.family, (0, 2))
    old = exact.model.state_dict()
    name = "bert.encoder.layer.{}.output.dense.weight"
    assert torch.equal(kept[name.format(1)], old[name.format(2)])
    assert name.format(2) not in kept
    assert rebuild(exact, kept, replace(exact.shape, layers=2)).shape.layers == 2


def test_a_cut_leaves_its_input_untouched(exact: Encoder) -> None:
    before = {name: tensor.clone() for name, tensor in exact.model.state_dict().items()}
    state = take(exact.model.state_dict(), exact.family, "ffn", torch.arange(8))
    cut = rebuild(exact, state, replace(exact.shape, ffn=8))
    with torch.no_grad():
        for p in cut.model.parameters():
            p.add_(1)
    assert all(torch.equal(tensor, before[name]) for name, tensor in exact.model.state_dict().items())


def test_a_wrong_size_is_refused(exact: Encoder) -> None:
    state = take(exact.model.state_dict(), exact.family, "ffn", torch.arange(8))
    with pytest.raises(ShapeError, match="the sliced tensors do not make a model of"):
        rebuild(exact, state, replace(exact.shape, ffn=9))
    with pytest.raises(ShapeError, match=r"attention width 24 .* differs from hidden 32"):
        rebuild(exact, state, replace(exact.shape, heads=3))


def test_a_reload_has_the_same_bits(tiny_encoder: Encoder, tmp_path: Path) -> None:
    save_encoder(tiny_encoder, tmp_path / "a")
    loaded = load_encoder(tmp_path / "a")
    old, new = tiny_encoder.model.state_dict(), loaded.model.state_dict()
    assert list(old) == list(new)
    assert all(torch.equal(old[name], new[name]) for name in old)
    assert loaded.tokenizer.get_vocab() == tiny_encoder.tokenizer.get_vocab()
    save_encoder(loaded, tmp_path / "b")
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name


def test_transformers_loads_what_is_saved(tiny_encoder: Encoder, tmp_path: Path, ids: Tensor) -> None:
    """The library's own loader finds every weight, the tied ones too."""
    from transformers import AutoModelForMaskedLM, AutoTokenizer

    save_encoder(tiny_encoder, tmp_path)
    model, info = AutoModelForMaskedLM.from_pretrained(tmp_path, output_loading_info=True)
    assert not info["missing_keys"] and not info["unexpected_keys"]
    with torch.no_grad():
        assert torch.allclose(model.eval()(ids).logits, logits(tiny_encoder, ids), atol=1e-6)
    text = "Ang bata ay kumain."
    assert AutoTokenizer.from_pretrained(tmp_path)(text)["input_ids"] == tiny_encoder.tokenizer.encode(text).ids


def test_the_first_bert_checkpoints_load_too(tiny_encoder: Encoder, tmp_path: Path) -> None:
    """Norms called gamma and beta, and a pooler and a next-sentence head that nobody needs."""
    save_encoder(tiny_encoder, tmp_path)
    weights = tmp_path / "model.safetensors"
    old = {
        name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): tensor
        for name, tensor in load_file(weights).items()
    }
    old |= {"bert.pooler.dense.weight": torch.zeros(32, 32), "cls.seq_relationship.bias": torch.zeros(2)}
    save_file(old, weights)
    state = load_encoder(tmp_path).model.state_dict()
    assert all(torch.equal(tensor, state[name]) for name, tensor in tiny_encoder.model.state_dict().items())


def test_an_untied_output_table_is_refused(tiny_encoder: Encoder, tmp_path: Path) -> None:
    """Its own output table would be lost, and the model would be another one."""
    save_encoder(tiny_encoder, tmp_path)
    weights = tmp_path / "model.safetensors"
    state = load_file(weights)
    state["cls.predictions.decoder.weight"] = state["bert.embeddings.word_embeddings.weight"] + 1
    save_file(state, weights)
    with pytest.raises(InputError, match=r"cls\.predictions\.decoder\.weight differs from"):
        load_encoder(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"tie_word_embeddings": False}))
    with pytest.raises(InputError, match=r"is not tied|differs from"):
        load_encoder(tmp_path)


@pytest.mark.parametrize(
    "change",
    [{"num_attention_heads": 0}, {"hidden_size": "a"}, {"hidden_size": 33}, {"hidden_act": "nope"}, {"vocab_size": 0}],
)
def test_impossible_configurations_are_refused(
    tiny_encoder: Encoder, tmp_path: Path, change: dict[str, object]
) -> None:
    save_encoder(tiny_encoder, tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | change))
    with pytest.raises(InputError, match=r"config\.json"):
        load_encoder(tmp_path).shape  # noqa: B018


def test_damaged_checkpoints_say_what_is_wrong(tiny_encoder: Encoder, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    with pytest.raises(InputError, match="no such folder"):
        load_encoder(folder)
    save_encoder(tiny_encoder, folder)
    weights = folder / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"model\.safetensors is damaged"):
        load_encoder(folder)
    weights.unlink()
    with pytest.raises(InputError, match=r"model\.safetensors is missing"):
        load_encoder(folder)
    weights.write_bytes(whole)
    (folder / "config.json").write_text("{")
    with pytest.raises(InputError, match=r"config\.json cannot be read"):
        load_encoder(folder)
    (folder / "config.json").unlink()
    with pytest.raises(InputError, match=r"config\.json is missing"):
        load_encoder(folder)


def test_a_tokenizer_of_another_model_is_refused(tiny_encoder: Encoder, tmp_path: Path) -> None:
    save_encoder(tiny_encoder, tmp_path)
    spec = (tmp_path / "tokenizer.json").read_text(encoding="utf-8")
    fields = json.loads(spec)
    vocabulary = fields["model"]["vocab"]
    vocabulary |= {"bagong": len(vocabulary), "salita": len(vocabulary) + 1}
    (tmp_path / "tokenizer.json").write_text(json.dumps(fields), encoding="utf-8")
    with pytest.raises(InputError, match="they do not belong together"):
        load_encoder(tmp_path)
