"""Token batches as a pure function of (seed, step): packed rows, seeded order, masked-LM corruption.

Axis letters: N rows, T tokens of a row, B rows of a batch, P masked positions of a batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer
from torch import Tensor

from edgeenc.errors import InputError, UsageError
from edgeenc.text.lines import Lines, chunks
from edgeenc.text.masking import Unit
from edgeenc.text.packed import MappedRows, write_rows, write_tokens
from edgeenc.text.specials import Specials
from edgeenc.text.types import marks_of
from edgeenc.text.words import Span, begun_in, is_cut, word_spans

Rows = NDArray[np.int32]

BEGINS, GOES_ON = 1 << 30, 1 << 29
"""Added to the id of a token where the beginning of a word is not where its look says; see `encode_words`."""


@dataclass(frozen=True, slots=True)
class Masked:
    """A batch of the masked-LM task.

    Attributes:
        ids_BT: corrupted token ids.
        chosen_P: flat indices (into B*T) of the positions to predict.
        labels_P: the target tokens there.
    """

    ids_BT: Tensor
    chosen_P: Tensor
    labels_P: Tensor

    def to(self, device: str) -> Masked:
        """Return the batch on `device`."""
        return Masked(self.ids_BT.to(device), self.chosen_P.to(device), self.labels_P.to(device))

    def at_chosen(self, hidden_BTH: Tensor) -> Tensor:
        """Return the hidden states (P, H) of the masked positions."""
        return hidden_BTH.flatten(0, 1)[self.chosen_P]


@dataclass(frozen=True, slots=True)
class SpecialIds:
    """What batching must know about a tokenizer.

    Attributes:
        size: tokens in all.
        cls: id of the token that begins a row; `sep` ends a sentence, `mask` and `pad` likewise.
        specials: ids of all special tokens.
        continued: tokens that go on with a word: `##` ones, or those without the mark of a word's beginning.
    """

    size: int
    cls: int
    sep: int
    mask: int
    specials: tuple[int, ...]
    continued: tuple[int, ...] = ()
    pad: int = 0

    @staticmethod
    def of(tokenizer: Tokenizer) -> SpecialIds:
        """Read the ids off a tokenizer.

        Raises:
            InputError: it lacks a special token, or its type is not known.
        """
        special, marks = Specials.of(tokenizer), marks_of(tokenizer)
        continued = sorted(number for token, number in tokenizer.get_vocab().items() if marks.goes_on(token))
        ids = special.cls, special.sep, special.mask, special.ids
        return SpecialIds(tokenizer.get_vocab_size(), *ids, tuple(continued), special.pad)


def encode(lines: Sequence[str], tokenizer: Tokenizer) -> list[list[int]]:
    """Return the token ids of each line, without special tokens."""
    return [e.ids for e in tokenizer.encode_batch_fast(list(lines), add_special_tokens=False)]


def encode_words(lines: Sequence[str], tokenizer: Tokenizer, special: SpecialIds) -> list[list[int]]:
    """Return what `encode` returns; in scripts without spaces a token says where its word begins, if its look does not.

    A token that its look makes go on with the word before, but that begins a word by `words.word_spans`, has `BEGINS`
    added to its id; one that begins a word by its look, but goes on by these, has `GOES_ON` added.
    """
    spans = [word_spans(line) for line in lines]
    tokens = encode(lines, tokenizer)
    cut = [place for place, found in enumerate(spans) if is_cut(found)]
    for place, encoding in zip(
        cut, tokenizer.encode_batch([lines[n] for n in cut], add_special_tokens=False), strict=True
    ):
        tokens[place] = _with_flags(lines[place], encoding, spans[place], special)
    return tokens


def _with_flags(line: str, encoding: Encoding, spans: Sequence[Span], special: SpecialIds) -> list[int]:
    """Return the ids of one line that has words without a space between them, with `BEGINS` and `GOES_ON` added.

    A token that reaches over the end of a word belongs to the word that it begins in.
    """
    tied_W = np.array([False, *(one[1] == other[0] for one, other in pairwise(spans))])  # to the word before
    tied_W |= np.append(tied_W[1:], False)
    ids_T = np.array(encoding.ids, dtype=np.int64)
    word_T = np.clip(begun_in(line, spans, [begin for begin, _ in encoding.offsets]), 0, len(spans) - 1)
    begins_T = np.append(True, word_T[1:] != word_T[:-1])
    looks_T = ~np.isin(ids_T, special.continued)
    ids_T[tied_W[word_T] & begins_T & ~looks_T] += BEGINS
    ids_T[tied_W[word_T] & ~begins_T & looks_T] += GOES_ON
    return ids_T.tolist()


def encoded(lines: Sequence[str], tokenizer: Tokenizer, special: SpecialIds) -> Iterator[list[int]]:
    """Yield what `encode_words` returns, some lines at a time."""
    for chunk in chunks(lines):
        yield from encode_words(chunk, tokenizer, special)


def pack(sentences: Sequence[Sequence[int]], length: int, special: SpecialIds) -> Rows:
    """Return rows (N, `length`) without padding: `cls`, sentences each closed by `sep`, the last one truncated.

    Every row starts where a sentence starts; a sentence truncated at the end of a row starts the next one again,
    so nothing is lost. Only a sentence longer than a row goes on in the middle.

    Worked example: sentences (1 2 3), (4 5), (6 7 8) in rows of 7 give `C 1 2 3 S 4 5` and `C 4 5 S 6 7 8`.

    Raises:
        InputError: the text does not fill one row.
        UsageError: a row has no room for a token between `cls` and `sep`.
    """
    rows = list(packed_rows(sentences, length, special))
    if not rows:
        raise _too_few(length)
    return np.asarray(rows, dtype=np.int32)


def packed_rows(sentences: Sequence[Sequence[int]], length: int, special: SpecialIds) -> Iterator[list[int]]:
    """Yield the rows of `pack` one by one."""
    if length < 3:
        raise UsageError(f"rows of {length} tokens have no room for text; expected at least 3")
    first = offset = 0
    while first < len(sentences):
        row, at, skip = [special.cls], first, offset
        while at < len(sentences) and len(row) < length:
            row += [*sentences[at][skip:], special.sep]
            at, skip = at + 1, 0
        if len(row) < length:
            break
        whole = len(row) <= length
        alone = at - first == 1 and not whole
        first, offset = (first, offset + length - 1) if alone else (at if whole else at - 1, 0)
        if alone and offset >= len(sentences[first]):
            first, offset = first + 1, 0
        yield row[:length]


def _too_few(length: int) -> InputError:
    return InputError(f"the text has too few tokens to fill one row of {length}; more text is needed")


def draw(rows: Rows | MappedRows, first: int, count: int, seed: int) -> Rows:
    """Return rows number `first` to `first + count` of an endless walk: one seeded permutation after the other."""
    numbers = np.arange(first, first + count)
    picked = np.empty(count, dtype=np.int64)
    for epoch in np.unique(numbers // len(rows)):
        order = _order(seed, int(epoch), len(rows))
        here = numbers // len(rows) == epoch
        picked[here] = order[numbers[here] % len(rows)]
    return rows[picked]


@lru_cache(maxsize=4)
def _order(seed: int, epoch: int, count: int) -> NDArray[np.int64]:
    """Return one permutation of the walk: of millions of rows it takes longer than a step."""
    return np.random.default_rng([seed, epoch]).permutation(count)


def corrupt(ids_BT: Rows, special: SpecialIds, rate: float, unit: Unit, rng: np.random.Generator) -> Masked:
    """Choose words, or tokens, until `rate` of the tokens are reached, and corrupt them.

    80 % are shown as the mask token, 10 % as random tokens, 10 % as they are; a word is corrupted with all its tokens.
    Batches of one shape always predict the same number of positions (tokens of the last word beyond it are corrupted
    but not predicted): with ever new sizes the matrix library compiles and keeps a kernel for each.

    Source: Devlin et al. 2019, arXiv:1810.04805, section 3.1; whole words: Cui et al. 2019, arXiv:1906.08101.
    """
    flagged = ids_BT.reshape(-1).astype(np.int64)
    flat = flagged & (GOES_ON - 1)
    ordinary = ~np.isin(flat, special.specials)
    after = np.concatenate([[False], ordinary[:-1]])
    looks = np.isin(flat, special.continued) & (flagged & BEGINS == 0) | (flagged & GOES_ON != 0)
    goes_on = looks & after & (unit == "words")
    word = np.where(ordinary, np.cumsum(ordinary & ~goes_on) - 1, -1)
    order = rng.permutation(int(word.max()) + 1)
    reached = np.cumsum(np.bincount(word[ordinary])[order])
    wanted = min(max(1, round(rate * flat.size)), int(reached[-1]))
    fate = np.full(len(order), np.nan)
    picked = order[: int(np.searchsorted(reached, wanted)) + 1]
    fate[picked] = rng.random(len(picked))
    hit = np.flatnonzero(ordinary & ~np.isnan(fate[word]))
    how = fate[word[hit]]
    shown = flat.copy()
    shown[hit[how < 0.8]] = special.mask
    swapped = hit[how >= 0.9]
    drawn = rng.integers(0, special.size, size=len(swapped))
    # RoBERTa counts positions by what is no padding, so one such token in a text would move all that follow it
    shown[swapped] = np.where((drawn == special.pad) & (special.pad != 0), special.mask, drawn)
    beyond = np.flatnonzero(word == picked[-1])[::-1][: len(hit) - wanted]
    chosen = np.setdiff1d(hit, beyond)
    return Masked(
        torch.from_numpy(shown.reshape(ids_BT.shape)), torch.from_numpy(chosen), torch.from_numpy(flat[chosen])
    )


@dataclass(frozen=True, slots=True)
class Batching:
    """What a batch looks like.

    Attributes:
        tokens: tokens of a batch; a batch of rows of length T has `tokens // T` rows.
        rate: share of the tokens to predict.
        lengths: the row length of each step, repeated for ever.
        unit: whole-word masking, or single tokens.
        pattern: which group of texts each row comes from, repeated for ever; groups are mixed in these proportions.
    """

    tokens: int = 2048
    rate: float = 0.3
    lengths: tuple[int, ...] = (64,)
    unit: Unit = "words"
    pattern: tuple[int, ...] = (0,)


@dataclass(frozen=True)
class Stream:
    """An endless stream of masked batches; batch `step` depends on the fields and `step` alone.

    Attributes:
        groups: for each row length, the packed rows of each group of texts.
        batching: lengths, proportions and masks.
        special: the tokenizer's special ids.
        seed: of the order and the masks.
    """

    groups: dict[int, tuple[Rows | MappedRows, ...]]
    batching: Batching
    special: SpecialIds
    seed: int

    def __call__(self, step: int) -> Masked:
        """Return batch number `step`."""
        lengths, pattern = self.batching.lengths, np.asarray(self.batching.pattern)
        length = lengths[step % len(lengths)]
        earlier = step // len(lengths) * lengths.count(length) + lengths[: step % len(lengths)].count(length)
        count = max(1, self.batching.tokens // length)
        places = np.arange(earlier * count, (earlier + 1) * count)
        ids_BT = np.empty((count, length), dtype=np.int32)
        of_place = pattern[places % len(pattern)]
        for group in map(int, np.unique(of_place)):
            here = of_place == group
            before = of_group(self.batching.pattern, group, int(places[0]))
            ids_BT[here] = draw(self.groups[length][group], before, int(here.sum()), self.seed + group)
        rng = np.random.default_rng([self.seed, step])
        return corrupt(ids_BT, self.special, self.batching.rate, self.batching.unit, rng)


def of_group(pattern: Sequence[int], group: int, place: int) -> int:
    """Return how many of the first `place` places of a pattern, repeated for ever, are those of `group`.

    Worked example: of 0 0 1 0, the first six places have five times 0 and once 1.
    """
    whole, rest = divmod(place, len(pattern))
    return whole * list(pattern).count(group) + list(pattern[:rest]).count(group)


def masked_stream(
    texts: Sequence[Sequence[str]],
    tokenizer: Tokenizer,
    batching: Batching,
    *,
    seed: int,
    folder: Path | None = None,
) -> Stream:
    """Return the stream of masked batches over one or more groups of lines; the lines are shuffled by `seed` first.

    The rows of a text that is not held in memory (`Lines`) are kept in `folder`, and found there by the next run.

    Raises:
        InputError: a group does not fill one row.
    """
    special = SpecialIds.of(tokenizer)
    groups: dict[int, tuple[Rows | MappedRows, ...]] = {}
    for number, lines in enumerate(texts):
        if isinstance(lines, Lines) and folder is not None:
            rows: Mapping[int, Rows | MappedRows] = _on_disk(lines, tokenizer, batching, [seed, number], folder)
        else:
            tokens = list(encoded(lines, tokenizer, special))
            order = np.random.default_rng([seed, number]).permutation(len(tokens))
            shuffled = [tokens[i] for i in order]
            rows = {length: pack(shuffled, length, special) for length in set(batching.lengths)}
        for length, found in rows.items():
            groups[length] = (*groups.get(length, ()), found)
    return Stream(groups, batching, special, seed)


def _on_disk(
    lines: Lines, tokenizer: Tokenizer, batching: Batching, seed: list[int], folder: Path
) -> dict[int, MappedRows]:
    """Return the packed rows of each length as memory maps of files in `folder`, made if they are not there."""
    special = SpecialIds.of(tokenizer)
    files = {length: folder / f"rows-{seed[1]}-{length}.bin" for length in set(batching.lengths)}
    ids = folder / f"ids-{seed[1]}.bin"
    if not all(path.is_file() for path in files.values()):
        order_of = np.random.default_rng(seed).permutation
        shuffled = write_tokens(encoded(lines, tokenizer, special), ids, order_of)
        for length, path in files.items():
            if write_rows(packed_rows(shuffled, length, special), path, length) is None:
                raise _too_few(length)
        ids.unlink()
    return {length: MappedRows(path, length) for length, path in files.items()}
