"""Text whose tokens the student has all kept is tokenized as by the teacher, which only a build has at hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tokenizers import Tokenizer

from edgeenc.bundle.gate import GateCase, GateKind
from edgeenc.record.gates import Gate


def kept_tokens_gate(teacher: Tokenizer, student: Tokenizer, lines: Sequence[str]) -> Gate:
    """Compare the tokens of teacher and student on every line whose tokens the student has all kept.

    The figure is the share of those lines that both tokenize alike; a text that has none of them fails.
    """
    vocabulary = student.get_vocab()
    kept = [line for line in lines if all(token in vocabulary for token in teacher.encode(line).tokens)]
    wrong = [line for line in kept if teacher.encode(line).tokens != student.encode(line).tokens]
    figure = 1 - len(wrong) / len(kept) if kept else 0.0
    return Gate("kept tokens", figure, 1.0, not wrong and bool(kept), "share", wrong[0] if wrong else "")


def _measure(case: GateCase) -> Iterator[Gate]:
    if case.teacher is not None:
        yield kept_tokens_gate(case.teacher, case.tokenizer, case.lines)


KEPT_TOKENS = GateKind("kept tokens", _measure)
