"""Parameters that only some configurations of a family have: every variant is cut, saved and exported like the rest."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from families import QUIRKS, TOKENIZERS, tiny
from line import edgeenc, make_world
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import AutoConfig, AutoModelForMaskedLM

from edgeenc.compress.drop_layers import drop_layers
from edgeenc.compress.prune_ffn import prune_ffn
from edgeenc.compress.rotate import rotate
from edgeenc.compress.trim_vocab import trim_vocab
from edgeenc.compress.truncate_hidden import truncate_hidden
from edgeenc.errors import InputError, ShapeError
from edgeenc.model.classifier import with_head
from edgeenc.model.config import plain_config
from edgeenc.model.encoder import Encoder, load_encoder, save_encoder
from edgeenc.model.purpose import Purpose, encoder_purposes
from edgeenc.model.purposes.text_classification import TEXT_CLASSIFICATION
from edgeenc.model.purposes.token_classification import TOKEN_CLASSIFICATION
from edgeenc.model.shape import shape_of
from edgeenc.model.surgery import rebuild, take
from edgeenc.stages.match import Match
from edgeenc.stages.truncate_hidden import Method, narrowed
from edgeenc.targets.onnx_file.export import export
from edgeenc.targets.onnx_file.quantize import quantize
from edgeenc.targets.onnx_file.sizes import fp32_bytes, int8_bytes
from edgeenc.targets.sessions.ort_session import OrtSession
from edgeenc.text.batches import Batching, Masked, masked_stream

VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "electra-narrow": ("electra", {"embedding_size": 16}),
    "electra-equal": ("electra", {"embedding_size": 32}),
    "mdeberta": ("deberta-v2", {}),
    "deberta-positions": ("deberta-v2", {"position_biased_input": True}),
    "deberta-types": ("deberta-v2", {"type_vocab_size": 2, "pos_att_type": ["c2p"]}),
    "deberta-no-norm": ("deberta-v2", {"norm_rel_ebd": "none", "pos_att_type": ["p2c", "c2p"]}),
    "deberta-no-buckets": ("deberta-v2", {"position_buckets": -1, "max_relative_positions": 24}),
}


@pytest.fixture(params=VARIANTS)
def encoder(request: pytest.FixtureRequest, sentences: tuple[str, ...]) -> Encoder:
    """A tiny random encoder of each variant, in float64."""
    return variant(*VARIANTS[request.param], sentences)


def variant(family: str, fields: dict[str, Any], sentences: tuple[str, ...]) -> Encoder:
    """Return a tiny encoder of a family with these fields of its configuration, in float64."""
    like = tiny(family, sentences)
    config = type(like.model.config).from_dict(like.model.config.to_dict() | fields)
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(3)
        model = AutoModelForMaskedLM.from_config(config)
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape))
    return Encoder(model.double().eval(), like.tokenizer, shape_of(config).table)


@pytest.fixture
def batches(encoder: Encoder, sentences: tuple[str, ...]) -> list[Masked]:
    stream = masked_stream([sentences], encoder.tokenizer, Batching(256, lengths=(16,)), seed=0)
    return [stream(step) for step in range(3)]


def logits(encoder: Encoder, ids_BT: Tensor) -> Tensor:
    with torch.no_grad():
        return encoder.logits(encoder.hidden(ids_BT))


def test_every_parameter_has_a_row_of_its_size(encoder: Encoder) -> None:
    for name, tensor in encoder.model.state_dict().items():
        assert tuple(tensor.shape) == tuple(map(encoder.shape.size, encoder.family.axes(name))), name
    assert encoder.shape.parameters == encoder.model.num_parameters()


def test_kept_whole_it_is_the_same(encoder: Encoder, batches: list[Masked]) -> None:
    state = encoder.model.state_dict()
    for axis in ("vocab", "hidden", "attention", "ffn"):
        state = take(state, encoder.family, axis, torch.arange(encoder.shape.size(axis)))
    same = rebuild(encoder, state, encoder.shape)
    assert torch.equal(logits(same, batches[0].ids_BT), logits(encoder, batches[0].ids_BT))


def test_permuted_channels_of_the_stream_change_no_logit(encoder: Encoder, batches: list[Masked]) -> None:
    """Rows that name `hidden` where the stream is not, or another axis where it is, would tear it apart."""
    order_H = torch.randperm(encoder.shape.hidden, generator=torch.Generator().manual_seed(2))
    turned = rebuild(encoder, take(encoder.model.state_dict(), encoder.family, "hidden", order_H), encoder.shape)
    assert torch.allclose(logits(turned, batches[0].ids_BT), logits(encoder, batches[0].ids_BT), atol=1e-11)


@pytest.mark.parametrize("method", ["leading", "importance", "heads", "svd", "pca"])
def test_every_stage_works_on_it(encoder: Encoder, batches: list[Masked], method: Method, tmp_path: Path) -> None:
    cut = truncate_hidden(encoder, batches, hidden=24, method=method)
    cut = prune_ffn(drop_layers(cut, (0, 2)), batches, width=40, refit=1e-3)
    cut = trim_vocab(cut, ["Ang aso ay natutulog sa ilalim ng mesa."], size=encoder.shape.vocab - 5)
    expected = replace(narrowed(encoder.shape, 24, method), layers=2, ffn=40, vocab=cut.shape.vocab)
    assert cut.shape == expected
    ids = torch.tensor([cut.tokenizer.encode("Ang aso ay natutulog.").ids])
    assert torch.isfinite(logits(cut, ids)).all()
    save_encoder(replace(cut, model=cut.model.float()), tmp_path)
    assert load_encoder(tmp_path).shape == cut.shape
    assert torch.equal(logits(load_encoder(tmp_path), ids), logits(cut, ids))


def test_a_rotation_is_exact_where_norms_have_one_gain(encoder: Encoder, batches: list[Masked]) -> None:
    with torch.no_grad():
        for module in encoder.model.modules():
            if isinstance(module, torch.nn.LayerNorm):
                module.weight.fill_(0.8)
                module.eps = 1e-12
    encoder.model.config.layer_norm_eps = 1e-12
    rotated = rotate(encoder, batches, encoder.shape)
    with torch.no_grad():
        old, new = (e.hidden(batches[1].ids_BT).flatten(0, 1) for e in (encoder, rotated))
    basis = torch.linalg.lstsq(old, new).solution
    assert torch.allclose(basis.T @ basis, torch.eye(encoder.shape.hidden).double(), atol=1e-6)
    assert torch.allclose(new, old @ basis, atol=1e-8)
    if encoder.shape.embedding:  # its head leaves the stream by one product, so that nothing of it is approximated
        ids = batches[1].ids_BT
        assert torch.allclose(logits(rotated, ids), logits(encoder, ids), atol=1e-8)


@pytest.mark.parametrize("purpose", [TEXT_CLASSIFICATION, TOKEN_CLASSIFICATION], ids=lambda one: one.name)
def test_it_takes_a_head_after_a_cut(encoder: Encoder, batches: list[Masked], purpose: Purpose) -> None:
    cut = truncate_hidden(encoder, batches, hidden=24)
    model = with_head(replace(cut, model=cut.model.float()), purpose, ("a", "b", "c"), seed=1)
    ids = batches[0].ids_BT
    assert model.logits(ids, torch.ones_like(ids)).shape[-1] == 3


@pytest.mark.export
@pytest.mark.parametrize("purpose", encoder_purposes(), ids=lambda one: one.name)
def test_its_files_compute_what_it_computes(encoder: Encoder, purpose: Purpose, tmp_path: Path) -> None:
    """Padded texts of several lengths, the longest as long as the model reads; files as large as predicted."""
    single = replace(encoder, model=encoder.model.float())
    save_encoder(single, tmp_path)
    fp32 = export(tmp_path, tmp_path / "model.onnx", purpose)
    chance = np.random.default_rng(1)
    texts = [chance.integers(5, encoder.shape.vocab - 1, (4, 9))]
    int8 = quantize(fp32, tmp_path / "model_quantized.onnx", texts)
    assert purpose.of_encoder is not None
    forward = purpose.of_encoder(single).forward
    for lengths in ((1,), (2, 9), (3, 17, encoder.shape.longest)):
        ids_BT = chance.integers(5, encoder.shape.vocab - 1, (len(lengths), max(lengths)))
        attend_BT = (np.arange(max(lengths)) < np.array(lengths)[:, None]).astype(np.int64)
        with torch.no_grad():
            computed = forward(torch.tensor(ids_BT), torch.tensor(attend_BT)).numpy()
        whole, small = (OrtSession(path)(ids_BT, attend_BT) for path in (fp32, int8))
        real = np.full(len(lengths), fill_value=True) if purpose.pooled_from else attend_BT == 1
        assert np.abs(whole - computed)[real].max() < 1e-4
        assert np.corrcoef(small[real].ravel(), computed[real].ravel())[0, 1] > 0.6  # widths of 16 and 32, random
    near = 0.1  # in files of 0.1 MB the text of the graph, which half of the attention's distances lack, is a share
    assert fp32_bytes(encoder.shape, purpose) == pytest.approx(fp32.stat().st_size, rel=near)
    assert int8_bytes(encoder.shape, purpose) == pytest.approx(int8.stat().st_size, rel=near)


def test_a_width_at_which_the_projection_would_vanish_is_refused(sentences: tuple[str, ...]) -> None:
    shape = variant("electra", {"embedding_size": 16}, sentences).shape
    with pytest.raises(
        ShapeError, match="hidden_size 16 is the width of the token table too, and models of electra have"
    ):
        narrowed(shape, 16, "importance")
    equal = variant("electra", {"embedding_size": 32}, sentences).shape
    assert narrowed(equal, 16, "importance").config_fields["embedding_size"] == 16


def test_maps_that_are_not_the_models_are_refused_in_the_plan(sentences: tuple[str, ...], tmp_path: Path) -> None:
    world = make_world(tiny("deberta-v2", sentences), sentences, tmp_path)
    text = world.recipe.read_text(encoding="utf-8")
    world.recipe.write_text(text.replace("teacher: distill,", "teacher: distill, match: {attention: 1},"))
    asked = ("plan", "--lang", "ilo", "--corpus", str(world.corpus), "--recipe", str(world.recipe))
    done = edgeenc(*asked, "--store", str(tmp_path / "store"))
    assert done.returncode == 2
    assert "match: attention compares maps of queries and keys alone, to which a deberta-v2" in done.stderr
    Match(relation=1).require_heads(tiny("deberta-v2", sentences).shape)


def test_the_head_of_mdeberta_as_published_is_read(sentences: tuple[str, ...], tmp_path: Path) -> None:
    """Its names, beside those of a discriminator and of positions that the model has not: by hand, act and norm."""
    encoder = tiny("deberta-v2", sentences)
    save_encoder(encoder, tmp_path)
    weights = tmp_path / "model.safetensors"
    state = {}
    for name, tensor in load_file(weights).items():
        new = name.replace("cls.predictions.bias", "lm_predictions.lm_head.bias")
        state[new.replace("cls.predictions.transform.", "lm_predictions.lm_head.")] = tensor
    assert sum(name.startswith("lm_predictions.lm_head.") for name in state) == 5
    state["mask_predictions.dense.weight"] = torch.ones(32, 32)
    state["mask_predictions.LayerNorm.weight"] = torch.ones(32)
    state["mask_predictions.classifier.bias"] = torch.ones(1)
    state["deberta.embeddings.position_embeddings.weight"] = torch.ones(64, 32)
    save_file(state, weights)
    config = tmp_path / "config.json"
    for legacy in (True, False):
        config.write_text(json.dumps(json.loads(config.read_text()) | {"legacy": legacy}))
        loaded, ids = load_encoder(tmp_path), torch.arange(5, 25)[None]
        with torch.no_grad():
            hidden = loaded.hidden(ids)
            dense = F.linear(
                hidden, state["lm_predictions.lm_head.dense.weight"], state["lm_predictions.lm_head.dense.bias"]
            )
            gain, bias = (state[f"lm_predictions.lm_head.LayerNorm.{part}"] for part in ("weight", "bias"))
            normed = F.layer_norm(F.gelu(dense), (32,), gain, bias, 1e-7)
            table = state["deberta.embeddings.word_embeddings.weight"]
            by_hand = normed @ table.T + state["lm_predictions.lm_head.bias"]
            assert torch.allclose(loaded.logits(hidden), by_hand, atol=1e-5)
    found = json.loads(edgeenc("inspect", str(tmp_path), "--json").stdout)
    assert found["problems"] == []


def test_a_discriminator_beside_a_generator_is_passed_over(sentences: tuple[str, ...], tmp_path: Path) -> None:
    encoder = tiny("electra", sentences)
    save_encoder(encoder, tmp_path)
    weights = tmp_path / "model.safetensors"
    more = {
        "discriminator_predictions.dense.weight": torch.ones(32, 32),
        "electra.embeddings.position_ids": torch.ones(1),
    }
    save_file(load_file(weights) | more, weights)
    ids = torch.arange(5, 25)[None]
    assert torch.equal(logits(load_encoder(tmp_path), ids), logits(encoder, ids))


REAL: dict[str, dict[str, object]] = {
    "LaBSE": {"model_type": "bert", "vocab_size": 501153},
    "muril-base-cased": {"model_type": "bert", "vocab_size": 197285},
    "multilingual-e5-small": {
        **{"model_type": "bert", "hidden_size": 384, "intermediate_size": 1536, "vocab_size": 250037}
    },
    "xlm-v-base": {"model_type": "xlm-roberta", "vocab_size": 901629, "max_position_embeddings": 514},
    "glot500-base": {"model_type": "xlm-roberta", "vocab_size": 401144, "max_position_embeddings": 514},
    "bge-m3": {
        **{"model_type": "xlm-roberta", "hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16},
        **{"intermediate_size": 4096, "vocab_size": 250002, "max_position_embeddings": 8194},
    },
    "mmBERT-small": {
        **{"model_type": "modernbert", "hidden_size": 384, "num_hidden_layers": 22, "num_attention_heads": 6},
        **{"intermediate_size": 1152, "vocab_size": 256000, "max_position_embeddings": 8192},
    },
    "mmBERT-base": {
        **{"model_type": "modernbert", "hidden_size": 768, "num_hidden_layers": 22, "num_attention_heads": 12},
        **{"intermediate_size": 1152, "vocab_size": 256000, "max_position_embeddings": 8192},
    },
    "mdeberta-v3-base": {
        **{"model_type": "deberta-v2", "vocab_size": 251000, **QUIRKS["deberta-v2"], "position_buckets": 256}
    },
    "electra-small-generator": {
        **{"model_type": "electra", "embedding_size": 128, "hidden_size": 256, "num_attention_heads": 4},
        **{"intermediate_size": 1024, "vocab_size": 30522},
    },
    "electra-base-generator": {
        **{"model_type": "electra", "embedding_size": 768, "hidden_size": 256, "num_attention_heads": 4},
        **{"intermediate_size": 1024, "vocab_size": 30522},
    },
    "electra-base-discriminator": {"model_type": "electra", "embedding_size": 768, "vocab_size": 30522},
}
"""Sizes of encoders that people start from; what is not said is as in BERT base."""

BASE = {
    **{"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072},
    **{"max_position_embeddings": 512, "type_vocab_size": 2},
}


@pytest.mark.parametrize("name", REAL)
def test_encoders_that_people_start_from_have_the_parameters_that_a_plan_says(name: str) -> None:
    """Built at full size without memory for its tensors."""
    kind = str(REAL[name]["model_type"])
    more = {"pad_token_id": 1, "type_vocab_size": 1} if "roberta" in kind else {"pad_token_id": 0}
    fields = {**BASE, **more, **REAL[name]}
    config = AutoConfig.for_model(kind, **{k: v for k, v in fields.items() if k != "model_type"})
    with torch.device("meta"):
        model = AutoModelForMaskedLM.from_config(config)
    shape = shape_of(config)
    assert shape.parameters == model.num_parameters()
    assert shape == shape_of(plain_config(config.to_dict()))
    longest = {"bge-m3": 8192, "mmBERT-small": 8192, "mmBERT-base": 8192}.get(name, 512)
    assert shape.longest == longest


def test_each_family_is_made_small_in_the_tests() -> None:
    assert {family for family, _ in VARIANTS.values()} <= set(TOKENIZERS)


@pytest.mark.parametrize("size", [0, -1])
def test_a_deberta_without_heads_is_refused(size: int, sentences: tuple[str, ...]) -> None:
    fields = tiny("deberta-v2", sentences).model.config.to_dict() | {"num_attention_heads": size}
    with pytest.raises(InputError, match="num_attention_heads is"):
        shape_of(plain_config(fields))
