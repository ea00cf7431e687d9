"""ONNX Runtime: an exported file, as an app runs it. Axis letters: B batch, T tokens."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from edgeenc.bench.engines.engine import Engine, Files, LoadedModel
from edgeenc.bench.settings import Device, file_called, format_of

if TYPE_CHECKING:
    from pathlib import Path

    from edgeenc.targets.sessions.session import Ids

NAME = "ort"
PROVIDERS: Mapping[Device, str] = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}


def start(device: Device) -> None:
    """Import the library, and on a GPU what it needs there."""
    import onnxruntime

    if device == "cuda":
        onnxruntime.preload_dlls()  # the libraries of CUDA may be those that PyTorch brought along


def hindrance(device: Device, precision: str) -> str:
    """Return why a file of this precision cannot run on this device here, or ""."""
    if device == "cpu":
        return ""
    import onnxruntime

    if PROVIDERS[device] not in onnxruntime.get_available_providers():
        return "this ONNX Runtime has no CUDA provider"
    parts = f"ONNX Runtime would run parts of an {precision} graph on the CPU"
    return parts if format_of(precision).quantized else ""


def exported(files: Files, precision: str) -> Path | None:
    """Return the exported file of this precision."""
    return files.exported.get(precision) if files.engine == NAME else None


def load(path: Path, device: Device, precision: str, threads: int, opener: str = "") -> LoadedModel:
    """Load the ONNX file at `path`.

    Raises:
        InputError: the file is damaged.
        HostError: ONNX Runtime does not run on this device here.
    """
    from edgeenc.targets.sessions.ort_session import OrtSession

    session = OrtSession(path, threads=threads, provider=PROVIDERS[device])

    def bind(ids_BT: Ids, attend_BT: Ids) -> Callable[[], float]:
        def run() -> float:
            start = time.perf_counter_ns()
            session(ids_BT, attend_BT)
            return (time.perf_counter_ns() - start) / 1e6

        return run

    return LoadedModel(session.purpose.output, "wall", bind, session, lambda: None)


ENGINE = Engine(
    name=NAME,
    words="ONNX Runtime",
    lacks=lambda precision: "",
    file=exported,
    no_file=lambda precision: f"no file {file_called(NAME, precision)}",
    hindrance=hindrance,
    start=start,
    open=load,
)
