"""Logits of the masked-LM head: which tokens fit where one is masked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edgeenc.model import answers
from edgeenc.model.graph_text import GraphText
from edgeenc.model.purpose import CardWords, Computed, Head, Purpose, View

if TYPE_CHECKING:
    from edgeenc.model.encoder import Encoder


def _of_encoder(encoder: Encoder) -> Computed:
    return Computed(encoder.model, lambda ids_BT, attend_BT: encoder.logits(encoder.hidden(ids_BT, attend_BT)))


def _load(folder: Path) -> Computed:
    from edgeenc.model.encoder import load_encoder

    return _of_encoder(load_encoder(folder))


_ANSWER = r"""with open("tokenizer_config.json", encoding="utf-8") as file:
    mask = json.load(file)["mask_token"]


def token(text):  # with one mask in it
    offsets, logits = run(text)
    at = text.index(mask)
    place = next(t for t, (start, end) in enumerate(offsets) if start <= at < end)
    return tokenizer.decode([int(logits[0, place].argmax())])"""

FILL_MASK = Purpose(
    name="fill-mask",
    output="logits",
    auto_class="AutoModelForMaskedLM",
    load=_load,
    exported=lambda model: model,
    head=Head(
        text=GraphText((3100, 5250), (5200, 8650)),
        more_text=lambda family: family.masked,
        rows=lambda shape: shape.table.head,
    ),
    view=View(choices=lambda bounds: bounds.top1_agreement, masked=True),
    card=CardWords(
        what="A masked language model",
        output="logits, (1, tokens, {vocab})",
        first="0, 0",
        limit="It was trained to fill in masked words. Another task needs a head and fine-tuning.",
        optimum_class="ORTModelForMaskedLM",
        answer=_ANSWER,
        flags=" --export-task fill-mask",
    ),
    answer=answers.tokens,
    of_encoder=_of_encoder,
    tied=True,
    reads_head=True,
)
