"""Sentence vectors of many texts: each as if it were alone, in the order of the texts."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from edgeenc.errors import InputError
from edgeenc.machine.runtime import Runtime
from edgeenc.model.embed import Vectors, embed, forward_of
from edgeenc.model.encoder import Encoder
from edgeenc.model.sentence_head import SentenceHead
from edgeenc.text.whole import Ids, Widths, encode_whole, like_lengths, padded


def test_a_text_has_the_vector_it_has_alone(tiny_encoder: Encoder, sentences: tuple[str, ...]) -> None:
    head = SentenceHead()
    together = embed(forward_of(tiny_encoder, head), tiny_encoder.tokenizer, sentences, longest=64, batch_tokens=100)
    for text, vector in zip(sentences, together, strict=True):
        ids = torch.tensor([tiny_encoder.tokenizer.encode(text).ids])
        with torch.no_grad():
            alone = head(tiny_encoder.hidden(ids), torch.ones_like(ids))[0].numpy()
        assert np.abs(vector - alone).max() < 1e-5
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)


def test_no_text_has_no_vector(tiny_encoder: Encoder) -> None:
    with pytest.raises(InputError, match="no text"):
        embed(forward_of(tiny_encoder), tiny_encoder.tokenizer, [], longest=64)


def test_a_long_text_keeps_its_last_token(tiny_encoder: Encoder, sentences: tuple[str, ...]) -> None:
    whole = tiny_encoder.tokenizer.encode(" ".join(sentences)).ids
    (cut,) = encode_whole(tiny_encoder.tokenizer, [" ".join(sentences)], 10)
    assert cut == [*whole[:9], whole[-1]]


def test_batches_are_like_in_length_and_hold_every_text_once() -> None:
    lengths = [5, 40, 9, 8, 3, 17, 40, 64]
    batches = list(like_lengths(lengths, batch_tokens=64, widths=Widths(8)))
    assert sorted(place for batch in batches for place in batch) == list(range(8))
    assert batches[0] == [4, 0, 3, 2]  # four of width 16 are 64 tokens
    ids_BT, attend_BT = padded([[1, 2, 3], list(range(9))], pad=7, widths=Widths(8))
    assert ids_BT.shape == (2, 16)
    assert (ids_BT[0, 3:] == 7).all()
    assert attend_BT.sum(1).tolist() == [3, 9]
    assert padded([[1, 2, 3], list(range(9))], pad=7)[0].shape == (2, 9)


def test_no_batch_is_wider_than_the_model_reads(tiny_encoder: Encoder, sentences: tuple[str, ...]) -> None:
    wide = Widths(8, 30)
    assert [wide.of(tokens) for tokens in (3, 17, 27, 30)] == [8, 24, 30, 30]
    found = list[int]()

    def forward(ids_BT: Ids, attend_BT: Ids) -> Vectors:
        found.append(ids_BT.shape[1])
        return np.zeros((len(ids_BT), 2), dtype=np.float32)

    embed(forward, tiny_encoder.tokenizer, [" ".join(sentences), *sentences], longest=30, widths=wide)
    assert max(found) == 30 and set(found) <= {8, 16, 24, 30}


def test_only_a_runtime_that_gains_by_it_has_padding_to_multiples() -> None:
    steps = [Runtime(dtype=dtype).width_step for dtype in ("float32", "bfloat16")]
    assert [*steps, Runtime(device="cuda").width_step] == [1, 8, 8]
