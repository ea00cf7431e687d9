"""What a person sees while a build runs: one line a step, a moving line while a step trains, one line at the end."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, cast

from rich.console import Console
from rich.status import Status
from rich.table import Table

from edgeenc.sources import is_random

if TYPE_CHECKING:
    from edgeenc.pipeline import Event
    from edgeenc.plan import Plan, Step
    from edgeenc.record.old_facts import Facts
    from edgeenc.record.old_scores import TaskScore
    from edgeenc.store import Manifest
    from edgeenc.training import Progress

Loudness = Literal["quiet", "normal", "verbose"]

SPEAK_SECONDS = 20.0
"""Where nothing can move on the screen, a training step prints a line this often."""
MB = 1e6


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
        text = (
            f"{step.name}: step {now.step:,} of {now.steps:,}, loss {now.loss:.3f} nats,"
            f" {now.tokens_per_second:,.0f} tokens/s, {clock(now.seconds_left)} left"
        )
        if self._status is not None:
            self._status.update(text)
        elif time.monotonic() - self._spoke > SPEAK_SECONDS:
            self._spoke = time.monotonic()
            self._console.print(text, soft_wrap=True)

    def _end(self) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None


def step_line(step: Step, manifest: Manifest, what: str) -> str:
    """Return one line of the table of steps: name, time, parameters, megabytes of the exported file."""
    spent = "kept" if what == "skipped" else f"{manifest.seconds:.1f} s"
    parameters = f"{step.shape.parameters / MB:.2f} M" if step.shape and (step.stage or step.kind == "teacher") else ""
    size = manifest.figures.get("bytes") if step.kind in ("export", "quantize") else None
    megabytes = f"{size / MB:.2f} MB" if isinstance(size, int) else ""
    return f"{step.name:<16}{spent:>9}{parameters:>10}{megabytes:>11}  {note(manifest)}"


def note(manifest: Manifest) -> str:
    """Return what is worth saying about a finished step, in a few words."""
    figures = manifest.figures
    if manifest.kind == "tune":
        return f"{figures['tokens']:,} tokens, {100 * float(str(figures['validation'])):.1f} on validation"
    if manifest.kind == "score":
        rows = cast("list[TaskScore]", figures["tasks"])
        return ", ".join(f"{row['model']} {row['precision']} {100 * row['value']:.1f}" for row in rows)
    if "best_loss" in figures:
        return f"{figures['tokens']:,} tokens, held-out loss {figures['best_loss']:.3f} nats"
    if manifest.kind == "measure":
        shown = ("unigram", "teacher", "cut", "control", "student")
        return "bits per character: " + ", ".join(f"{name} {figures[name]:.3f}" for name in shown if name in figures)
    if isinstance(found := figures.get("text"), dict):
        text = cast("dict[str, int]", found)
        words = "{lines:,} lines, {repeated:,} repeated and left out, {garbage:,} without a letter or damaged"
        split = ", split by {documents:,} documents" if text["documents"] < text["lines"] - text["repeated"] else ""
        return (words + split).format(**text)
    if figures.get("weights") == "random":
        return "random weights: a rehearsal, whose figures of quality mean nothing"
    if manifest.kind == "verify":
        gates = figures["gates"]
        return f"{len(gates)} gates passed" if isinstance(gates, list) else ""
    return ""


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
        shape = step.shape if step.stage or step.kind == "teacher" else None
        sizes = [""] * 4
        if shape is not None:
            sizes = [
                f"{shape.layers} x {shape.hidden}",
                *(f"{size:,}" for size in (shape.ffn, shape.vocab, shape.parameters)),
            ]
        least = "" if step.exact else "≤"
        size = f"{least}{step.predicted_bytes / MB:.2f}" if step.predicted_bytes else ""
        table.add_row(step.name, step.key[:8], status[step.name], *sizes, size)
    said = f"Teacher: {request.source}. " if is_random(request.recipe.teacher) else ""
    if len(request.texts) > 1:
        said += "Text: " + ", ".join(f"{100 * t.weight:g} % {t.language.bcp47}" for t in request.texts) + ". "
    if request.recipe.data_fraction < 1:
        said += f"Read: {100 * request.recipe.data_fraction:g} % of the training text. "
    table.caption = f"{said}MB: 10^6 bytes of the exported fp32 file; of quantize, the int8 file"
    return table


def last_line(place: str, facts: Facts) -> str:
    """Return the line a build ends with: path, megabytes, compression, latency ratio, gates."""
    from edgeenc.report.headline import warning  # not for a plan, which is shown in a second

    sizes, latency = facts["bytes"], facts["latency"]
    int8 = sizes["int8"]
    size = f"int8 {int8 / MB:.2f} MB" if int8 is not None else f"fp32 {sizes['fp32'] / MB:.2f} MB"
    parts = [size, f"{100 * facts['compression']:.1f} % smaller than the teacher"]
    if latency is not None:
        name, ratio = list(latency["ratio"].items())[-1]
        rough = " (roughly: this host was busy)" if latency["noisy"] else ""
        parts.append(f"{name} {1 / ratio['median']:.1f} times as fast{rough}")
    parts += warning(facts)
    gates = facts["gates"]
    parts.append(f"{sum(gate['passed'] for gate in gates)} of {len(gates)} gates passed")
    return f"{place}: {', '.join(parts)}"


def clock(seconds: float) -> str:
    """Return a time as minutes and seconds. Worked example: 75 gives `1:15`."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
