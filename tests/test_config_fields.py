"""What a teacher's `config.json` carries is meant, left out and said, or refused by its name."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from families import TOKENIZERS, tiny
from line import edgeenc, make_world
from transformers.activations import ACT2FN

from edgeenc.compress.trim_vocab import trim_vocab
from edgeenc.errors import InputError
from edgeenc.model.config import left_out, load_config, load_encoder_config, load_shape
from edgeenc.model.config_fields import ACTIVATIONS, left_behind
from edgeenc.model.encoder import Encoder, load_encoder, save_encoder

LEFT: dict[str, object] = {
    "torchscript": True,
    "return_dict": False,
    "output_hidden_states": True,
    "output_attentions": True,
    "is_decoder": True,
    "add_cross_attention": True,
    "use_cache": False,
    "problem_type": "multi_label_classification",
    "id2label": {"0": "NEG", "1": "NEU", "2": "POS", "3": "MIX"},
    "label2id": {"NEG": 0, "NEU": 1, "POS": 2, "MIX": 3},
    "num_labels": 4,
    "finetuning_task": "sst-4",
    "_name_or_path": "/home/somebody/run-7",
    "torch_dtype": "float16",
    "pruned_heads": {},
    "transformers_version": "4.2.0",
    "chunk_size_feed_forward": 5,
    "gradient_checkpointing": True,
    "attn_implementation": "flash_attention_2",
    "_attn_implementation": "flash_attention_2",
    "reference_compile": True,
    "task_specific_params": {"sst": {"num_beams": 4}},
    "auto_map": {"AutoModel": "modeling_mine.MineModel"},
}
"""Everything that people's files carry and no encoder needs."""


def changed(folder: Path, fields: Mapping[str, object]) -> Path:
    """Write fields over those of a checkpoint's configuration."""
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | fields), encoding="utf-8")
    return folder


def outputs(encoder: Encoder) -> torch.Tensor:
    ids = torch.arange(8, 24)[None]
    with torch.no_grad():
        return encoder.logits(encoder.hidden(ids, torch.ones_like(ids)))


@pytest.mark.parametrize("family", sorted(TOKENIZERS))
def test_what_a_caller_once_wanted_changes_nothing(family: str, sentences: tuple[str, ...], tmp_path: Path) -> None:
    save_encoder(tiny(family, sentences), tmp_path / "plain")
    save_encoder(tiny(family, sentences), tmp_path / "told")
    plain, told = load_encoder(tmp_path / "plain"), load_encoder(changed(tmp_path / "told", LEFT))
    assert load_shape(tmp_path / "told") == load_shape(tmp_path / "plain")
    assert torch.equal(outputs(plain), outputs(told))
    save_encoder(trim_vocab(plain, sentences[:5], size=plain.shape.vocab - 8), tmp_path / "a")
    save_encoder(trim_vocab(told, sentences[:5], size=told.shape.vocab - 8), tmp_path / "b")
    fields = [json.loads((tmp_path / name / "config.json").read_text()) for name in ("a", "b")]
    apart = {name for name in fields[0] | fields[1] if fields[0].get(name) != fields[1].get(name)}
    assert apart <= {"use_cache", "reference_compile"}  # no switch of an encoder, and the one that is set to false


def test_what_is_left_out_is_said(sentences: tuple[str, ...], tmp_path: Path) -> None:
    world = make_world(tiny("bert", sentences), sentences, tmp_path)
    assert left_out(world.teacher) == ()
    left = ("torchscript", "return_dict", "output_hidden_states", "output_attentions", "chunk_size_feed_forward")
    more = ("gradient_checkpointing", "is_decoder", "add_cross_attention", "reference_compile")
    task = ("4 labels of an earlier task (NEG, NEU, POS, ...)", "finetuning_task 'sst-4'")
    problem = "problem_type 'multi_label_classification'"
    assert left_out(changed(world.teacher, LEFT)) == (*left, *more, *task, problem)
    asked = ("plan", "--lang", "ilo", "--corpus", str(world.corpus), "--recipe", str(world.recipe))
    done = edgeenc(*asked, "--store", str(tmp_path / "store"))
    assert done.returncode == 0, done.stderr
    assert "Left out of the teacher's config.json: torchscript, return_dict" in " ".join(done.stdout.split())


def test_labels_by_hand() -> None:
    assert left_behind({"id2label": {"0": "LABEL_0", "1": "LABEL_1"}, "torchscript": False}) == ()
    assert left_behind({"id2label": {"0": "no", "1": "yes"}}) == ("2 labels of an earlier task (no, yes)",)
    assert left_behind({"tie_word_embeddings": False, "output_attentions": None}) == ("tie_word_embeddings",)


def test_a_classifier_keeps_its_labels(sentences: tuple[str, ...], tmp_path: Path) -> None:
    save_encoder(tiny("bert", sentences), tmp_path)
    changed(tmp_path, LEFT)
    assert load_config(tmp_path).id2label == {0: "NEG", 1: "NEU", 2: "POS", 3: "MIX"}
    assert load_config(tmp_path).torchscript is False
    assert load_encoder_config(tmp_path).id2label == {0: "LABEL_0", 1: "LABEL_1"}


WRONG: list[tuple[str, dict[str, object], str]] = [
    ("bert", {"hidden_size": "384"}, "hidden_size is '384'; expected a positive whole number"),
    ("bert", {"num_attention_heads": 4.0}, "num_attention_heads is 4.0; expected a positive whole number"),
    ("bert", {"vocab_size": True}, "vocab_size is true; expected a positive whole number"),
    ("bert", {"num_hidden_layers": None}, "num_hidden_layers is null; expected a positive whole number"),
    ("bert", {"intermediate_size": [48]}, r"intermediate_size is \[48\]; expected a positive whole number"),
    ("bert", {"type_vocab_size": None}, "type_vocab_size is null; expected a whole number"),
    ("bert", {"hidden_act": 5}, "hidden_act is 5; expected the name of an activation, such as gelu"),
    ("bert", {"hidden_act": ["gelu"]}, r"hidden_act is \['gelu'\]; expected the name of an activation"),
    ("bert", {"hidden_act": "gelu_of_mine"}, "hidden_act is 'gelu_of_mine'; expected the name of an activation"),
    ("bert", {"layer_norm_eps": "1e-12"}, "layer_norm_eps is '1e-12'; expected a number"),
    ("bert", {"hidden_dropout_prob": None}, "hidden_dropout_prob is null; expected a number from 0 to 1"),
    ("bert", {"hidden_dropout_prob": 10}, "hidden_dropout_prob is 10; expected a number from 0 to 1"),
    ("bert", {"pad_token_id": "0"}, "pad_token_id is '0'; expected a whole number or null"),
    ("bert", {"pad_token_id": 1_000_000}, "pad_token_id is 1,000,000; the table has rows 0 to"),
    ("bert", {"pad_token_id": -1}, "pad_token_id is -1; the table has rows 0 to"),
    ("bert", {"mask_token_id": [4]}, r"mask_token_id is \[4\]; expected a whole number or null"),
    ("bert", {"tie_word_embeddings": "yes"}, "tie_word_embeddings is 'yes'; expected true or false"),
    ("bert", {"tie_word_embeddings": None}, "tie_word_embeddings is null; expected true or false"),
    ("bert", {"architectures": "BertForMaskedLM"}, "architectures is 'BertForMaskedLM'; expected a list of names"),
    ("bert", {"model_type": 7}, "model type 7 is not known"),
    ("bert", {"pruned_heads": {"0": [1]}}, "pruned_heads is not empty; layers with different numbers of heads"),
    ("bert", {"position_embedding_type": "relative_key_query"}, "position_embedding_type is 'relative_key_query'"),
    ("bert", {"quantization_config": {"bits": 4}}, "quantization_config is there; quantized weights"),
    ("bert", {"is_decoder": True, "architectures": ["BertLMHeadModel"]}, "architectures says BertLMHeadModel; a decod"),
    ("distilbert", {"dim": "32"}, "dim is '32'; expected a positive whole number"),
    ("distilbert", {"activation": 1}, "activation is 1; expected the name of an activation"),
    ("modernbert", {"global_attn_every_n_layers": "3"}, "global_attn_every_n_layers is '3'; expected a positive whole"),
    ("modernbert", {"norm_bias": "no"}, "norm_bias is 'no'; expected true or false"),
    ("electra", {"embedding_size": "128"}, "embedding_size is '128'; expected a positive whole number"),
    ("electra", {"embedding_size": None}, "embedding_size is missing; a size is a positive whole number"),
    ("deberta-v2", {"position_buckets": "256"}, "position_buckets is '256'; expected a whole number"),
    ("deberta-v2", {"pos_att_type": "c2c"}, "pos_att_type is 'c2c'; expected c2p, p2c or both"),
    ("deberta-v2", {"pos_att_type": 3}, "pos_att_type is 3; expected c2p, p2c or both"),
    ("deberta-v2", {"norm_rel_ebd": True}, "norm_rel_ebd is true; expected text"),
    (
        "deberta-v2",
        {"share_att_key": False},
        "share_att_key is False; a deberta-v2 model can be cut only where it is T",
    ),
    ("deberta-v2", {"conv_kernel_size": 3}, "conv_kernel_size is 3; the convolution behind the first layer"),
    ("deberta-v2", {"attention_head_size": 16}, "attention_head_size is 16; .* can be cut only where it is 8"),
]


@pytest.mark.parametrize(("family", "fields", "words"), WRONG, ids=[f"{f}-{d}" for f, d, _ in WRONG])
def test_a_field_of_a_wrong_kind_is_refused_by_its_name(
    family: str, fields: Mapping[str, object], words: str, sentences: tuple[str, ...], tmp_path: Path
) -> None:
    """In the plan, which loads no tensors, with the words of the build; never longer than a screen."""
    save_encoder(tiny(family, sentences), tmp_path)
    changed(tmp_path, fields)
    said = []
    for read in (load_shape, load_encoder):
        with pytest.raises(InputError, match=words) as refused:
            read(tmp_path)
        said.append(str(refused.value))
    assert said[0] == said[1] and str(tmp_path) in said[0] and len(said[0]) < 500


@pytest.mark.parametrize("fields", [
    {"model_type": "rembert"},
    {"model_type": "albert"},
    {"model_type": "new", "auto_map": {"AutoModel": "Alibaba-NLP/new-impl--modeling.NewModel"}},
    {"model_type": "eurobert", "auto_map": {"AutoModel": "modeling_eurobert.EuroBertModel"}},
    {"model_type": "nomic_bert", "auto_map": {"AutoModel": "nomic-ai/x--modeling_hf_nomic_bert.NomicBertModel"}},
    {"model_type": "deberta"},
    {"model_type": "xlm"},
])  # fmt: skip
def test_a_family_that_is_not_supported_is_named_with_those_that_are(
    fields: Mapping[str, object], sentences: tuple[str, ...], tmp_path: Path
) -> None:
    world = make_world(tiny("bert", sentences), sentences, tmp_path)
    changed(world.teacher, fields)
    asked = ("plan", "--lang", "ilo", "--corpus", str(world.corpus), "--recipe", str(world.recipe))
    done = edgeenc(*asked, "--store", str(tmp_path / "store"))
    assert done.returncode == InputError.exit_code
    said = " ".join(done.stderr.split())
    assert f"model type '{fields['model_type']}' is not known; known are: bert, deberta-v2, distilbert, electra" in said
    assert ("needs code of its own (auto_map), which is not run" in said) == ("auto_map" in fields)
    assert len(done.stderr.splitlines()) <= 8


def test_a_flag_that_unties_what_is_not_there_is_no_reason(sentences: tuple[str, ...], tmp_path: Path) -> None:
    """A model without an output matrix has one table of tokens, whatever the flag says."""
    save_encoder(tiny("bert", sentences), tmp_path)
    changed(tmp_path, {"tie_word_embeddings": False, "architectures": ["BertModel"]})
    assert load_shape(tmp_path).family == "bert"
    assert load_encoder_config(tmp_path).tie_word_embeddings is True
    for classes in (["BertForMaskedLM"], ["BertForPreTraining"], None):
        changed(tmp_path, {"architectures": classes})
        with pytest.raises(InputError, match="tie_word_embeddings is false"):
            load_shape(tmp_path)


def test_the_activations_are_the_librarys() -> None:
    assert set(ACTIVATIONS) <= set(ACT2FN)
    with_parameters = {"prelu", "xielu", "gelu_python"} - set(ACTIVATIONS)
    assert set(ACT2FN) - set(ACTIVATIONS) <= with_parameters


def test_a_teacher_that_was_a_classifier_brings_its_body_alone(sentences: tuple[str, ...], tmp_path: Path) -> None:
    """The head of the earlier task beside a masked-LM head is passed over, and its labels are gone."""
    from safetensors.torch import load_file, save_file

    encoder = tiny("bert", sentences)
    save_encoder(encoder, tmp_path)
    changed(tmp_path, {"id2label": {"0": "no", "1": "yes"}, "architectures": ["BertForSequenceClassification"]})
    weights = tmp_path / "model.safetensors"
    more = {
        "classifier.weight": torch.ones(2, 32),
        "classifier.bias": torch.ones(2),
        "bert.pooler.dense.bias": torch.ones(32),
    }
    save_file(load_file(weights) | more, weights)
    loaded = load_encoder(tmp_path)
    assert torch.equal(outputs(loaded), outputs(encoder))
    assert loaded.model.config.id2label == {0: "LABEL_0", 1: "LABEL_1"}
    assert "classifier.weight" not in loaded.model.state_dict()


def test_ids_in_a_configuration_follow_their_tokens(sentences: tuple[str, ...]) -> None:
    encoder = tiny("electra", sentences)
    model = copy.deepcopy(encoder.model)
    model.config.mask_token_id = encoder.tokenizer.token_to_id("[MASK]")
    model.config.sep_token_id = encoder.tokenizer.token_to_id("[SEP]")
    trimmed = trim_vocab(replace(encoder, model=model), sentences[:5], size=encoder.shape.vocab - 8)
    for name, token in (("mask_token_id", "[MASK]"), ("sep_token_id", "[SEP]")):
        assert getattr(trimmed.model.config, name) == trimmed.tokenizer.token_to_id(token)
