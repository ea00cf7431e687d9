"""Pieces that a cut tokenizer cannot be without, and pieces that cannot be without others: one rule for each type.

Axis letters: V pieces of the tokenizer before the cut.
"""

from __future__ import annotations

import json
import string
import unicodedata
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from edgeenc.text.specials import kind_of, marks_of

Counts = NDArray[np.int64] | NDArray[np.float64]
Flags = NDArray[np.bool_]

ALWAYS = frozenset(string.ascii_letters + string.digits + string.punctuation)
"""Any text may hold these, whatever the corpus holds."""


def must_stay(tokenizer: Tokenizer, characters: AbstractSet[str], counts_V: Counts) -> Flags:
    """Return, for each of the V ids, whether its piece must stay: added tokens, and what the rule of the type says.

    - WordPiece: single characters, alone and continued, that the text holds or any text may hold.
    - Unigram: such characters, and `▁` alone, so that every word can be spelt; a used piece with a character that has
      no piece of its own; bytes, where the model falls back to them; and the piece of the lowest score, since an
      unknown character scores 10 less than that one.
    - BPE: every byte.
    """
    must_V = RULES[kind_of(tokenizer)](tokenizer, characters, counts_V)
    must_V[list(tokenizer.get_added_tokens_decoder())] = True
    return must_V


def parts_of(tokenizer: Tokenizer) -> Mapping[int, frozenset[int]]:
    """Return for each piece those that it is merged from; only pieces of BPE have any.

    Worked example: merges a+b and ab+c make ab need a and b, and abc need ab and c.
    """
    if kind_of(tokenizer) != "BPE":
        return {}
    number = tokenizer.get_vocab()
    needs: dict[int, frozenset[int]] = {}
    for left, right in json.loads(tokenizer.to_str())["model"]["merges"]:
        made = number[left + right]
        needs[made] = needs.get(made, frozenset()) | {number[left], number[right]}
    return needs


def _word_piece(tokenizer: Tokenizer, characters: AbstractSet[str], _: Counts) -> Flags:
    must_V, marks = np.zeros(tokenizer.get_vocab_size(), dtype=np.bool_), marks_of(tokenizer)
    for piece, number in tokenizer.get_vocab().items():
        must_V[number] = _needed(marks.bare(piece), characters)
    return must_V


def _unigram(tokenizer: Tokenizer, characters: AbstractSet[str], counts_V: Counts) -> Flags:
    must_V, marks = np.zeros(tokenizer.get_vocab_size(), dtype=np.bool_), marks_of(tokenizer)
    model = json.loads(tokenizer.to_str())["model"]
    scores = {number: score for number, (_, score) in enumerate(model["vocab"])}
    must_V[min(scores, key=lambda number: (scores[number], number))] = True
    pieces = tokenizer.get_vocab()
    for piece, number in pieces.items():
        spelt = all(character in pieces for character in marks.bare(piece))
        must_V[number] |= piece == marks.first or _needed(piece, characters) or bool(counts_V[number] and not spelt)
    for byte in range(256) if model.get("byte_fallback") else ():
        must_V[pieces[f"<0x{byte:02X}>"]] = True
    return must_V


def _byte_pairs(tokenizer: Tokenizer, _: AbstractSet[str], __: Counts) -> Flags:
    must_V = np.zeros(tokenizer.get_vocab_size(), dtype=np.bool_)
    for piece, number in tokenizer.get_vocab().items():
        must_V[number] = len(piece) == 1
    return must_V


def _needed(piece: str, characters: AbstractSet[str]) -> bool:
    """Tell whether a piece is one character that the text holds, or that any text may hold."""
    return len(piece) == 1 and (piece in characters or _anywhere(piece))


def _anywhere(character: str) -> bool:
    """Tell whether text in any language may hold this character."""
    western = ord(character) < 0x100 or 0x2000 <= ord(character) < 0x20D0
    return character in ALWAYS or (western and unicodedata.category(character)[0] in "PN") or character in "€£¥¢§©®°"


RULES: Mapping[str, Callable[[Tokenizer, AbstractSet[str], Counts], Flags]] = {
    "WordPiece": _word_piece,
    "Unigram": _unigram,
    "BPE": _byte_pairs,
}
