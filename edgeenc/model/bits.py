"""Bits per character of a masked language model: one measure for every report, comparable across vocabularies.

15 % of the *words* of a text are chosen by seed, the same words for every model; all their tokens are masked at once.
Bits = -sum log2 p(target token) / characters of those words. A word with an unknown token cannot be written with
tokens: it is charged log2(distinct characters of the training text) for each of its characters. Of a token that spans
several words, as in scripts without spaces, the part is paid that its characters in chosen words are of all of them.

Axis letters: B windows of a batch, T tokens, P masked tokens, V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from edgeenc.errors import InputError
from edgeenc.model.encoder import Encoder
from edgeenc.text.batches import SpecialIds
from edgeenc.text.specials import Specials
from edgeenc.text.vocabulary import count_tokens
from edgeenc.text.words import Span, begun_in, is_cut, word_spans

SHARE = 0.15
BATCH_TOKENS = 4096
"""Bounds memory: about 600 masked tokens x V logits at a time."""

Ids = NDArray[np.int64]
Flags = NDArray[np.bool_]
Shares = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Bits:
    """What a model paid for the chosen words.

    Attributes:
        bits: in all.
        characters: of all chosen words.
        words: chosen words; each is paid for, none is left out.
        unknown: those among them that were charged by the character.
        tokens: masked tokens that the model predicted.
    """

    bits: float
    characters: int
    words: int
    unknown: int
    tokens: int

    @property
    def per_character(self) -> float:
        """Bits per character."""
        return self.bits / self.characters


@dataclass(frozen=True, slots=True)
class _Line:
    """A line in tokens, all (T,): ids, the word that each begins in, which are hidden, and how much of each is paid."""

    ids_T: Ids
    word_T: Ids
    hidden_T: Flags
    paid_T: Shares

    @property
    def scored_T(self) -> Flags:
        """Which tokens are predicted (T,)."""
        return self.paid_T > 0


@dataclass(frozen=True, slots=True)
class _Ties:
    """Which words each token of a line has characters of, a pair (P,) of a token and a word each.

    Attributes:
        first_T: the word that each token begins in.
        token_P: numbers of tokens.
        word_P: numbers of words.
        share_P: part of the token's characters that are in the word, over 0 and at most 1.
    """

    first_T: Ids
    token_P: Ids
    word_P: Ids
    share_P: Shares

    def words_of(self, chosen_T: Flags) -> Ids:
        """Return the words that the chosen tokens have characters of."""
        return self.word_P[chosen_T[self.token_P]]

    def share_of(self, words: Ids, tokens: int) -> Shares:
        """Return which part of each of `tokens` tokens is in `words` (T,)."""
        inside_P = np.isin(self.word_P, words)
        return np.bincount(self.token_P[inside_P], self.share_P[inside_P], tokens).astype(np.float64)


@dataclass(frozen=True, slots=True)
class _Task:
    """The lines to predict, and what is charged apart from prediction."""

    lines: list[_Line]
    characters: int
    words: int
    unknown: int
    unknown_characters: int

    def result(self, predicted: float, alphabet: int) -> Bits:
        """Return the result for `predicted` bits and an alphabet of so many characters."""
        tokens = sum(int(line.scored_T.sum()) for line in self.lines)
        bits = predicted + self.unknown_characters * math.log2(max(1, alphabet))
        return Bits(bits, self.characters, self.words, self.unknown, tokens)


def chosen_words(lines: Sequence[str], seed: int) -> list[Ids]:
    """Return for each line the numbers of its chosen words, ascending: 15 % of all words, by text and seed alone.

    Worked example: 2 lines of 10 words each have round(0.15 * 20) = 3 chosen words together.

    Raises:
        InputError: there is no word.
    """
    counts = np.array([len(word_spans(line)) for line in lines], dtype=np.int64)
    total = int(counts.sum())
    if not total:
        raise InputError("no words to score; held-out text is needed")
    chosen = np.random.default_rng(seed).choice(total, size=max(1, round(SHARE * total)), replace=False)
    chosen.sort()
    ends = np.cumsum(counts)
    parts = np.split(chosen, np.searchsorted(chosen, ends[:-1]))
    return [part - start for part, start in zip(parts, ends - counts, strict=True)]


def chosen_characters(lines: Sequence[str], seed: int) -> int:
    """Return the characters of the chosen words of all lines.

    Raises:
        InputError: as `chosen_words`.
    """
    picked = zip(lines, chosen_words(lines, seed), strict=True)
    return sum(len(words[place]) for line, places in picked for words in (line.split(),) for place in places)


def bits_per_character(encoder: Encoder, lines: Sequence[str], *, characters: int, seed: int) -> float:
    """Return the bits per character of `encoder` on `lines`; see `score`."""
    return score(encoder, lines, characters=characters, seed=seed).per_character


def score(encoder: Encoder, lines: Sequence[str], *, characters: int, seed: int) -> Bits:
    """Mask the chosen words and let `encoder` predict their tokens, each line on its own.

    A line with more tokens than the model has positions is split into windows between words; a word that is longer than
    a window goes on in the next one. So every chosen word is paid for.

    Args:
        encoder: any masked-LM encoder.
        lines: held-out lines in NFC.
        characters: distinct characters of the training text, `Corpus.characters`.
        seed: of the choice of words.

    Raises:
        InputError: no word in `lines`, or the tokenizer lacks a special token.
    """
    task = _prepare(lines, encoder.tokenizer, seed)
    special = SpecialIds.of(encoder.tokenizer)
    width = encoder.shape.longest - 2
    windows = [window for line in task.lines for window in _windows(line, width) if window.scored_T.any()]
    predicted = sum(_predict(encoder, batch, special) for batch in _batches(windows))
    return task.result(predicted, characters)


def unigram_bits(
    train: Sequence[str], tokenizer: Tokenizer, lines: Sequence[str], *, characters: int, seed: int
) -> float:
    """Return the same measure for a table that knows only how often each token occurs: (count + 1) / (total + V).

    Args:
        train: training text that the tokens are counted in.
        tokenizer: whose tokens they are.
        lines: held-out lines, as in `score`.
        characters: as in `score`.
        seed: as in `score`.

    Raises:
        InputError: as in `score`.
    """
    task = _prepare(lines, tokenizer, seed)
    counts_V = count_tokens(train, tokenizer) + 1
    bits_V = math.log2(int(counts_V.sum())) - np.log2(counts_V)
    predicted = sum(float((bits_V[line.ids_T] * line.paid_T)[line.scored_T].sum()) for line in task.lines)
    return task.result(predicted, characters).per_character


def _prepare(lines: Sequence[str], tokenizer: Tokenizer, seed: int) -> _Task:
    """Choose the words and find their tokens."""
    unknown = Specials.of(tokenizer).unk
    chosen = chosen_words(lines, seed)
    found: list[_Line] = []
    characters = words = lost = lost_characters = 0
    encodings = tokenizer.encode_batch(list(lines), add_special_tokens=False)
    for text, encoding, picked in zip(lines, encodings, chosen, strict=True):
        if not len(picked):
            continue
        spans = word_spans(text)
        lengths = np.array([end - start for start, end in spans], dtype=np.int64)
        ids_T, ties = np.array(encoding.ids, dtype=np.int64), _ties(encoding, text, spans)
        # A word that the normaliser deleted whole has no token to predict, so it is unknown too.
        bad = np.union1d(ties.words_of(ids_T == unknown), np.setdiff1d(picked, ties.word_P))
        charged = picked[np.isin(picked, bad)]
        hidden_T = ties.share_of(picked, len(ids_T)) > 0
        found.append(_Line(ids_T, ties.first_T, hidden_T, ties.share_of(np.setdiff1d(picked, charged), len(ids_T))))
        characters += int(lengths[picked].sum())
        words, lost = words + len(picked), lost + len(charged)
        lost_characters += int(lengths[charged].sum())
    return _Task(found, characters, words, lost, lost_characters)


def _ties(encoding: Encoding, text: str, spans: Sequence[Span]) -> _Ties:
    """Return which words (from, to) of a line each of its tokens has characters of.

    Only where words follow each other without a space can a token have several.

    Worked example: the words `กิน` and `ข้าว`, 3 and 4 characters, and one token `กินข้าว` give 3/7 and 4/7.
    """
    starts, ends = (np.array(edges, dtype=np.int64) for edges in zip(*spans, strict=True))
    begin_T, end_T = np.array(encoding.offsets, dtype=np.int64).reshape(-1, 2).T
    first_T = begun_in(text, spans, begin_T.tolist())
    if not is_cut(spans):
        return _Ties(first_T, np.arange(len(first_T)), first_T, np.ones(len(first_T)))
    first_T = np.clip(first_T, 0, len(spans) - 1)
    last_T = np.maximum(first_T, np.searchsorted(starts, end_T - 1, side="right") - 1)
    count_T = last_T - first_T + 1
    token_P = np.repeat(np.arange(len(first_T)), count_T)
    word_P = first_T[token_P] + np.arange(len(token_P)) - np.repeat(np.cumsum(count_T) - count_T, count_T)
    both_P = np.minimum(ends[word_P], end_T[token_P]) - np.maximum(starts[word_P], begin_T[token_P])
    both_P = np.where(count_T[token_P] > 1, both_P, 1)
    return _Ties(first_T, token_P, word_P, both_P / np.bincount(token_P, both_P)[token_P])


def _windows(line: _Line, width: int) -> Iterator[_Line]:
    """Split a line into windows of at most `width` tokens, between words where a word fits a window.

    Worked example: words of 2, 3 and 2 tokens in windows of 4 give 2, then 3, then 2 tokens.
    """
    first = 0
    while first < len(line.ids_T):
        last = min(first + width, len(line.ids_T))
        if last < len(line.ids_T):
            edge = int(np.searchsorted(line.word_T, line.word_T[last]))
            last = edge if edge > first else last
        window = slice(first, last)
        yield _Line(line.ids_T[window], line.word_T[window], line.hidden_T[window], line.paid_T[window])
        first = last


def _batches(windows: list[_Line]) -> Iterator[list[_Line]]:
    """Yield the windows by length, the longest first, as many at a time as stay under `BATCH_TOKENS`."""
    ordered = sorted(windows, key=lambda window: len(window.ids_T), reverse=True)
    while ordered:
        count = max(1, BATCH_TOKENS // (len(ordered[0].ids_T) + 2))
        yield ordered[:count]
        ordered = ordered[count:]


@torch.no_grad()
def _predict(encoder: Encoder, windows: list[_Line], special: SpecialIds) -> float:
    """Return the bits that `encoder` pays for the scored tokens of one batch; logits are made at these alone."""
    length = len(windows[0].ids_T) + 2
    ids_BT = np.full((len(windows), length), special.pad, dtype=np.int64)
    attend_BT = np.zeros((len(windows), length), dtype=np.int64)
    scored_BT = np.zeros((len(windows), length), dtype=np.bool_)
    for row, window in enumerate(windows):
        end = len(window.ids_T) + 1
        ids_BT[row, : end + 1] = [special.cls, *np.where(window.hidden_T, special.mask, window.ids_T), special.sep]
        attend_BT[row, : end + 1] = 1
        scored_BT[row, 1:end] = window.scored_T
    right_P = np.concatenate([window.ids_T[window.scored_T] for window in windows])
    place = encoder.model.device
    hidden_BTH = encoder.hidden(torch.from_numpy(ids_BT).to(place), torch.from_numpy(attend_BT).to(place))
    logits_PV = encoder.logits(hidden_BTH[torch.from_numpy(scored_BT).to(place)])
    wide = logits_PV if logits_PV.dtype == torch.float64 else logits_PV.float()
    nats_P = F.cross_entropy(wide, torch.from_numpy(right_P).to(place), reduction="none")
    paid_P = np.concatenate([window.paid_T[window.scored_T] for window in windows])
    return float((nats_P.double() * torch.from_numpy(paid_P).to(place)).sum()) / math.log(2)
