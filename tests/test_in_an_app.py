"""The gate that reads labels as an app does: it holds for what is scored as running text, and sees what is not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from families import tiny
from tokenizers import Encoding, Tokenizer

from edgeenc.bundle.gate import AppReading, Exported, GateCase
from edgeenc.bundle.gates.in_an_app import in_an_app_gate
from edgeenc.model.classifier import save_task_model, with_head
from edgeenc.recipe import Bounds
from edgeenc.targets.sessions.torch_session import TorchSession
from edgeenc.tasks.item import NOWHERE, Item
from edgeenc.tasks.kinds.tag import TAG

BOUNDS = Bounds(parity=1e-4, mean_cosine=0.98, worst_cosine=0.9, top1_agreement=0.9)


def word_by_word(tokenizer: Tokenizer, items: Sequence[Item]) -> tuple[list[Encoding], list[tuple[int, ...]]]:
    """Encode each word alone, as taggers once were."""
    found = tokenizer.encode_batch([list(item.words) for item in items], is_pretokenized=True)
    places = [
        tuple(one.word_ids.index(word) if word in one.word_ids else NOWHERE for word in range(len(item.words)))
        for one, item in zip(found, items, strict=True)
    ]
    return found, places


@pytest.mark.parametrize("family", ["roberta", "modernbert", "xlm-roberta", "bert"])
def test_a_tagger_is_read_as_it_was_scored(family: str, sentences: tuple[str, ...], tmp_path: Path) -> None:
    labels = tuple("ABCDEFG")
    model = with_head(tiny(family, sentences), TAG.purpose, labels, seed=1)
    save_task_model(model, tmp_path)
    session = TorchSession(model.logits, TAG.purpose)
    items = [
        Item(tuple(line.replace(".", " .").split()), ("A",) * len(line.replace(".", " .").split()))
        for line in sentences
    ]
    file = Exported("fp32", session, session, False)
    asked = AppReading(TAG, items, labels, model.positions)
    case = GateCase(tmp_path, model.tokenizer, sentences, (), (file,), BOUNDS, labelled=asked)
    held = in_an_app_gate(file, asked, case)
    assert held.passed and held.figure == 1, held
    alone = in_an_app_gate(file, replace(asked, kind=replace(TAG, encode=word_by_word)), case)
    assert alone.passed is (family == "bert"), alone
