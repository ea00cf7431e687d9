"""Which ids a tokenizer can give: holes, tokens that are in the file twice, tokens behind the model."""

from __future__ import annotations

import json

import pytest
from tokenizers import Tokenizer, models

from edgeenc.errors import InputError
from edgeenc.text.parse import parse_tokenizer
from edgeenc.text.tokenizer_file import given_ids, id_space


def test_a_token_that_is_there_twice_has_one_id_and_the_unknown_keeps_its_own() -> None:
    rows = [("a", 0.0), ("<unk>", 0.0), ("b", -1.0), ("a", -1.0), ("<unk>", -2.0)]
    tokenizer = Tokenizer(models.Unigram(rows, unk_id=1))
    tokenizer.add_tokens(["zz"])
    assert given_ids(tokenizer) == (1, 2, 3, 4, 5)
    assert set(tokenizer.encode("abqzz").ids) == {1, 2, 3, 5}
    assert id_space(tokenizer) == 6


def test_holes_are_never_given() -> None:
    tokenizer = Tokenizer(models.WordPiece({"[UNK]": 0, "a": 2, "##a": 7}, unk_token="[UNK]"))
    assert (given_ids(tokenizer), id_space(tokenizer)) == ((0, 2, 7), 8)


def test_an_added_token_that_would_get_another_id_is_refused() -> None:
    tokenizer = Tokenizer(models.WordPiece({"[UNK]": 0, "a": 1}, unk_token="[UNK]"))
    tokenizer.add_tokens(["zz"])
    assert parse_tokenizer(tokenizer.to_str()).token_to_id("zz") == 2
    hole = json.loads(tokenizer.to_str())
    hole["added_tokens"][0]["id"] = 5
    with pytest.raises(InputError, match=r"1 added tokens have ids .*: zz is 5, read as 2; give them"):
        parse_tokenizer(json.dumps(hole))
