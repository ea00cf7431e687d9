"""The process that measures this machine's peaks: a request on stdin, one JSON object as the last line of stdout.

    python -m edgeenc.bench.peaks_process < request.json

The peak is the best run of the fastest library here: nothing that is measured beside it should be able to pass it.
Axis letters: M rows, K summed, N columns.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edgeenc.bench.settings import FORMATS, Device
from edgeenc.record.form import plain
from edgeenc.record.host import Peak

SIZES = {"cpu": (512, 1024), "cuda": (4096, 8192)}
"""Rows and columns of the products; the larger reads less for what it computes, the smaller is over before the system
gives the processor to somebody else."""
COPIED = {"cpu": 256 * 2**20, "cuda": 2**30}
"""Bytes of a copy: several times what caches hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeakRequest:
    """What to measure, and how long each."""

    device: Device
    threads: int
    precisions: Sequence[str]
    seconds: float


def measure(request: PeakRequest) -> Peak:
    """Return the highest product rates by precision and library, and the highest copy rate."""
    import torch

    torch.set_num_threads(request.threads)
    return Peak(
        device=request.device,
        threads=request.threads,
        gflops={precision: product_rates(request, precision) for precision in request.precisions},
        copy_gbytes_per_s=round(copy_rate(request.device, request.seconds), 3),
    )


def product_rates(request: PeakRequest, precision: str) -> dict[str, float]:
    """Return the highest rate of each library, in 10^9 operations per second."""
    rates: dict[str, float] = {}
    for size in SIZES[request.device]:
        runs = on_gpu(precision, size) if request.device == "cuda" else on_cpu(precision, size, request.threads)
        for library, run in runs.items():
            rate = 2 * size**3 / best(run, request.seconds) / 1e9
            rates[library] = round(max(rate, rates.get(library, 0.0)), 3)
    return rates


def best(run: Callable[[], float], seconds: float) -> float:
    """Return the fewest seconds of one run, of as many as `seconds` allow; the first one warms up."""
    run()
    end = time.perf_counter() + seconds
    least = run()
    while time.perf_counter() < end:
        least = min(least, run())
    return least


def clocked(run: Callable[[], object]) -> Callable[[], float]:
    """Return a function that runs `run` and returns the seconds it took."""

    def timed() -> float:
        start = time.perf_counter()
        run()
        return time.perf_counter() - start

    return timed


def on_cpu(precision: str, size: int, threads: int) -> Mapping[str, Callable[[], float]]:
    """Return a product of two square matrices in each library that has one for this precision."""
    import torch

    number = FORMATS[precision]
    if number.quantized:
        return {"onnxruntime": clocked(_ort_product(precision, size, threads))}
    dtype = number.torch_dtype()
    left_MK, right_KN = torch.randn(size, size).to(dtype), torch.randn(size, size).to(dtype)
    runs = {"torch": clocked(lambda: left_MK @ right_KN)}
    if dtype is torch.float32:
        first_MK, second_KN = left_MK.numpy(), right_KN.numpy()
        runs["numpy"] = clocked(lambda: first_MK @ second_KN)
        runs["onnxruntime"] = clocked(_ort_product(precision, size, threads))
    return runs


def on_gpu(precision: str, size: int) -> Mapping[str, Callable[[], float]]:
    """Return a product of two square matrices on the GPU, timed by events; int8 has none here."""
    import torch

    from edgeenc.bench.engines.clocks import by_events

    if FORMATS[precision].quantized:
        return {}
    dtype = FORMATS[precision].torch_dtype()
    left_MK, right_KN = (torch.randn(size, size, device="cuda").to(dtype) for _ in range(2))
    return {"torch": lambda: by_events(lambda: left_MK @ right_KN) / 1e3}


def copy_rate(device: Device, seconds: float) -> float:
    """Return the highest rate of a copy, in 10^9 bytes per second, those read and those written."""
    import torch

    from edgeenc.bench.engines.clocks import by_events

    source = torch.ones(COPIED[device] // 4, dtype=torch.float32, device=device)
    target = torch.empty_like(source)
    run = clocked(lambda: target.copy_(source))
    if device == "cuda":
        run = lambda: by_events(lambda: target.copy_(source)) / 1e3  # noqa: E731
    return 2 * COPIED[device] / best(run, seconds) / 1e9


def _ort_product(precision: str, size: int, threads: int) -> Callable[[], Sequence[object]]:
    """Return a product in ONNX Runtime by a constant matrix: float32, or unsigned by signed bytes as in int8 files."""
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    chance = np.random.default_rng(0)
    if FORMATS[precision].quantized:
        operator, element, result = "MatMulInteger", TensorProto.UINT8, TensorProto.INT32
        left_MK = chance.integers(0, 256, (size, size), dtype=np.uint8)
        right_KN = chance.integers(-127, 128, (size, size), dtype=np.int8)
    else:
        operator, element, result = "MatMul", TensorProto.FLOAT, TensorProto.FLOAT
        left_MK, right_KN = (chance.normal(size=(size, size)).astype(np.float32) for _ in range(2))
    graph = helper.make_graph(
        [helper.make_node(operator, ["left", "right"], ["product"])],
        "product",
        [helper.make_tensor_value_info("left", element, [size, size])],
        [helper.make_tensor_value_info("product", result, [size, size])],
        [numpy_helper.from_array(right_KN, "right")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {"left": left_MK})


if __name__ == "__main__":
    sys.stdout.write(json.dumps(plain(measure(PeakRequest(**json.load(sys.stdin))))) + "\n")
