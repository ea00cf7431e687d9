"""Which ids a tokenizer can give: holes, tokens that are in the file twice, tokens behind the model."""

from __future__ import annotations

from tokenizers import Tokenizer, models

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
