"""The two clocks that a run is timed by."""

from __future__ import annotations

import time
from collections.abc import Callable


def by_clock(run: Callable[[], object]) -> float:
    """Return the milliseconds of a run that is over when it returns."""
    start = time.perf_counter_ns()
    run()
    return (time.perf_counter_ns() - start) / 1e6


def by_events(run: Callable[[], object]) -> float:
    """Return the milliseconds between two marks in the stream of the GPU.

    A call on a GPU returns before its work is done; the device writes down when it passes the marks. Waiting for the
    device before the first mark keeps the work of an earlier run out, and a run whose kernels are launched more slowly
    than they are computed counts the launching, as a user does.
    """
    import torch

    begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    torch.cuda.synchronize()
    begin.record()
    run()
    end.record()
    end.synchronize()
    return float(begin.elapsed_time(end))
