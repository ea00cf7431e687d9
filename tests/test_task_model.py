"""Task models: the library's classes under our encoders, adapters that merge exactly, and a start as the mean."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path

import families
import pytest
import torch
from torch import nn
from transformers import AutoModelForSequenceClassification, AutoModelForTokenClassification

from edgeenc.errors import InputError
from edgeenc.model.classifier import TaskModel, load_task_model, save_task_model, with_head
from edgeenc.model.encoder import Encoder, save_encoder
from edgeenc.model.families import family_of
from edgeenc.model.purpose import Purpose
from edgeenc.model.purposes.text_classification import TEXT_CLASSIFICATION
from edgeenc.model.purposes.token_classification import TOKEN_CLASSIFICATION
from edgeenc.tasks.tuning.adapter import merged, with_adapters
from edgeenc.tasks.tuning.pool import BESIDE, start_as_mean

LABELS = ("bahay", "dagat", "lungsod")
PURPOSES = (TEXT_CLASSIFICATION, TOKEN_CLASSIFICATION)


@pytest.fixture(params=PURPOSES, ids=lambda purpose: purpose.name)
def model(request: pytest.FixtureRequest, tiny_encoder: Encoder) -> TaskModel:
    return with_head(tiny_encoder, request.param, LABELS, seed=3)


def ids(encoder: Encoder, text: str) -> tuple[torch.Tensor, torch.Tensor]:
    ids_BT = torch.tensor([encoder.tokenizer.encode(text).ids])
    return ids_BT, torch.ones_like(ids_BT)


def test_the_body_is_the_encoder_s_and_the_encoder_is_untouched(tiny_encoder: Encoder, model: TaskModel) -> None:
    before = {name: t.clone() for name, t in tiny_encoder.model.state_dict().items()}
    asked = ids(tiny_encoder, "Ang aso ay natutulog.")
    hidden = model.model.base_model(*asked).last_hidden_state
    assert torch.equal(hidden, tiny_encoder.hidden(*asked))
    with torch.no_grad():
        model.model.base_model.embeddings.word_embeddings.weight.add_(1)
    assert all(torch.equal(before[name], t) for name, t in tiny_encoder.model.state_dict().items())


def test_logits_have_a_row_a_text_or_a_token(tiny_encoder: Encoder, model: TaskModel) -> None:
    ids_BT, attend_BT = ids(tiny_encoder, "Ang pusa at ang aso.")
    out = model.logits(ids_BT, attend_BT)
    assert out.shape == ((1, 3) if model.purpose is TEXT_CLASSIFICATION else (1, ids_BT.shape[1], 3))


def test_the_head_follows_from_the_seed(tiny_encoder: Encoder) -> None:
    heads = [with_head(tiny_encoder, TOKEN_CLASSIFICATION, LABELS, seed).model.classifier.weight for seed in (1, 1, 2)]
    assert torch.equal(heads[0], heads[1])
    assert not torch.equal(heads[0], heads[2])


def test_transformers_loads_the_folder_unchanged(tiny_encoder: Encoder, model: TaskModel, tmp_path: Path) -> None:
    save_task_model(model, tmp_path)
    maker = (
        AutoModelForSequenceClassification if model.purpose is TEXT_CLASSIFICATION else AutoModelForTokenClassification
    )
    theirs, info = maker.from_pretrained(tmp_path, output_loading_info=True)
    assert not info["missing_keys"] and not info["unexpected_keys"]
    assert theirs.config.id2label == dict(enumerate(LABELS))
    asked = ids(tiny_encoder, "Umuulan na naman.")
    assert torch.equal(theirs.eval()(*asked).logits, model.logits(*asked))
    ours = load_task_model(tmp_path)
    assert (ours.purpose, ours.labels) == (model.purpose, LABELS)
    assert torch.equal(ours.logits(*asked), model.logits(*asked))


def test_saving_twice_gives_the_same_bytes(model: TaskModel, tmp_path: Path) -> None:
    for name in ("a", "b"):
        save_task_model(model, tmp_path / name)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_an_encoder_is_no_classifier(tiny_encoder: Encoder, tmp_path: Path) -> None:
    save_encoder(tiny_encoder, tmp_path)
    with pytest.raises(InputError, match="BertForMaskedLM is named; expected a sequence or token classifier"):
        load_task_model(tmp_path)


def in_float64(model: TaskModel) -> TaskModel:
    return replace(model, model=nn.Module.double(copy.deepcopy(model.model)))


def test_a_new_adapter_changes_nothing_and_a_trained_one_merges_exactly(
    tiny_encoder: Encoder, model: TaskModel
) -> None:
    asked = ids(tiny_encoder, "Sumulat siya ng liham.")
    plain, wide = in_float64(model), in_float64(model)
    with_adapters(wide, tiny_encoder.family, reduction_factor=4, seed=1)
    nn.Module.double(wide.model)
    assert torch.equal(wide.logits(*asked), plain.logits(*asked))
    with torch.no_grad():
        for name, parameter in wide.model.named_parameters():
            if ".new." in name:
                parameter.normal_(generator=torch.Generator().manual_seed(len(name)))
    trained = wide.logits(*asked)
    assert (trained - plain.logits(*asked)).abs().max() > 1e-3
    ordinary = merged(wide, tiny_encoder.family)
    assert ordinary.model.config.intermediate_size == 48 + 32 // 4
    assert (ordinary.logits(*asked) - trained).abs().max() < 1e-12


def test_an_adapter_adds_its_two_matrices_and_one_bias(tiny_encoder: Encoder) -> None:
    model = with_head(tiny_encoder, TOKEN_CLASSIFICATION, LABELS, seed=3)
    before = sum(p.numel() for p in model.model.parameters())
    with_adapters(model, tiny_encoder.family, reduction_factor=16, seed=1)
    added = sum(p.numel() for p in model.model.parameters()) - before
    assert added == 3 * (2 * 32 * 2 + 2)  # layers x (hidden x bottleneck twice, and the bottleneck's bias)


def test_started_as_the_mean_the_last_layer_weighs_all_tokens_alike(tiny_encoder: Encoder) -> None:
    model = with_head(tiny_encoder, TEXT_CLASSIFICATION, LABELS, seed=3)
    start_as_mean(model.model, family_of("bert").last_layer, seed=3)
    ids_BT, attend_BT = ids(tiny_encoder, "Binuksan niya ang bintana.")
    inside = model.model.base_model(ids_BT, attend_BT, output_hidden_states=True)
    layer = model.model.base_model.encoder.layer[-1]
    old = tiny_encoder.model.bert.encoder.layer[-1].attention
    before_TH = inside.hidden_states[-2][0]
    mean_H = old.self.value(before_TH).mean(0)
    added_H = BESIDE * old.output.dense.weight @ mean_H + old.output.dense.bias
    expected_H = old.output.LayerNorm(before_TH[0] + added_H)
    found_H = layer.attention(inside.hidden_states[-2])[0][0, 0]
    assert (found_H - expected_H).abs().max() < 1e-5
    turned_HH = model.model.base_model.pooler.dense.weight
    assert (turned_HH @ turned_HH.T - torch.eye(32)).abs().max() < 1e-5
    assert turned_HH.abs().max() < 0.9, "one large weight a column would round the others to nothing in int8"


@pytest.mark.parametrize("family", sorted(families.TOKENIZERS))
@pytest.mark.parametrize("purpose", PURPOSES, ids=lambda purpose: purpose.name)
def test_every_family_takes_a_head_and_comes_back_from_disk(
    family: str, purpose: Purpose, sentences: tuple[str, ...], tmp_path: Path
) -> None:
    encoder = families.tiny(family, sentences)
    model = with_head(encoder, purpose, LABELS, seed=3)
    if purpose is TEXT_CLASSIFICATION:
        start_as_mean(model.model, encoder.family.last_layer, seed=3)
    if not encoder.shape.table.gated:
        with_adapters(model, encoder.family, 4, seed=1)
        model = merged(model, encoder.family)
    save_task_model(model, tmp_path)
    back, asked = load_task_model(tmp_path), ids(encoder, "Umuulan na naman.")
    assert back.positions == encoder.shape.longest
    assert torch.equal(back.logits(*asked), model.logits(*asked))


def test_a_family_without_a_table_starts_as_the_library_does(tiny_encoder: Encoder) -> None:
    model = with_head(tiny_encoder, TEXT_CLASSIFICATION, LABELS, seed=3)
    before = {name: t.clone() for name, t in model.model.state_dict().items()}
    start_as_mean(model.model, family_of("modernbert").last_layer, seed=3)
    assert all(torch.equal(before[name], t) for name, t in model.model.state_dict().items())
