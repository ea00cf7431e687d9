"""Teachers of sentence vectors as they are published, tiny: each with the files of sentence-transformers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from families import tiny
from safetensors.torch import save_file

from edgeenc.model.encoder import load_encoder, save_encoder

OLD, NEW = "sentence_transformers.models", "sentence_transformers.sentence_transformer.modules"
RECIPE = """
name: small
teacher: {teacher}
purpose: sentence-embedding
stages:
  - {{kind: trim-vocab, vocab_size: {vocab}}}
  - {{kind: drop-layers, layers: 2, rule: stride}}
bounds: {{mean_cosine: 0.1, worst_cosine: -1.0}}
"""


@dataclass(frozen=True)
class Published:
    """What a published folder of sentence vectors has beside its encoder.

    Attributes:
        family: of the encoder.
        modules: kinds behind the encoder, in their order.
        pooling: the file of `1_Pooling`.
        dense: outputs and class of the activation of a Dense module.
        prompts: the file of prompts; None where there is none.
        package: what the names of the classes begin with.
    """

    family: str
    modules: tuple[str, ...]
    pooling: Mapping[str, object]
    dense: tuple[int, str] = (0, "")
    prompts: Mapping[str, object] | None = field(default_factory=dict)
    package: str = OLD


FLAGS = {"pooling_mode_cls_token": False, "pooling_mode_mean_tokens": False, "pooling_mode_max_tokens": False}
MEAN, CLS = (FLAGS | {f"pooling_mode_{name}": True} for name in ("mean_tokens", "cls_token"))
TANH = "torch.nn.modules.activation.Tanh"

PUBLISHED = {
    "e5": Published("bert", ("Pooling", "Normalize"), MEAN, prompts=None),
    "bge-m3": Published(
        "xlm-roberta", ("Pooling", "Normalize"), CLS, prompts={"prompts": None, "default_prompt_name": None}
    ),
    "labse": Published("bert", ("Pooling", "Dense", "Normalize"), CLS, (32, TANH), prompts={}),
    "distiluse": Published("distilbert", ("Pooling", "Dense"), MEAN, (16, TANH), prompts={}),
    "minilm": Published("bert", ("Pooling",), MEAN),
    "newest": Published(
        "bert",
        ("Pooling", "Normalize"),
        {"pooling_mode": "mean", "embedding_dimension": 32, "include_prompt": True},
        prompts={"prompts": {"query": "query: ", "document": ""}, "similarity_fn_name": "cosine"},
        package=NEW,
    ),
}


def publish(name: str, text: tuple[str, ...], folder: Path) -> Path:
    """Write a tiny teacher as `name` is published, and return its folder."""
    known = PUBLISHED[name]
    save_encoder(tiny(known.family, text), folder)
    dress(known, folder)
    return folder


def dress(known: Published, folder: Path) -> None:
    """Write the files of sentence-transformers beside an encoder, as its own versions do."""
    kinds = ("Transformer", *known.modules)
    listed = [
        {"idx": n, "name": str(n), "path": f"{n}_{kind}" if n else "", "type": f"{known.package}.{kind}"}
        for n, kind in enumerate(kinds)
    ]
    write(folder / "modules.json", listed)
    write(folder / "1_Pooling" / "config.json", {"word_embedding_dimension": 32, **known.pooling})
    if known.prompts is not None:
        write(folder / "config_sentence_transformers.json", {"__version__": {}, **known.prompts})
    if known.dense[0]:
        place, (out, activation) = folder / "2_Dense", known.dense
        fields = {"in_features": 32, "out_features": out, "bias": True, "activation_function": activation}
        write(place / "config.json", fields)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(3)
            state = {"linear.weight": 0.3 * torch.randn(out, 32), "linear.bias": 0.1 * torch.randn(out)}
        save_file(state, place / "model.safetensors")


def write(path: Path, value: object) -> None:
    """Write JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")


def recipe_for(teacher: Path, folder: Path, more: str = "") -> Path:
    """Write a recipe that trims and drops a layer, and trains nothing."""
    path = folder / "small.yaml"
    vocab = load_encoder(teacher).shape.vocab - 8
    path.write_text(RECIPE.format(teacher=teacher, vocab=vocab) + more, encoding="utf-8")
    return path
