"""Sizes: parameters by part after each step of a build, and the bytes of its files."""

from __future__ import annotations

from collections.abc import Sequence

from edgeenc.record.facts import Facts, FileBytes, Parts
from edgeenc.report.draw.blocks import Bar, Picture, Section, Table
from edgeenc.report.draw.numbers import count, megabytes, millions, percent

FLOAT = 4
"""Bytes of a parameter as PyTorch has it."""


def sizes_section(facts: Facts) -> Section:
    """Return the parameters by part after each step, and the bytes of the files."""
    held = [(step.name, step.parts) for step in facts.steps if step.parts is not None]
    rows = tuple(
        (
            name,
            *(
                count(number)
                for number in (parts.embeddings, parts.layers, parts.head, *_dense(parts, held), parts.total)
            ),
            megabytes(FLOAT * parts.total),
        )
        for name, parts in held
    )
    more = ("Dense",) if _maps(held) else ()
    head = ("After step", "Embeddings", "Layers", "Head", *more, "Parameters", "MB as fp32")
    files = facts.files
    named = {f"Teacher, {files.first}": files.teacher}
    named |= {f"Student, {name}": size for name, size in files.made.items()}
    saved = tuple((name, megabytes(size), percent(1 - size / files.teacher)) for name, size in named.items())
    return Section(
        "Sizes",
        pictures=(_sizes_picture(held, files),),
        tables=(
            Table("Parameters by part", head, "l" + "r" * (len(head) - 1), rows),
            Table("Exported files", ("File", "MB", "Saved"), "lrr", saved),
        ),
        notes=(
            "MB are a million bytes; as fp32 a parameter takes 4 bytes. Parameters are those of the masked-LM model,"
            " its output matrix tied to the word embeddings and counted once.",
        ),
    )


def _maps(held: Sequence[tuple[str, Parts]]) -> bool:
    """Tell whether any step has Dense modules of sentence vectors."""
    return any(parts.dense for _, parts in held)


def _dense(parts: Parts, held: Sequence[tuple[str, Parts]]) -> tuple[int, ...]:
    """Return the parameters of Dense modules, where any step has some."""
    return (parts.dense or 0,) if _maps(held) else ()


def _sizes_picture(held: Sequence[tuple[str, Parts]], files: FileBytes) -> Picture:
    """Return a bar for each step that changes the sizes, and one for the smallest file, all in megabytes."""
    changes = [held[i] for i in range(len(held)) if i == 0 or held[i][1] != held[i - 1][1]]
    bars = [
        Bar(
            name,
            f"{millions(parts.total)} parameters, {megabytes(FLOAT * parts.total)} MB",
            tuple(
                FLOAT * number / 1e6 for number in (parts.embeddings, parts.layers, parts.head, *_dense(parts, held))
            ),
        )
        for name, parts in changes
    ]
    keys: tuple[str, ...] = ("embeddings", "layers", "head", *(("Dense",) if _maps(held) else ()))
    size, precision = files.shipped
    if precision != files.first:
        called = f"{precision} file"
        bars.append(Bar(called, f"{megabytes(size)} MB", (*[0.0] * (len(keys)), size / 1e6)))
        keys = (*keys, f"{called}, all parts")
    return Picture("Megabytes by part, after each step that changes them", keys, tuple(bars))
