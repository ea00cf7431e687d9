"""The runtimes a model is timed in: ids already on the device in, milliseconds of one run out.

Nothing is imported before it is asked for, so that a process holds the one runtime that it measures.
Axis letters: B batch, T tokens, H hidden, V vocabulary.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from edgeenc.errors import HostError
from edgeenc.record.old_rows import Device, Precision, RuntimeName

if TYPE_CHECKING:
    import torch

    from edgeenc.targets.sessions.session import Ids, Output

PROVIDERS: dict[Device, str] = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}


@dataclass(frozen=True)
class Engine:
    """A loaded model.

    Attributes:
        output: `last_hidden_state` or `logits`.
        clock: what `bind` times by.
        bind: take ids and mask (B, T) to the device, and return the function that runs them once and returns the
            milliseconds that took.
        run: run ids and mask (B, T) once and return the output (B, T, H or V).
        vram: peak bytes allocated and reserved on the GPU, or None.
    """

    output: str
    clock: Literal["wall", "events"]
    bind: Callable[[Ids, Ids], Callable[[], float]]
    run: Callable[[Ids, Ids], Output]
    vram: Callable[[], tuple[int, int] | None]


def import_runtime(runtime: RuntimeName, device: Device) -> None:
    """Import and start what an app needs before it knows its model; what the process holds after that is its base."""
    if runtime == "ort":
        import onnxruntime

        if device == "cuda":
            onnxruntime.preload_dlls()  # the libraries of CUDA may be those that PyTorch brought along
    else:
        import torch
        import transformers.models.bert.modeling_bert  # noqa: F401  # otherwise loaded with the first model

        # starts threads, product library and, on a GPU, its context, which is larger than a small model
        torch.mm(torch.zeros(8, 8, device=device), torch.zeros(8, 8, device=device))


def open_engine(runtime: RuntimeName, path: Path, device: Device, precision: Precision, threads: int) -> Engine:
    """Load the ONNX file, or the checkpoint folder, at `path`.

    Raises:
        InputError: the file is damaged.
        HostError: the runtime does not run on this device here.
    """
    return _ort(path, device, threads) if runtime == "ort" else _torch(runtime, path, device, precision, threads)


def _ort(path: Path, device: Device, threads: int) -> Engine:
    from edgeenc.targets.sessions.ort_session import OrtSession

    session = OrtSession(path, threads=threads, provider=PROVIDERS[device])

    def bind(ids_BT: Ids, attend_BT: Ids) -> Callable[[], float]:
        def run() -> float:
            start = time.perf_counter_ns()
            session(ids_BT, attend_BT)
            return (time.perf_counter_ns() - start) / 1e6

        return run

    return Engine(session.purpose.output, "wall", bind, session, lambda: None)


def _torch(runtime: RuntimeName, path: Path, device: Device, precision: Precision, threads: int) -> Engine:
    """Load the body of a checkpoint as apps do: no output head, no pooler, weights in the precision of the run."""
    import torch
    from transformers import AutoModel

    from edgeenc.model.config import load_config

    torch.set_num_threads(threads)
    if device == "cuda" and not torch.cuda.is_available():
        raise HostError("PyTorch sees no CUDA device")
    dtype = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[precision]
    load_config(path)  # says in words what is wrong with it
    loaded = AutoModel.from_pretrained(path, local_files_only=True, dtype=dtype, add_pooling_layer=False)
    model = loaded.to(device).eval()
    model = torch.compile(model) if runtime == "torch-compiled" else model

    def forward(ids_BT: torch.Tensor, attend_BT: torch.Tensor) -> torch.Tensor:
        with torch.inference_mode():
            return model(input_ids=ids_BT, attention_mask=attend_BT).last_hidden_state

    def bind(ids_BT: Ids, attend_BT: Ids) -> Callable[[], float]:
        ids, attend = torch.from_numpy(ids_BT).to(device), torch.from_numpy(attend_BT).to(device)
        timed = by_events if device == "cuda" else by_clock
        return lambda: timed(lambda: forward(ids, attend))

    def vram() -> tuple[int, int] | None:
        if device != "cuda":
            return None
        return torch.cuda.max_memory_allocated(), torch.cuda.max_memory_reserved()

    def run(ids_BT: Ids, attend_BT: Ids) -> Output:
        return (
            forward(torch.from_numpy(ids_BT).to(device), torch.from_numpy(attend_BT).to(device)).float().cpu().numpy()
        )

    return Engine("last_hidden_state", "events" if device == "cuda" else "wall", bind, run, vram)


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


def padded(rows: list[list[int]], pad: int) -> tuple[Ids, Ids]:
    """Return ids and mask (B, T) of rows of ids, filled up with `pad` to the longest.

    Worked example: rows (7, 8) and (9) with pad 0 give ids ((7, 8), (9, 0)) and mask ((1, 1), (1, 0)).
    """
    longest = max(map(len, rows))
    ids_BT = np.full((len(rows), longest), pad, dtype=np.int64)
    attend_BT = np.zeros_like(ids_BT)
    for ids_T, attend_T, row in zip(ids_BT, attend_BT, rows, strict=True):
        ids_T[: len(row)] = row
        attend_T[: len(row)] = 1
    return ids_BT, attend_BT
