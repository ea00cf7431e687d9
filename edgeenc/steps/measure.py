"""Bits per character of every model on the same words of the test lines, of several languages also of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from edgeenc.planned import STUDENT, TEACHER, Role
from edgeenc.record.facts import TokenizerFit
from edgeenc.record.steps import BitsFigures
from edgeenc.steps.line.step_kind import StepKind

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from edgeenc.steps.line.work import Work


@dataclass(frozen=True)
class _Bits:
    """A model on the text of each language: bits per character and characters, and bits of its tokenizer's table.

    None stands for the bits of a model whose masked-LM head nobody has trained.
    """

    per_character: tuple[float, ...] | None
    characters: tuple[int, ...]
    unigram: tuple[float, ...] = ()


def measure(work: Work) -> BitsFigures:
    """Measure every model that is among the inputs, and the unigram baseline of the better of two tokenizers."""
    corpus, tokenizer = work.corpus(), work.encoder(STUDENT).tokenizer
    teacher, student = _bits(work, TEACHER, table=True), _bits(work, STUDENT, table=True)
    cut, control = (_bits(work, role) if role in work.step.inputs else None for role in (Role("cut"), Role("control")))
    per_table = tuple(map(min, teacher.unigram, student.unigram))

    def figures(lines: Sequence[str], place: int | None) -> BitsFigures:
        """Return the figures of one language, or of all together."""
        return BitsFigures(
            unigram=_mean(per_table, teacher.characters, place),
            teacher=_at(teacher, place),
            student=_at(student, place),
            cut=_at(cut, place) if cut else None,
            control=_at(control, place) if control else None,
            tokenizer=_as_it_was(lines, tokenizer),
        )

    each = {part.language: figures(part.corpus.test, place) for place, part in enumerate(corpus.parts)}
    return replace(figures(corpus.test, None), languages=each)


def _bits(work: Work, role: Role, *, table: bool = False) -> _Bits:
    """Measure a model, and the unigram baseline of its tokenizer where that is wanted."""
    from edgeenc.model.bits import chosen_characters, score, unigram_bits

    corpus, encoder, seed = work.corpus(), work.encoder(role), work.step.seed
    alphabet, texts = corpus.characters, [part.corpus for part in corpus.each]
    found = None
    if encoder.has_head:
        found = tuple(score(encoder, text.test, characters=alphabet, seed=seed).per_character for text in texts)
    tables = [
        unigram_bits(text.train, encoder.tokenizer, text.test, characters=alphabet, seed=seed)
        for text in texts
        if table
    ]
    return _Bits(found, tuple(chosen_characters(text.test, seed) for text in texts), tuple(tables))


def _at(bits: _Bits, place: int | None) -> float | None:
    """Return the bits per character of a model on one text, or on all together."""
    return None if bits.per_character is None else _mean(bits.per_character, bits.characters, place)


def _mean(per_character: Sequence[float], characters: Sequence[int], place: int | None) -> float:
    """Return the bits per character of one text, or of all together; of one text they are its own to the last bit."""
    if place is not None or len(per_character) == 1:
        return per_character[place or 0]
    pairs = zip(per_character, characters, strict=True)
    return sum(one * count for one, count in pairs) / sum(characters)


def _as_it_was(lines: Sequence[str], tokenizer: Tokenizer) -> TokenizerFit:
    """Return the figures of a tokenizer that was not trimmed."""
    from edgeenc.text.vocabulary import quality

    same = quality(lines, tokenizer)
    return TokenizerFit(before=same, after=same, coverage=1.0)


STEP = StepKind(name="measure", version=1, figures=BitsFigures, does=measure)
