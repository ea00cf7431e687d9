"""What was measured of each of several languages that a model keeps."""

from __future__ import annotations

from edgeenc.record.facts import Facts
from edgeenc.report.draw.blocks import Section, Table
from edgeenc.report.draw.numbers import bits, count, percent, rare, ratio


def languages_section(facts: Facts) -> Section:
    """Return a row for each language: its share of the text, and the metrics on its own test split."""
    rows = []
    for one in facts.languages:
        measured, after = one.bits_per_character, one.tokenizer.after
        rows.append(
            (
                f"{one.name} ({one.tag})",
                percent(one.weight),
                count(one.train),
                *map(bits, (measured.unigram, measured.teacher, measured.student)),
                percent(one.tokenizer.coverage),
                rare(after.unknown_rate),
                ratio(after.fertility),
            )
        )
    head = ("Language", "Share", "Lines", "Unigram", "Teacher", "Student", "Coverage", "Unknown", "Tokens per word")
    return Section(
        "Languages",
        text=("Values that are not by language are those of all test splits together.",),
        tables=(Table("On the test split of each language", head, "l" + "r" * 8, tuple(rows)),),
        notes=(
            "Share: what the language's tokens counted when the vocabulary was chosen, and the share of the sequences"
            " that were trained on. Unigram, teacher and student: bits per character; the unigram baseline is that of"
            " the text of the language alone. Coverage, unknown tokens, tokens per word: of the student's tokenizer.",
        ),
    )
