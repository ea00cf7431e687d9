"""What the teacher reads, the student reads, in every form: only characters that it never had may be unknown to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tokenizers import Tokenizer

from edgeenc.bundle.gate import GateCase, GateKind
from edgeenc.record.gates import Gate
from edgeenc.text.specials import Specials
from edgeenc.text.spelling import forms, spelt
from edgeenc.text.types import type_of

RARE = ("👩‍👩‍👧 😀 ❤️", "𐌰𐍈 ᚠᚢ ꙮ", "ﬁ ½ ① ａ")
"""Emoji, rare scripts and compatible characters: what the student has of them it must read, and the teacher's bytes."""
READ = 256
"""Lines of the text that are read in every form, and each of their words alone."""


def known_text_gate(teacher: Tokenizer, student: Tokenizer, lines: Sequence[str]) -> Gate:
    """Look for characters that the teacher knows, the student has in some form, and yet does not know.

    The figure is the share of texts (lines and their words, in every form) without one; no text fails.
    """
    marks = type_of(student).marks
    single = {bare for bare in map(marks.bare, student.get_vocab(with_added_tokens=False)) if len(bare) == 1}
    few = (*lines[:READ], *RARE)
    texts = dict.fromkeys(form for line in few for text in (line, *line.split()) for form in forms(text))
    had = spelt(single, texts)
    wrong = [text for text in texts if _lost(text, teacher, student, had)]
    figure = 1 - len(wrong) / len(texts) if lines else 0.0
    return Gate("known text", figure, 1.0, not wrong and bool(lines), "share", wrong[0] if wrong else "")


def _lost(text: str, teacher: Tokenizer, student: Tokenizer, had: frozenset[str]) -> bool:
    """Tell whether the student does not know a part of a text that it has all characters of and its teacher knows."""
    missed = _unknown(text, student)
    if not missed:
        return False
    before = {place for start, end in _unknown(text, teacher) for place in range(start, end)}
    return any(not before & set(range(*span)) and set(text[slice(*span)]) <= had for span in missed)


def _unknown(text: str, tokenizer: Tokenizer) -> list[tuple[int, int]]:
    """Return where the unknown tokens of a text begin and end."""
    read, unknown = tokenizer.encode(text), Specials.of(tokenizer).unk
    return [span for number, span in zip(read.ids, read.offsets, strict=True) if number == unknown]


def _measure(case: GateCase) -> Iterator[Gate]:
    if case.teacher is not None:
        yield known_text_gate(case.teacher, case.tokenizer, case.lines)


KNOWN_TEXT = GateKind("known text", _measure)
