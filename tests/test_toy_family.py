"""A family that nobody knew is added by one file: planned, cut, trained, exported, reported and checked like any other.

The library has to know its classes, and the exporter its inputs, as with any family; these are made up here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from families import random_encoder, word_piece
from line import World, edgeenc, make_world
from optimum.exporters.onnx.model_configs import BertOnnxConfig
from optimum.exporters.tasks import TasksManager
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, AutoModelForMaskedLM, BertConfig, BertModel, BertPreTrainedModel
from transformers.modeling_outputs import MaskedLMOutput
from transformers.models.bert.modeling_bert import BertPredictionHeadTransform

from edgeenc.bundle.assemble import replay
from edgeenc.errors import InputError
from edgeenc.kinds import added
from edgeenc.model.axes import linear, norm
from edgeenc.model.encoder import load_encoder
from edgeenc.model.families import families, family_of
from edgeenc.model.families.bert_rows import bert_embeddings, bert_layer
from edgeenc.model.family import Family
from edgeenc.model.purpose import purpose_named
from edgeenc.model.shape import Shape
from edgeenc.targets.onnx_file.sizes import fp32_bytes

PACKAGE = "edgeenc.model.families"

FAMILY = Family(
    name="toybert",
    class_name="ToyBertForMaskedLM",
    head_modules=("guess", "answer"),
    body="toy.",
    layer_pattern=re.compile(r"toy\.encoder\.layer\.(?P<layer>\d+)\."),
    embeddings=bert_embeddings("toy"),
    layer=bert_layer("toy"),
    head={
        **linear("guess.dense", "hidden", "hidden"),
        **norm("guess.LayerNorm"),
        "answer.bias": ("vocab",),
    },
    tokenizer="WordPiece",
    tied={"answer.weight": "toy.embeddings.word_embeddings.weight"},
    ignored=("toy.pooler.",),
    fields={
        "layers": "depth",
        "hidden": "width",
        "heads": "views",
        "ffn": "neurons",
        "vocab": "vocab_size",
        "positions": "longest",
        "types": "type_vocab_size",
    },
)
"""A BERT whose parts have other names, sizes of other names, and a head of another kind."""


class ToyBertConfig(BertConfig):
    """BERT's configuration under other names."""

    model_type = "toybert"
    attribute_map = {  # noqa: RUF012  # as the library has it
        "num_hidden_layers": "depth",
        "hidden_size": "width",
        "num_attention_heads": "views",
        "intermediate_size": "neurons",
        "max_position_embeddings": "longest",
    }

    def __init__(
        self,
        depth: int = 12,
        width: int = 768,
        views: int = 12,
        neurons: int = 3072,
        longest: int = 512,
        **more: Any,  # noqa: ANN401
    ) -> None:
        sizes = {"num_hidden_layers": depth, "hidden_size": width, "num_attention_heads": views}
        super().__init__(**sizes, intermediate_size=neurons, max_position_embeddings=longest, **more)


class ToyBertModel(BertModel):
    """BERT's body, without a pooler."""

    config_class = ToyBertConfig

    def __init__(self, config: ToyBertConfig) -> None:
        super().__init__(config, add_pooling_layer=False)


class ToyBertForMaskedLM(BertPreTrainedModel):
    """The body under another name, and a head of two modules beside it."""

    config_class = ToyBertConfig
    base_model_prefix = "toy"
    _tied_weights_keys = ["answer.weight"]  # noqa: RUF012

    def __init__(self, config: ToyBertConfig) -> None:
        super().__init__(config)
        self.toy = ToyBertModel(config)
        self.guess = BertPredictionHeadTransform(config)
        self.answer = nn.Linear(config.hidden_size, config.vocab_size)
        self.post_init()

    def get_output_embeddings(self) -> nn.Module:
        """Return what is tied to the word table."""
        return self.answer

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        output_hidden_states: bool = False,
        output_attentions: bool = False,
    ) -> MaskedLMOutput:
        """Return logits (B, T, V)."""
        out = self.toy(
            input_ids,
            attention_mask,
            token_type_ids,
            output_hidden_states=output_hidden_states,
            output_attentions=output_attentions,
        )
        logits = self.answer(self.guess(out.last_hidden_state))
        return MaskedLMOutput(logits=logits, hidden_states=out.hidden_states, attentions=out.attentions)


@pytest.fixture(scope="module")
def registered() -> Iterator[None]:
    """The library knows the classes, the exporter the inputs, and our registry the family."""
    AutoConfig.register("toybert", ToyBertConfig, exist_ok=True)
    AutoModel.register(ToyBertConfig, ToyBertModel, exist_ok=True)
    AutoModelForMaskedLM.register(ToyBertConfig, ToyBertForMaskedLM, exist_ok=True)
    more = TasksManager.create_register("onnx", overwrite_existing=True)
    more("toybert", "feature-extraction", "fill-mask")(BertOnnxConfig)  # pyright: ignore[reportCallIssue]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transformers, "ToyBertForMaskedLM", ToyBertForMaskedLM, raising=False)
        with added(PACKAGE, FAMILY):
            yield


@pytest.fixture(scope="module")
def world(registered: None, sentences: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> World:
    """A tiny teacher of the family, text, and a recipe with every stage."""
    assert FAMILY in families()
    tokenizer = word_piece(sentences)
    shape = Shape(3, 32, 4, 8, 48, tokenizer.get_vocab_size(), 64, 2, "toybert")
    return make_world(random_encoder(shape, tokenizer), sentences, tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def bundle(world: World) -> Path:
    """What was built of it."""
    done = edgeenc(*world.command(world.folder / "store", world.folder / "bundle"))
    assert done.returncode == 0, done.stderr
    return world.folder / "bundle"


def test_a_value_is_listed_while_it_is_added() -> None:
    with pytest.raises(
        InputError, match=r"'toycase' is not known; known are: bert, deberta-v2, distilbert, electra, mod"
    ):
        family_of("toycase")
    with added(PACKAGE, replace(FAMILY, name="toycase")):
        assert family_of("toycase") in families()
    with pytest.raises(InputError):
        family_of("toycase")


def test_it_is_planned_to_the_parameter(world: World) -> None:
    asked = ("--lang", "ilo", "--corpus", str(world.corpus), "--recipe", str(world.recipe))
    plan = json.loads(edgeenc("plan", *asked, "--json").stdout)
    teacher = load_encoder(world.teacher)
    fields = json.loads((world.teacher / "config.json").read_text(encoding="utf-8"))
    assert (fields["model_type"], fields["depth"], fields["width"]) == ("toybert", 3, 32)
    assert plan["teacher"]["parameters"] == teacher.model.num_parameters() == teacher.shape.parameters
    assert (plan["student"]["layers"], plan["student"]["hidden"], plan["student"]["vocab"]) == (2, 24, 112)


@pytest.mark.export
def test_it_is_built_with_every_stage_and_has_the_planned_shape_and_size(world: World, bundle: Path) -> None:
    student = load_encoder(bundle)
    assert student.shape.family == "toybert"
    assert (student.shape.layers, student.shape.hidden, student.shape.ffn, student.shape.vocab) == (2, 24, 32, 112)
    assert isinstance(student.model, ToyBertForMaskedLM)
    assert student.model.answer.weight is student.model.toy.embeddings.word_embeddings.weight
    size = (bundle / "onnx" / "model.onnx").stat().st_size
    assert size == pytest.approx(fp32_bytes(student.shape, purpose_named("feature-extraction")), rel=0.03)
    with torch.no_grad():
        assert student.logits(student.hidden(torch.tensor([[2, 7, 3]]))).shape == (1, 3, 112)
    teacher = load_encoder(world.teacher)
    assert teacher.shape.parameters > student.shape.parameters
    assert not torch.equal(
        student.model.toy.embeddings.word_embeddings.weight[:2, :2], teacher.model.get_input_embeddings().weight[:2, :2]
    )


@pytest.mark.export
def test_it_is_reported_and_holds_when_checked_again(bundle: Path) -> None:
    report = json.loads((bundle / "report" / "report.json").read_text(encoding="utf-8"))
    assert report["student"]["parameters"] == load_encoder(bundle).shape.parameters
    assert {gate["name"] for gate in report["gates"]} >= {"tokenizer", "kept tokens", "fp32 parity"}
    assert edgeenc("verify", str(bundle)).returncode == 0
    assert edgeenc("report", str(bundle)).returncode == 0
    assert replay(bundle) == 0
    found = json.loads(edgeenc("inspect", str(bundle), "--json").stdout)
    assert (found["family"], found["problems"]) == ("toybert", [])
