"""How an encoder makes one vector of a text: read from a teacher's folder, kept by every stage, written again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from edgeenc.compress.drop_layers import drop_layers
from edgeenc.errors import InputError
from edgeenc.model.encoder import Encoder, load_encoder, save_encoder
from edgeenc.model.sentence_head import Dense, SentenceHead, read_sentence_head, write_sentence_head


def test_padding_takes_no_part_in_the_mean() -> None:
    states_BTH = torch.tensor([[[1.0], [3.0], [100.0]]])
    attend_BT = torch.tensor([[1, 1, 0]])
    assert SentenceHead(normalize=False)(states_BTH, attend_BT).item() == 2
    assert SentenceHead("cls", normalize=False)(states_BTH, attend_BT).item() == 1


def test_a_folder_gives_back_what_was_written(tmp_path: Path) -> None:
    torch.manual_seed(0)
    dense = Dense(torch.randn(3, 4), torch.randn(3), "tanh")
    head = SentenceHead("cls", (dense,), normalize=True, prompts={"query": "query: "}, default_prompt="query")
    write_sentence_head(head, tmp_path, hidden=4, longest=64)
    back = read_sentence_head(tmp_path)
    assert back is not None
    states_BTH, attend_BT = torch.randn(2, 5, 4), torch.ones(2, 5)
    assert torch.equal(head(states_BTH, attend_BT), back(states_BTH, attend_BT))
    assert (back.prompts, back.default_prompt, back.dimensions(4)) == ({"query": "query: "}, "query", 3)
    assert (back.prompt(), back.prompt("passage")) == ("query: ", "query: ")


def test_stages_keep_it(tiny_encoder: Encoder, tmp_path: Path) -> None:
    head = SentenceHead(prompts={"passage": "passage: "})
    save_encoder(drop_layers(replace(tiny_encoder, sentence=head), (0, 2)), tmp_path)
    assert load_encoder(tmp_path).sentence == head


@pytest.mark.parametrize(
    ("pooling", "modules", "said"),
    [
        ({"pooling_mode_max_tokens": True}, [], "pooling by max"),
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": True}, [], "cls and mean"),
        ({"pooling_mode": "lasttoken"}, [], "lasttoken"),
        ({"pooling_mode": "mean", "include_prompt": False}, [], "include_prompt"),
        ({}, ["CNN"], "CNN"),
    ],
)
def test_what_is_not_known_is_refused(
    tmp_path: Path, pooling: dict[str, object], modules: list[str], said: str
) -> None:
    write_sentence_head(SentenceHead(), tmp_path, hidden=4, longest=64)
    (tmp_path / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    listed = json.loads((tmp_path / "modules.json").read_text())
    listed += [{"idx": 9, "name": "9", "path": "9", "type": f"sentence_transformers.models.{name}"} for name in modules]
    (tmp_path / "modules.json").write_text(json.dumps(listed))
    with pytest.raises(InputError, match=said):
        read_sentence_head(tmp_path)
