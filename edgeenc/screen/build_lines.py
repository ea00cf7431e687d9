"""What a person sees while a build runs: one line a step, a moving line while a step trains, one line at the end."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from rich.console import Console
from rich.status import Status
from rich.table import Table

from edgeenc.model.config import left_out
from edgeenc.record.facts import UNTRAINED
from edgeenc.record.steps import (
    BitsFigures,
    CorpusFigures,
    FileFigures,
    GateFigures,
    ScoreFigures,
    StageFigures,
    TagTally,
    TaskFigures,
    TeacherFigures,
    TextTally,
    TuneFigures,
    files_said,
)
from edgeenc.record.vectors import VectorFigures
from edgeenc.report.draw.numbers import asked, bits, clock, count, megabytes, millions, seconds, tenths, times
from edgeenc.sources import is_random
from edgeenc.steps.line.step_kind import figures_of, kind_of

if TYPE_CHECKING:
    from edgeenc.pipeline import Event
    from edgeenc.planned import Plan, Step
    from edgeenc.record.facts import Facts
    from edgeenc.store import Manifest
    from edgeenc.training_loop import Progress

Loudness = Literal["quiet", "normal", "verbose"]

SPEAK_SECONDS = 20.0
"""Where nothing can move on the screen, a training step prints a line this often."""


class Screen:
    """Shows the events of a build on standard error."""

    def __init__(self, loudness: Loudness = "normal") -> None:
        self._console = Console(stderr=True, highlight=False)
        self._loudness = loudness
        self._status: Status | None = None
        self._spoke = 0.0

    def __call__(self, event: Event) -> None:
        """Show one event."""
        if self._loudness == "quiet":
            return
        if event.what == "begun":
            self._begin(f"{event.step.name} …")
        elif event.what == "progress" and event.progress is not None:
            self._move(event.step, event.progress)
        elif event.what in ("done", "skipped") and event.manifest is not None:
            self._end()
            self._console.print(step_line(event.step, event.manifest, event.what), soft_wrap=True)
        elif event.what == "said":
            self._console.print(event.text, soft_wrap=True)

    def say(self, text: str) -> None:
        """Print a line, unless the screen is quiet."""
        if self._loudness != "quiet":
            self._console.print(text, soft_wrap=True)

    def close(self) -> None:
        """Take the moving line away."""
        self._end()

    def _begin(self, text: str) -> None:
        self._spoke = time.monotonic()
        if self._console.is_terminal:
            self._status = self._console.status(text)
            self._status.start()
        elif self._loudness == "verbose":
            self._console.print(text, soft_wrap=True)

    def _move(self, step: Step, now: Progress) -> None:
        text = f"{step.name}: {progress_text(now, unit_of(step))}, {clock(now.seconds_left)} left"
        if self._status is not None:
            self._status.update(text)
        elif time.monotonic() - self._spoke > SPEAK_SECONDS:
            self._spoke = time.monotonic()
            self._console.print(text, soft_wrap=True)

    def _end(self) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None


def unit_of(step: Step) -> str:
    """Return what is said behind a loss of a training: its unit, if it has one."""
    unit = step.stage.loss_unit if step.stage is not None else "nats"
    return f" {unit}" if unit else ""


def progress_text(now: Progress, unit: str) -> str:
    """Return how far a training is, or what is done before it."""
    if now.doing:
        return f"{now.doing} {count(now.step)} of {count(now.steps)}"
    speed = f"{count(round(now.tokens_per_second))} tokens/s"
    return f"step {count(now.step)} of {count(now.steps)}, loss {bits(now.loss)}{unit}, {speed}"


def step_line(step: Step, manifest: Manifest, what: str) -> str:
    """Return one line of the table of steps: name, time, parameters, megabytes of the exported file."""
    figures = figures_of(manifest)
    spent = "cached" if what == "skipped" else f"{seconds(manifest.seconds)} s"
    parameters = millions(step.parameters) if step.parameters is not None and kind_of(step).shows_shape else ""
    size = f"{megabytes(figures.bytes)} MB" if isinstance(figures, FileFigures) else ""
    return f"{step.name:<16}{spent:>9}{parameters:>10}{size:>11}  {note(figures, unit_of(step))}"


def note(figures: object, unit: str = " nats") -> str:
    """Return what is worth saying about a finished step, in a few words."""
    match figures:
        case TuneFigures():
            return f"{count(figures.tokens)} tokens, {tenths(figures.validation)} on validation"
        case VectorFigures() | ScoreFigures():
            return _scores_note(figures)
        case StageFigures(best_loss=float(loss)):
            return f"{count(figures.tokens)} tokens, validation loss {bits(loss)}{unit}"
        case BitsFigures():
            return f"bits per character: {_all_bits(figures)}"
        case CorpusFigures(text=TextTally() as text):
            return _text_note(text)
        case TeacherFigures():
            return _teacher_note(figures)
        case GateFigures():
            return f"{len(figures.gates)} gates passed{_gate_note(figures)}"
        case _:
            return _tags_note(figures.tags) if isinstance(figures, TaskFigures) and figures.tags else ""


def _scores_note(found: VectorFigures | ScoreFigures) -> str:
    """Return the score of each model, or how often each finds the teacher's nearest text, over all languages."""
    if isinstance(found, ScoreFigures):
        return ", ".join(f"{row.name} {tenths(row.value)}" for row in found.tasks)
    names = dict.fromkeys(one.name for language in found.languages for one in language.agreement)
    shares = ((name, recall[0].share) for name in names if (recall := found.recall(name)))
    return f"teacher's nearest neighbour found, %: {', '.join(f'{name} {tenths(share)}' for name, share in shares)}"


def _all_bits(found: BitsFigures) -> str:
    if found.student is None:
        return f"unigram {bits(found.unigram)}; {UNTRAINED}"
    named = (
        *(("unigram", found.unigram), ("teacher", found.teacher), ("pruned", found.cut)),
        *(("control", found.control), ("student", found.student)),
    )
    return ", ".join(f"{name} {bits(value)}" for name, value in named if value is not None)


def _gate_note(figures: GateFigures) -> str:
    left = f"; not run: {', '.join(figures.not_run)}" if figures.not_run else ""
    if figures.read is None or figures.reads is None:
        return left
    return (
        f", on texts of at most {count(figures.read)} of the {count(figures.reads)} tokens that the model reads{left}"
    )


def _teacher_note(figures: TeacherFigures) -> str:
    drawn = ("random weights: a rehearsal, whose quality metrics mean nothing",) if figures.weights else ()
    drawn += figures.notes
    left = (f"left out of config.json: {', '.join(figures.left_out)}",) if figures.left_out else ()
    return "; ".join((*drawn, *left))


def _text_note(text: TextTally) -> str:
    distinct = text.lines - text.repeated
    split = f", split by {count(text.documents)} documents" if text.documents < distinct else ""
    return (
        f"{count(text.lines)} lines, {count(text.repeated)} repeated and left out, {count(text.garbage)} without a"
        f" letter or damaged{split}{_files_note(text)}"
    )


def _files_note(text: TextTally) -> str:
    passed = max(text.passed, len(text.passed_over))
    return f"; {files_said(text.files, passed, text.passed_over)}" if text.files is not None else ""


def _tags_note(tags: TagTally) -> str:
    counted = (
        *((tags.strays, "spans begin without B-"), (tags.empty, "empty words left out")),
        (tags.prefixed, "words had their language before them"),
    )
    converted = [f"{tags.scheme} converted to IOB2"] if tags.scheme not in ("", "IOB2") else []
    return ", ".join([*converted, *(f"{count(number)} {what}" for number, what in counted if number)])


def plan_table(plan: Plan, status: Mapping[str, str]) -> Table:
    """Return the plan as a table for a terminal of 80 columns."""
    request = plan.request
    table = Table(
        title=f"{request.language.name} ({request.language.bcp47}), recipe {request.recipe.name}",
        box=None,
        pad_edge=False,
    )
    for name in ("step", "key", "status"):
        table.add_column(name, no_wrap=True)
    for name in ("layers", "ffn", "vocab", "parameters", "MB"):
        table.add_column(name, justify="right", no_wrap=True)
    for step in plan.steps:
        shape = step.shape if kind_of(step).shows_shape else None
        sizes = [""] * 4
        if shape is not None:
            sizes = [f"{shape.layers} x {shape.hidden}", *map(count, (shape.ffn, shape.vocab, step.parameters))]
        least = "" if step.exact else "≤"
        size = f"{least}{megabytes(step.predicted_bytes)}" if step.predicted_bytes else ""
        table.add_row(step.name, step.key[:8], status[step.name], *sizes, size)
    said = f"Teacher: {request.source}. " if is_random(request.recipe.teacher) else ""
    if request.known is None and (left := left_out(request.teacher)):
        said += f"Left out of the teacher's config.json: {', '.join(left)}. "
    said += "".join(f"{note[:1].upper()}{note[1:]}. " for note in plan.notes if note != request.taken)
    if len(request.texts) > 1:
        said += "Text: " + ", ".join(f"{asked(t.weight)} {t.language.bcp47}" for t in request.texts) + ". "
    if request.recipe.data_fraction < 1:
        said += f"Trains on {asked(request.recipe.data_fraction)} of the training documents. "
    first = request.target.first
    others = [one for one in request.target.made_for(request.precisions) if one is not first]
    made = "".join(f"; of {one.step}, the {one.name} file" for one in others)
    table.caption = f"{said}MB: 10^6 bytes of the exported {first.name} file{made}"
    return table


def last_line(place: str, facts: Facts) -> str:
    """Return the line a build ends with: path, megabytes, compression, latency ratio, gates."""
    from edgeenc.report.finding import finds, unbeaten
    from edgeenc.report.headline import shipped, warning  # not for a plan, which is shown in a second

    size, precision = shipped(facts)
    parts = [f"{precision} {megabytes(size)} MB", f"{tenths(facts.compression)} % smaller than the teacher"]
    if facts.latency is not None:
        name, ratio = list(facts.latency.ratio.items())[-1]
        rough = " (roughly: this host was busy)" if facts.latency.noisy else ""
        parts.append(f"{name} {times(ratio.median)} times as fast{rough}")
    if facts.vectors is not None:
        name = f"student {precision}"
        parts += filter(None, (finds(facts.vectors, name), unbeaten(facts.vectors, name)))
    parts += warning(facts)
    parts.append(f"{sum(gate.passed for gate in facts.gates)} of {len(facts.gates)} gates passed")
    return f"{place}: {', '.join(parts)}"
