"""Batches: rows by hand, order and masks as a function of (seed, step)."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models

from edgeenc.errors import InputError, UsageError
from edgeenc.model.encoder import Encoder
from edgeenc.text.batches import Batching, SpecialIds, corrupt, draw, masked_stream, pack

C, S, M = 100, 101, 102
PIECES = SpecialIds(size=100, cls=C, sep=S, mask=M, specials=(C, S, M))


def test_rows_start_where_sentences_start() -> None:
    """A cut sentence starts the next row again, so nothing is lost."""
    rows = pack([[1, 2, 3], [4, 5], [6, 7, 8], [9, 9, 9]], 7, PIECES)
    assert rows.tolist() == [[C, 1, 2, 3, S, 4, 5], [C, 4, 5, S, 6, 7, 8], [C, 6, 7, 8, S, 9, 9]]


def test_a_sentence_longer_than_a_row_goes_on_in_the_next() -> None:
    rows = pack([list(range(9)), [20, 21], [22]], 6, PIECES)
    assert rows.tolist() == [[C, 0, 1, 2, 3, 4], [C, 5, 6, 7, 8, S], [C, 20, 21, S, 22, S]]


def test_rows_without_room_are_refused() -> None:
    with pytest.raises(UsageError, match="rows of 2 tokens have no room for text"):
        pack([[5, 6, 7], [8]], 2, PIECES)


def test_text_that_fills_no_row_is_refused() -> None:
    with pytest.raises(InputError, match="too few tokens to fill one row of 64"):
        pack([[1, 2]], 64, PIECES)


def test_the_walk_visits_every_row_once_an_epoch() -> None:
    rows = np.arange(10, dtype=np.int32)[:, None]
    walk = np.concatenate([draw(rows, first, 4, seed=5)[:, 0] for first in range(0, 20, 4)])
    assert sorted(walk[:10]) == list(range(10)) == sorted(walk[10:])
    assert walk[:10].tolist() != walk[10:].tolist()
    assert draw(rows, 8, 4, seed=5)[:, 0].tolist() == walk[8:12].tolist()


def test_corruption_hits_ordinary_tokens_in_known_shares() -> None:
    """30 % of 11,000 tokens: 3,300 chosen; 80 % of them masked, about 10 % another token, about 10 % kept."""
    ids = np.tile(np.array([C, *range(9), S], dtype=np.int32), (1000, 1))
    batch = corrupt(ids, PIECES, 0.3, "tokens", np.random.default_rng(0))
    flat, shown = torch.from_numpy(ids).flatten().long(), batch.ids_BT.flatten()
    assert len(batch.chosen_P) == 3300
    assert torch.equal(batch.labels_P, flat[batch.chosen_P])
    assert not torch.isin(batch.labels_P, torch.tensor([C, S, M])).any()
    untouched = torch.ones(len(flat), dtype=torch.bool)
    untouched[batch.chosen_P] = False
    assert torch.equal(shown[untouched], flat[untouched])
    masked = (shown[batch.chosen_P] == M).float().mean()
    kept = (shown[batch.chosen_P] == batch.labels_P).float().mean()
    assert abs(masked - 0.8) < 0.03
    assert abs(kept - 0.1) < 0.03


def test_a_word_is_corrupted_with_all_its_tokens() -> None:
    """Words 1 / 2 ##50 / 3 ##51 ##52 in 1,000 rows of 8: 2,400 positions to predict, and never a part of a word."""
    words = SpecialIds(size=100, cls=C, sep=S, mask=M, specials=(C, S, M), continued=(50, 51, 52))
    ids = np.tile(np.array([C, 1, 2, 50, 3, 51, 52, S], dtype=np.int32), (1000, 1))
    batch = corrupt(ids, words, 0.3, "words", np.random.default_rng(0))
    assert len(batch.chosen_P) == 2400
    per_row = [set((batch.chosen_P % 8)[batch.chosen_P // 8 == r].tolist()) for r in range(1000)]
    parts = sum(len({2, 3} & s) == 1 or len({4, 5, 6} & s) in (1, 2) for s in per_row)
    assert parts <= 1, "only the word that reaches the count may be predicted in part"
    masked = batch.ids_BT == M
    assert torch.equal(masked[:, 2], masked[:, 3])
    assert torch.equal(masked[:, 4], masked[:, 6])


def test_batches_of_one_shape_predict_the_same_number_of_positions(
    tiny_encoder: Encoder, sentences: tuple[str, ...]
) -> None:
    stream = masked_stream([sentences], tiny_encoder.tokenizer, Batching(64, 0.3, (16, 32)), seed=1)
    assert {len(stream(step).chosen_P) for step in range(12)} == {19}


def test_a_row_that_starts_inside_a_word_is_masked_there_too() -> None:
    words = SpecialIds(size=100, cls=C, sep=S, mask=M, specials=(C, S, M), continued=(50, 51))
    ids = np.tile(np.array([C, 50, 51, S], dtype=np.int32), (40, 1))
    batch = corrupt(ids, words, 0.25, "words", np.random.default_rng(0))
    assert len(batch.chosen_P) == 40
    assert set((batch.chosen_P % 4).tolist()) == {1, 2}


def test_a_batch_is_a_function_of_seed_and_step(tiny_encoder: Encoder, sentences: tuple[str, ...]) -> None:
    def stream(seed: int) -> object:
        return masked_stream([sentences], tiny_encoder.tokenizer, Batching(64, lengths=(16, 16, 32)), seed=seed)

    one, same, other = stream(1), stream(1), stream(2)
    for step in (0, 2, 7):
        assert torch.equal(one(step).ids_BT, same(step).ids_BT)
        assert torch.equal(one(step).chosen_P, same(step).chosen_P)
    assert one(0).ids_BT.shape == (4, 16)
    assert one(2).ids_BT.shape == (2, 32)
    assert not torch.equal(one(0).ids_BT, other(0).ids_BT)
    assert not torch.equal(one(0).ids_BT, one(1).ids_BT)


def test_groups_are_mixed_in_the_asked_proportions(tiny_encoder: Encoder, sentences: tuple[str, ...]) -> None:
    """Pattern (0, 1, 1, 1): one row of the first group in four, and each group is walked without gaps."""
    tokenizer = tiny_encoder.tokenizer
    mixed = Batching(96, 0.01, (16,), "words", (0, 1, 1, 1))
    stream = masked_stream([sentences[:10], sentences[10:]], tokenizer, mixed, seed=0)
    first, second = ({tuple(row[1:4]) for row in group.tolist()} for group in stream.groups[16])
    rows = [tuple(row[1:4]) for step in range(8) for row in stream(step).ids_BT.tolist()]
    assert len(rows) == 48
    assert abs(sum(row in first for row in rows) - 12) <= 3
    assert abs(sum(row in second for row in rows) - 36) <= 5


def test_a_tokenizer_without_mask_is_refused() -> None:
    with pytest.raises(InputError, match=r"no \[PAD\], \[CLS\], \[SEP\], \[MASK\]"):
        SpecialIds.of(Tokenizer(models.WordPiece({"[UNK]": 0}, unk_token="[UNK]")))
