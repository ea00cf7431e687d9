"""The report over several folders: the answer of each at the top, a comparison of all models, then every part in full.

`write_overview` writes `report.html`, `report.md` and `report.json` into a folder.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from edgeenc.record.form import Json, as_object, plain
from edgeenc.record.scores import metric_words
from edgeenc.report.answer import answer, task_tiles
from edgeenc.report.draw.blocks import Section, Table, escape, markdown, markdown_table, without_empty
from edgeenc.report.draw.numbers import MISSING, megabytes, milliseconds, times
from edgeenc.report.draw.page import page
from edgeenc.report.finding import vector_tiles
from edgeenc.report.measured import TEACHER, TRIM_ONLY, Candidate, Measured
from edgeenc.report.sections.accuracy import scores_section
from edgeenc.report.sections.file_sizes import sizes_section
from edgeenc.report.sections.hosts import host_facts, host_section
from edgeenc.report.sections.of_build import gates_section, quality_sections
from edgeenc.report.sections.peak_memory import memory_section
from edgeenc.report.sections.sentence_vectors import vectors_section
from edgeenc.report.sections.times import latency_section, speed_section, unrun_section

NOT_RUN = "not run"
IN_BENCH_ALONE = frozenset(
    {
        *("text", "output", "tokens_per_sentence", "characters_per_sentence", "clock"),
        *("samples_ms", "samples_per_round", "tokenizer_samples_ms", "load_samples_ms", "cold_start_samples_ms"),
        *("peak_above_base_bytes", "steady_above_base_bytes", "gflop", "compute_share", "bandwidth_share"),
    }
)
"""Fields of a row that `bench.json` has and this report leaves there: raw samples, and what it does not show."""


@dataclass(frozen=True, slots=True)
class Overview:
    """A whole report as values: HTML and Markdown are two views of it.

    Attributes:
        title: names of the folders.
        leads: the answers, a sentence each.
        tiles: name, value and meaning of what a reader looks for first.
        sections: in the order of the page.
    """

    title: str
    leads: tuple[str, ...]
    tiles: Table
    sections: tuple[Section, ...]


def write_overview(found: Sequence[Measured], folder: Path) -> tuple[str, ...]:
    """Write the report into `folder` and return its answers; the same input gives the same bytes."""
    overview = overview_of(found)
    text = {"html": html_overview(overview), "md": markdown_overview(overview), "json": json_overview(found, overview)}
    folder.mkdir(parents=True, exist_ok=True)
    for kind, content in text.items():
        (folder / f"report.{kind}").write_text(content, encoding="utf-8", newline="\n")
    return overview.leads


def overview_of(found: Sequence[Measured]) -> Overview:
    """Return the report over what was found in each folder; `found` has at least one."""
    several = len(found) > 1
    leads = tuple(
        f"{f'{one.name}: ' if several else ''}{answer(one, candidate)}."
        for one in found
        for candidate in one.shipped or one.candidates[:1]
    )
    sections = [
        replace(section, title=f"{one.name}: {section.title.lower()}") if several else section
        for one in found
        for section in _sections(one)
    ]
    return Overview(
        title=", ".join(one.name for one in found),
        leads=leads or ("Nothing was measured.",),
        tiles=_tiles(found),
        sections=tuple([_comparison(found), *sections] if any(one.candidates for one in found) else sections),
    )


def html_overview(overview: Overview) -> str:
    """Return the report as one HTML page that needs nothing besides itself."""
    return page(overview.title, overview.leads, overview.tiles, overview.sections)


def markdown_overview(overview: Overview) -> str:
    """Return the report as Markdown."""
    blocks = [f"# {escape(overview.title)}", *map(escape, overview.leads)]
    blocks += [markdown_table(overview.tiles)] if overview.tiles.rows else []
    return "\n\n".join([*blocks, *map(markdown, overview.sections)]) + "\n"


def json_overview(found: Sequence[Measured], overview: Overview) -> str:
    """Return everything that the report was made from as JSON."""
    everything = {"answers": overview.leads, "results": [_plain(one) for one in found]}
    return json.dumps(everything, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _plain(one: Measured) -> Json:
    """Return what a folder tells as plain JSON, without the facts of a build, which its own report has."""
    rows: list[Json] = [{n: v for n, v in as_object(row).items() if n not in IN_BENCH_ALONE} for row in one.rows]
    return {
        "name": one.name,
        "candidates": plain(one.candidates),
        "scores": plain(one.scores),
        "differences": plain(one.differences),
        "timed": one.timed,
        "rows": rows,
        "host": host_facts(one.host),
        "versions": plain(one.versions),
        "peaks": plain(one.peaks),
    }


def _sections(one: Measured) -> Iterator[Section]:
    """Yield the sections of one folder; what was not measured has none."""
    if one.facts is not None and one.facts.vectors is not None:
        yield vectors_section(one.facts.vectors)
    if one.scores:
        yield scores_section(one)
    if one.facts is not None:
        yield sizes_section(one.facts)
        yield from quality_sections(one.facts)
        yield gates_section(one.facts.gates)
    if one.facts is not None and one.facts.latency is not None:
        yield latency_section(one.facts.latency)
    if any(row.measured for row in one.rows):
        yield speed_section(one.rows)
    if (memory := memory_section(one.rows)) is not None:
        yield memory
    if any(not row.measured for row in one.rows):
        yield unrun_section(one.rows)
    yield host_section(one.host, one.versions, one.peaks)


def _tiles(found: Sequence[Measured]) -> Table:
    """Return the values of what is shipped, of the first folder alone where there are several."""
    one = found[0]
    rows = list(vector_tiles(one.facts)) if len(found) == 1 and one.facts is not None else []
    for candidate in one.shipped[:1] if len(found) == 1 else ():
        if candidate.bytes is not None:
            rows.append(("Size", f"{megabytes(candidate.bytes)} MB", candidate.name))
        if candidate.share:
            rows.append(("Speed", f"{times(candidate.share)} ×", "as fast as the teacher"))
        elif candidate.ms is not None:
            rows.append(("Latency", f"{milliseconds(candidate.ms)} ms", "p50 of one run"))
        rows += task_tiles(one, candidate)
    return Table("Summary", ("", "Value", "Meaning"), "lrl", tuple(rows))


def _comparison(found: Sequence[Measured]) -> Section:
    """Return one table of all models of all folders; a value that is not there is said not to be."""
    tasks = tuple(dict.fromkeys(task for one in found for task in one.tasks))
    head = ("Model", "MB", "p50 ms", "Times as fast", "Peak MB above the runtime")
    head += tuple(_task_head(found, task) for task in tasks)
    rows = tuple(
        (
            f"{one.name}: {candidate.name}" if len(found) > 1 else candidate.name,
            megabytes(candidate.bytes),
            milliseconds(candidate.ms),
            times(1.0 if candidate.model == TEACHER and candidate.ms else candidate.share),
            megabytes(candidate.peak_bytes),
            *(_score(one, task, candidate) for task in tasks),
        )
        for one in found
        for candidate in one.candidates
    )
    table = without_empty(Table("All models", head, "l" + "r" * (len(head) - 1), rows))
    said = tuple((row[0], *(NOT_RUN if cell == MISSING else cell for cell in row[1:])) for row in table.rows)
    return Section(
        "Comparison", tables=(replace(table, rows=said),), notes=tuple(_comparison_notes(found, head, table))
    )


def _comparison_notes(found: Sequence[Measured], head: tuple[str, ...], table: Table) -> Iterator[str]:
    """Yield how the values were measured, and why others are not there."""
    several = len(found) > 1
    for one in found:
        if one.timed:
            yield f"{f'{one.name}: t' if several else 'T'}imes: {one.timed}; p50."
        rough = [candidate.name for candidate in one.candidates if candidate.rough]
        if rough:
            yield f"{f'{one.name}: r' if several else 'R'}ough times, whose rounds differ widely: {', '.join(rough)}."
    gone = [name for name in head if name not in table.head]
    if gone:
        yield f"Without a column, since no folder has it: {', '.join(gone)}."
    if any(MISSING in row for row in table.rows):
        yield f"{NOT_RUN}: the folder holds no such measurement of this model."
    if any(c.model == TRIM_ONLY and c.computed for one in found for c in one.candidates):
        yield "The size of trim-only is computed from its shape."


def _task_head(found: Sequence[Measured], task: str) -> str:
    metrics = dict.fromkeys(score.metric for one in found for score in one.scores if score.task == task)
    return f"{task}: {' or '.join(map(metric_words, metrics))}, %"


def _score(one: Measured, task: str, candidate: Candidate) -> str:
    score = one.score(task, candidate)
    return MISSING if score is None else f"{100 * score.value:,.2f}"
