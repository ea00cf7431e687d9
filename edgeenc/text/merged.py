"""What every BPE model is: tokens that are merged from others, whatever its smallest ones are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tokenizers import Tokenizer, models

from edgeenc.text.tokenizer_file import Merges, Spared, model_as, model_of, with_ids


def merges_of(model: Merges, prefix: str | None) -> Iterator[tuple[str, str, str]]:
    """Yield each merge: its two tokens and what they become, which loses the second one's `prefix`."""
    for left, right in model.merges:
        yield left, right, left + (right.removeprefix(prefix) if prefix else right)


def merge_parts(tokenizer: Tokenizer) -> Mapping[int, frozenset[int]]:
    """Return for each token those that it is merged from, in whatever way."""
    number = tokenizer.get_vocab()
    assert isinstance(tokenizer.model, models.BPE)
    needs: dict[int, frozenset[int]] = {}
    for left, right, made in merges_of(model_of(Merges, tokenizer), tokenizer.model.continuing_subword_prefix):
        needs[number[made]] = needs.get(number[made], frozenset()) | {number[left], number[right]}
    return needs


def cut_merges(text: str, new: Mapping[int, int]) -> str:
    """Keep the merges whose parts and result have a new id, in their order."""
    model, prefix = model_as(Merges, text), model_as(Spared, text).continuing_subword_prefix
    vocab = model.kept(new)
    merges = tuple((a, b) for a, b, made in merges_of(model, prefix) if all(t in vocab for t in (a, b, made)))
    return with_ids(text, Merges(vocab, merges), new)


def is_byte_level(tokenizer: Tokenizer) -> bool:
    """Tell whether the text is turned into bytes, each written as one letter, before it is merged."""
    steps = (tokenizer.normalizer, tokenizer.pre_tokenizer)
    return any("ByteLevel" in repr(step) for step in steps)
