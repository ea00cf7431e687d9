"""Every parameter count of the two papers, to the unit, from shapes alone: no weights, no network.

The counts were computed beside us from the architecture and from models of the library without storage (see `SOURCES`).
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from line import edgeenc
from transformers import AutoConfig, AutoModelForMaskedLM

from edgeenc.model.published import published_shape
from edgeenc.model.shape import Shape, shape_of
from edgeenc.stages.drop_layers import DropLayers
from edgeenc.stages.prune_ffn import PruneFfn
from edgeenc.stages.stage import Stage
from edgeenc.stages.trim_vocab import TrimVocab
from edgeenc.stages.truncate_hidden import TruncateHidden

SOURCES = "arXiv:2505.16956 (layers, FFN, width, vocabulary), arXiv:2501.12660 (dBERT), arXiv:1910.01108 (DistilmBERT)"

MBERT = "google-bert/bert-base-multilingual-cased@3f076fdb1ab68d5b2880cb87a0886f315b8146f8"
XLM_R = "FacebookAI/xlm-roberta-base@e73636d4f797dec63c3081bb6ed5c7b0bb3f2089"
DISTIL = "distilbert/distilbert-base-multilingual-cased@45c032ab32cc946ad88a166f7cb282f58c753c2e"

Cut = tuple[int, int, int, int | None]
"""Layers, hidden size, FFN, tokens; None where the vocabulary stays."""

MASKED_LM: list[tuple[Cut, int, int]] = [
    ((12, 768, 3072, None), 177_974_523, 278_295_186),
    ((6, 768, 3072, None), 135_447_291, 235_767_954),
    ((6, 768, 2048, None), 126_003_963, 226_324_626),
    ((6, 564, 2048, None), 89_692_779, 163_400_418),
    ((6, 456, 2048, None), 71_311_611, 130_930_002),
    ((6, 312, 2048, None), 47_710_587, 88_543_314),
    ((6, 768, 2048, 40_000), 64_832_320, 64_833_088),
    ((6, 564, 2048, 40_000), 44_748_724, 44_749_288),
    ((6, 456, 2048, 40_000), 34_958_632, 34_959_088),
    ((6, 312, 2048, 40_000), 22_812_376, 22_812_688),
    ((6, 312, 2048, 20_000), 16_552_376, 16_552_688),
    ((6, 312, 2048, 15_000), 14_987_376, 14_987_688),
    ((6, 312, 2048, 10_000), 13_422_376, 13_422_688),
    ((6, 312, 2048, 5_000), 11_857_376, 11_857_688),
]
"""Masked-LM parameters, the tied table once: mBERT, XLM-R."""

WITH_POOLER: list[tuple[Cut, int, int]] = [
    ((12, 768, 3072, None), 177_853_440, 278_043_648),
    ((6, 768, 3072, None), 135_326_208, 235_516_416),
    ((6, 768, 2048, None), 125_882_880, 226_073_088),
    ((6, 564, 2048, None), 89_572_104, 163_149_288),
    ((6, 456, 2048, None), 71_191_152, 130_679_088),
    ((6, 312, 2048, None), 47_590_416, 88_292_688),
    ((6, 564, 2048, 40_000), 44_707_596, 44_708_160),
    ((6, 456, 2048, 40_000), 34_917_720, 34_918_176),
    ((6, 312, 2048, 40_000), 22_771_752, 22_772_064),
]
"""Encoder parameters with the pooler that the published models carry and we do not, no masked-LM head."""


def known(source: str) -> Shape:
    shape = published_shape(source)
    assert shape is not None
    return shape


def cut(shape: Shape, to: Cut) -> Shape:
    """Fold the stages of the published line over a shape, in the published order."""
    layers, hidden, ffn, vocab = to
    stages: list[Stage] = [
        DropLayers(layers=layers),
        PruneFfn(intermediate_size=ffn),
        TruncateHidden(hidden_size=hidden, method="leading"),
        *([TrimVocab(vocab_size=vocab)] if vocab else []),
    ]
    for stage in stages:
        shape = stage.reshape(shape)
    return shape


def with_pooler(shape: Shape) -> int:
    return shape.encoder_parameters + shape.hidden * (shape.hidden + 1)


@pytest.mark.parametrize(("to", "mbert", "xlmr"), MASKED_LM, ids=str)
def test_masked_lm_parameters(to: Cut, mbert: int, xlmr: int) -> None:
    assert (cut(known(MBERT), to).parameters, cut(known(XLM_R), to).parameters) == (mbert, xlmr)


@pytest.mark.parametrize(("to", "mbert", "xlmr"), WITH_POOLER, ids=str)
def test_encoder_parameters_with_the_pooler(to: Cut, mbert: int, xlmr: int) -> None:
    assert (with_pooler(cut(known(MBERT), to)), with_pooler(cut(known(XLM_R), to))) == (mbert, xlmr)


@pytest.mark.parametrize(
    ("to", "masked_lm", "pooled"),
    [((6, 768, 3072, None), 135_447_291, 135_326_208), ((4, 312, 1200, None), 42_246_219, 42_126_048)],
    ids=["dBERT base", "dBERT tiny"],
)
def test_the_students_of_the_second_paper(to: Cut, masked_lm: int, pooled: int) -> None:
    shape = cut(known(MBERT), to)
    assert (shape.parameters, with_pooler(shape)) == (masked_lm, pooled)
    if to[1] == 312:
        assert shape.count(("vocab", "hidden")) == 37_298_664


def test_distilbert_has_no_types_and_no_pooler() -> None:
    """134,734,080 without the head; with it a transform (768 * 769), a norm (2 * 768) and 119,547 biases more."""
    shape = known(DISTIL)
    assert shape.encoder_parameters == 134_734_080
    assert shape.parameters == 134_734_080 + 768 * 769 + 2 * 768 + 119_547


def test_the_cuts_that_the_paper_tells() -> None:
    """Up to 92 % holds for XLM-R (91.80 %); mBERT reaches 87.18 %. Half the layers and a third of the FFN, by hand."""
    smallest = (6, 312, 2048, 40_000)
    for source, percent in ((MBERT, 87.18), (XLM_R, 91.80)):
        whole = known(source)
        assert round(100 * (1 - cut(whole, smallest).parameters / whole.parameters), 2) == percent
        six, pruned = cut(whole, (6, 768, 3072, None)), cut(whole, (6, 768, 2048, None))
        assert whole.parameters - six.parameters == 6 * 7_087_872 == 42_527_232
        assert six.parameters - pruned.parameters == 6 * 1024 * (2 * 768 + 1) == 9_443_328
    narrow = cut(known(XLM_R), (6, 312, 2048, None))
    assert narrow.parameters - replace(narrow, vocab=40_000).parameters == 210_002 * 313


@pytest.mark.parametrize("width", [47, 38, 26])
def test_twelve_heads_become_narrower(width: int) -> None:
    shape = cut(known(MBERT), (6, 12 * width, 2048, None))
    assert (shape.heads, shape.head_width, shape.attention) == (12, width, 12 * width)


@pytest.mark.parametrize("source", [MBERT, XLM_R])
def test_texts_of_512_tokens_fit(source: str) -> None:
    """XLM-R counts positions from 2, so its 514 rows serve as many tokens as the 512 of mBERT."""
    assert known(source).longest == 512


@pytest.mark.parametrize("source", [MBERT, XLM_R, DISTIL])
@pytest.mark.parametrize("to", [None, (2, 312, 2048, 1000)], ids=["whole", "cut"])
def test_the_library_counts_the_same(source: str, to: Cut | None) -> None:
    """A model of the library without storage has the counted parameters, tied tensors once."""
    shape = cut(known(source), to) if to else known(source)
    fields = shape.config_fields
    with torch.device("meta"):
        model = AutoModelForMaskedLM.from_config(AutoConfig.for_model(shape.family, pad_token_id=1, **fields))
    model.tie_weights()
    assert sum(p.numel() for p in model.parameters()) == shape.parameters
    assert shape_of(model.config) == shape


def test_a_teacher_at_another_commit_is_not_known() -> None:
    assert published_shape(MBERT[:-1] + "0") is None
    assert published_shape("starter") is None


RECIPE = f"""
name: paper-order
teacher: {XLM_R}
stages:
  - {{kind: drop-layers, layers: 6}}
  - {{kind: prune-ffn, intermediate_size: 2048}}
  - {{kind: truncate-hidden, hidden_size: 312, method: leading}}
  - {{kind: trim-vocab, vocab_size: 40000}}
"""


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """What follows `edgeenc plan` or `edgeenc build`, on a machine without network and with an empty cache."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    (tmp_path / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
    (tmp_path / "text.txt").write_text("".join(f"Kumusta ka sa ika-{at} na araw?\n" for at in range(2000)))
    files = ("--recipe", str(tmp_path / "recipe.yaml"), "--corpus", str(tmp_path / "text.txt"))
    return "--lang", "tl", *files, "--store", str(tmp_path / "store")


def test_a_plan_needs_no_file_of_a_known_teacher(asked: tuple[str, ...]) -> None:
    found = json.loads(edgeenc("plan", *asked, "--json").stdout)
    assert found["teacher"] == {"source": XLM_R, "parameters": 278_295_186}
    assert found["student"]["parameters"] == 22_812_688
    assert [step["parameters"] for step in found["steps"]][1:3] == [278_295_186, 235_767_954]


def test_two_teachers_that_are_not_here_have_two_keys(asked: tuple[str, ...], tmp_path: Path) -> None:
    one = json.loads(edgeenc("plan", *asked, "--json").stdout)["steps"]
    other = json.loads(edgeenc("plan", *asked, "--teacher", MBERT, "--json").stdout)["steps"]
    assert [a["key"] == b["key"] for a, b in zip(one, other, strict=True)] == [True] + [False] * (len(one) - 1)


def test_a_build_ends_at_once_and_says_what_is_missing(asked: tuple[str, ...], tmp_path: Path) -> None:
    done = edgeenc("build", *asked, "-o", str(tmp_path / "out"))
    assert done.returncode == 5
    assert (
        f"teacher {XLM_R}: config.json and model.safetensors and tokenizer.json not in the hub's cache" in done.stderr
    )
    assert not (tmp_path / "out").exists()


def test_a_plan_of_an_unknown_teacher_needs_its_files(asked: tuple[str, ...], tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(RECIPE.replace("xlm-roberta-base", "xlm-roberta-tiny"), encoding="utf-8")
    assert edgeenc("plan", *asked).returncode == 5
