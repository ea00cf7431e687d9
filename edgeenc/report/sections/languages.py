"""What was measured of each of several languages that a model keeps."""

from __future__ import annotations

from edgeenc.record.facts import Facts, LanguageFacts
from edgeenc.report.draw.blocks import Section, Table
from edgeenc.report.draw.numbers import MISSING, bits, count, percent, rare, ratio

BITS = (
    "Unigram, teacher and student: bits per character; the unigram baseline is that of the text of the language alone."
)
TOKENS = "Coverage, unknown tokens, tokens per word: of the student's tokenizer."


def languages_section(facts: Facts) -> Section:
    """Return a row for each language: its share of the text, and the metrics on its own test split."""
    counted = any(one.bits_per_character for one in facts.languages)
    read = any(one.tokenizer for one in facts.languages)
    head = (
        *("Language", "Share", "Lines"),
        *(("Unigram", "Teacher", "Student") if counted else ()),
        *(("Coverage", "Unknown", "Tokens per word") if read else ()),
    )
    rows = tuple(
        (
            f"{one.name} ({one.tag})",
            percent(one.weight),
            count(one.train),
            *(_bits(one) if counted else ()),
            *(_tokens(one) if read else ()),
        )
        for one in facts.languages
    )
    said = ("Values that are not by language are those of all test splits together.",)
    return Section(
        "Languages",
        text=said if counted or read else (),
        tables=(Table("On the test split of each language", head, "l" + "r" * (len(head) - 1), rows),),
        notes=(
            "Share: what the language's tokens counted when the vocabulary was chosen, and the share of the sequences"
            f" that were trained on.{f' {BITS}' if counted else ''}{f' {TOKENS}' if read else ''}",
        ),
    )


def _bits(one: LanguageFacts) -> tuple[str, ...]:
    found = one.bits_per_character
    return tuple(map(bits, (found.unigram, found.teacher, found.student))) if found else (MISSING,) * 3


def _tokens(one: LanguageFacts) -> tuple[str, ...]:
    fit = one.tokenizer
    return (percent(fit.coverage), rare(fit.after.unknown_rate), ratio(fit.after.fertility)) if fit else (MISSING,) * 3
