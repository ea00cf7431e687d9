"""Memory: what interpreter and runtime take alone, what a model adds, what a run of long texts leaves behind."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from edgeenc.record.rows import Row
from edgeenc.report.conditions import condition_words
from edgeenc.report.draw.blocks import Bar, Picture, Section, Table, without_empty
from edgeenc.report.draw.numbers import count, megabytes
from edgeenc.report.reading import shared_condition


def memory_section(rows: Sequence[Row]) -> Section | None:
    """Return the memory of the processes, and of a graphics processor where one was used; None where none was read."""
    read = [row for row in rows if row.peak_rss_bytes is not None or row.vram_reserved_bytes is not None]
    if not read:
        return None
    pictures = [
        memory_bars([row for row in read if row.runtime == name]) for name in dict.fromkeys(r.runtime for r in read)
    ]
    pictures.append(vram_bars(read))
    return Section(
        "Memory",
        pictures=tuple(picture for picture in pictures if picture is not None),
        tables=(_table(read),),
        notes=(
            "MB of the process (RSS), each measurement in a fresh one: bare is interpreter and runtime alone, steady"
            " after the last run, peak the highest with loading included; retained is what a run of texts of other"
            " lengths leaves above steady.",
        ),
    )


def memory_bars(rows: Sequence[Row]) -> Picture | None:
    """Return a bar for each model in one runtime on CPU: bare process, then what is added steadily, then the peak."""
    known = [row for row in rows if row.device == "cpu" and None not in (row.base_rss_bytes, row.steady_rss_bytes)]
    condition = shared_condition(known)
    if condition is None:
        return None
    bars = tuple(_bar(row) for row in known if row.condition == condition)
    return Picture(
        f"MB of memory: {condition_words(condition)}", ("bare process", "model, steady", "up to the peak"), bars
    )


def vram_bars(rows: Sequence[Row]) -> Picture | None:
    """Return a bar for each model on a GPU: what its tensors took at most, and what the allocator held on top."""
    known = [row for row in rows if row.vram_allocated_bytes is not None and row.vram_reserved_bytes is not None]
    condition = shared_condition(known)
    if condition is None:
        return None
    bars = tuple(
        Bar(
            row.name,
            f"allocated {megabytes(row.vram_allocated_bytes)} MB, reserved {megabytes(row.vram_reserved_bytes)} MB",
            _steps(row.vram_allocated_bytes, row.vram_reserved_bytes),
        )
        for row in known
        if row.condition == condition
    )
    return Picture(f"MB of GPU memory, peaks: {condition_words(condition)}", ("allocated", "reserved on top"), bars)


def _bar(row: Row) -> Bar:
    return Bar(
        row.name,
        f"bare {megabytes(row.base_rss_bytes)}, steady {megabytes(row.steady_rss_bytes)}, peak"
        f" {megabytes(row.peak_rss_bytes)} MB",
        _steps(row.base_rss_bytes, row.steady_rss_bytes, row.peak_rss_bytes),
    )


def _steps(*bytes_: int | None) -> tuple[float, ...]:
    """Return rising sizes as the segments of a bar, in MB: 80, 110 and 125 MB are 80, 30 and 15; none is below 0."""
    found = [0, *(size or 0 for size in bytes_)]
    return tuple(max(0, after - before) / 1e6 for before, after in pairwise(found))


def _table(rows: Sequence[Row]) -> Table:
    head = (
        "Model",
        "Runtime",
        "Device",
        "Threads",
        "Batch",
        "Sequence length",
        "File MB",
        "Bare MB",
        "Steady MB",
        "Peak MB",
    )
    head = (*head, "Retained MB", "GPU allocated MB", "GPU reserved MB")
    cells = tuple(
        (
            row.name,
            row.runtime,
            row.device,
            count(row.threads),
            count(row.batch),
            "own" if row.seq_len is None else count(row.seq_len),
            *(megabytes(size) for size in (row.file_bytes, row.base_rss_bytes, row.steady_rss_bytes)),
            *(megabytes(size) for size in (row.peak_rss_bytes, row.retained_bytes)),
            *(megabytes(size) for size in (row.vram_allocated_bytes, row.vram_reserved_bytes)),
        )
        for row in rows
    )
    return without_empty(Table("Memory of every measurement", head, "lll" + "r" * 10, cells))
