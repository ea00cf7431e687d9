"""From facts to what is shown: a section for each thing a reader of a build asks about."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from edgeenc.record.facts import UNTRAINED, BitsPerCharacter, Facts, TokenizerFit
from edgeenc.record.gates import Floor, Gate
from edgeenc.report.draw.blocks import Bar, Mark, Picture, Section, Table
from edgeenc.report.draw.numbers import MISSING, bits, count, duration, figure, percent, rare, ratio, seconds
from edgeenc.report.headline import outcome, says_bits
from edgeenc.report.reading import of_facts
from edgeenc.report.sections.accuracy import scores_section
from edgeenc.report.sections.file_sizes import sizes_section
from edgeenc.report.sections.hosts import host_section
from edgeenc.report.sections.languages import languages_section
from edgeenc.report.sections.sentence_vectors import vectors_section
from edgeenc.report.sections.times import latency_section

WORST_LENGTH = 90
"""Characters of a gate's worst sentence that a table shows; report.json has all of it."""


def sections(facts: Facts) -> tuple[Section, ...]:
    """Return every section, in the order of the page."""
    latency = facts.latency
    return (
        *([] if facts.vectors is None else [vectors_section(facts.vectors)]),
        *([scores_section(of_facts(facts))] if facts.tasks else []),
        sizes_section(facts),
        *quality_sections(facts),
        *([languages_section(facts)] if facts.languages else []),
        steps_section(facts),
        *([] if facts.tokenizer is None else [tokenizer_section(facts.tokenizer)]),
        gates_section(facts.gates),
        *([] if latency is None else [latency_section(latency)]),
        host_section(facts.host, {"edgeenc": facts.edgeenc, **facts.versions}),
    )


def quality_sections(facts: Facts) -> tuple[Section, ...]:
    """Return the bits per character, or of sentence vectors without them the baselines alone."""
    if facts.bits_per_character is not None and says_bits(facts):
        return (quality_section(facts, facts.bits_per_character),)
    return (Section("Baselines", text=_outcome(facts), tables=_floor_tables(facts)),) if facts.floors else ()


def _outcome(facts: Facts) -> tuple[str, ...]:
    return (_sentence(outcome(facts.floors, "baseline check")),) if facts.floors else ()


def _floor_tables(facts: Facts) -> tuple[Table, ...]:
    """Return the baselines to beat, where there are any."""
    floors = tuple((c.name, ratio(c.figure), _bound(c, ratio), _passed(c)) for c in facts.floors)
    return (Table("Baselines to beat", ("Check", "Value", "Threshold", "Result"), "lrrl", floors),) if floors else ()


def quality_section(facts: Facts, measured: BitsPerCharacter) -> Section:
    """Return the bits per character of all models and the baselines to beat."""
    named = (
        ("Teacher, untouched", measured.teacher),
        ("Student", measured.student),
        ("Pruned, before distillation", measured.cut),
        ("Same architecture, trained from scratch", measured.random),
        ("Unigram baseline", measured.unigram),
    )
    known = [(label, value) for label, value in named if value is not None]
    teacher = measured.teacher
    halves = [] if teacher is None else [(measured.unigram + teacher) / 2]
    picture = Picture(
        "Bits per character on the test split; fewer is better",
        ("bits per character",),
        tuple(Bar(label, bits(value), (value,), strong=label == "Student") for label, value in known),
        (
            *(Mark(f"{bits(half)}: half of the teacher's gain", half) for half in halves),
            Mark(f"{bits(measured.unigram)}: unigram baseline", measured.unigram),
        ),
    )
    rows = tuple((label, bits(value), percent(measured.advantage_kept(value))) for label, value in known)
    rows += tuple((label, UNTRAINED, MISSING) for label, value in named[:2] if value is None)
    head = ("Model", "Bits per character", "Gain over unigram retained")
    return Section(
        "Quality",
        text=_outcome(facts),
        pictures=(picture,),
        tables=(Table("Bits per character", head, "lrr", rows), *_floor_tables(facts)),
        notes=(
            "Of the words of the text 15 % are masked, the same words for every model; bits are those of all their"
            " tokens over the characters of these words. A word with an unknown token costs as much as characters"
            " guessed uniformly. Gain over unigram retained: how far a model gets from the unigram baseline to the"
            " teacher, as a share.",
        ),
    )


def steps_section(facts: Facts) -> Section:
    """Return what was done, how long it took and what shape came out."""
    names = ("layers", "hidden", "heads", "ffn", "vocab")
    rows = tuple(
        (
            step.name,
            seconds(step.seconds),
            count(step.tokens),
            count(step.parameters),
            *(count((step.shape or {}).get(name)) for name in names),
        )
        for step in facts.steps
    )
    spent, tokens = sum(s.seconds for s in facts.steps), sum(s.tokens or 0 for s in facts.steps)
    head = ("Step", "Seconds", "Tokens", "Parameters", "Layers", "Hidden", "Heads", "FFN", "Vocabulary")
    return Section(
        "Steps",
        text=(
            f"Recipe {facts.recipe}, teacher {facts.teacher.source}; {count(tokens)} tokens trained on;"
            f" {duration(spent)} in all.",
        ),
        tables=(Table("Steps of the build", head, "l" + "r" * 8, rows),),
    )


def tokenizer_section(fit: TokenizerFit) -> Section:
    """Return the tokenizer's metrics before and after trimming."""
    before, after = fit.before, fit.after
    rows = (
        ("Vocabulary size", count(before.vocab), count(after.vocab)),
        ("Unknown tokens", rare(before.unknown_rate), rare(after.unknown_rate)),
        ("Tokens per word (fertility)", ratio(before.fertility), ratio(after.fertility)),
    )
    kept = percent(fit.coverage)
    return Section(
        "Tokenizer",
        text=(f"The kept tokens cover {kept} of the text as the teacher tokenizes it.",),
        tables=(Table("Tokenizer on the test split", ("", "Before", "After"), "lrr", rows),),
    )


def gates_section(gates: Sequence[Gate]) -> Section:
    """Return the checks every exported file had to pass."""
    rows = tuple(
        (g.name, figure(g.figure), g.unit or MISSING, _bound(g), _passed(g), _short(g.worst or MISSING)) for g in gates
    )
    head = ("Gate", "Value", "Unit", "Threshold", "Result", "Worst example")
    return Section(
        "Gates",
        text=(_sentence(outcome(gates, "gate")),),
        tables=(Table("Exported files against the model, on the test split", head, "lrlrll", rows),),
    )


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _passed(check: Floor | Gate) -> str:
    return "passed" if check.passed else "failed"


def _bound(check: Floor | Gate, write: Callable[[float], str] = figure) -> str:
    """Write a threshold with its side, which follows from figure and result; without it where both are equal."""
    if check.figure == check.bound:
        return write(check.bound)
    return f"{'≤' if (check.figure < check.bound) == check.passed else '≥'} {write(check.bound)}"


def _short(text: str) -> str:
    return text if len(text) <= WORST_LENGTH else text[: WORST_LENGTH - 1].rstrip() + "…"
