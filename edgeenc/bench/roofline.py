"""How far a run is from what the machine can do: operations and bytes from the shape, rates from the machine itself.

A run cannot be faster than its operations at the highest product rate, nor than its bytes at the highest copy rate; the
lower of the two is the roofline. Source: Roofline: an insightful visual performance model (Williams et al., 2009).
Letters: L layers, H hidden, A attention channels, F feed-forward neurons, V vocabulary, T tokens, B sentences.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from edgeenc.bench.fresh import run_fresh
from edgeenc.bench.peaks_process import PeakRequest
from edgeenc.bench.settings import Device, format_of
from edgeenc.errors import HostError
from edgeenc.model.shape import Shape
from edgeenc.record.form import parse, plain
from edgeenc.record.host import Peak


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How far a run is from the machine's limit; fields as in `record.rows.Row`."""

    gflop: float
    gflops: float
    gbytes_per_s: float
    compute_share: float | None
    bandwidth_share: float | None
    share_of_peak: float | None
    bound: Literal["compute", "bandwidth"] | None


def operations(shape: Shape, batch: int, tokens: int, output: int = 0) -> int:
    """Return the operations of one run: 2 for each multiply-add of a product, those of attention included.

    A token costs 4 H A + 2 H F multiply-adds a layer in the products with weights, and 2 T A in attention: its query
    with T keys, its weights with T values. A masked-LM head adds H H + H V a token, any other H times its width.
    Norms, softmax, activations and look-ups are left out: none of them is a product.

    Args:
        shape: sizes of the model.
        batch: B.
        tokens: T, padding included, since it is computed too.
        output: width of the logits, 0 for hidden states.

    Worked example: L 1, H = A = 4, F 8, B 1, T 2: 4 x 16 + 2 x 32 = 128 with weights and 2 x 2 x 4 = 16 in attention,
    144 multiply-adds a token; 2 x 144 x 2 tokens are 576 operations.
    """
    weights = 4 * shape.hidden * shape.attention + 2 * shape.hidden * shape.ffn
    attention = 2 * tokens * shape.attention
    head = _head_weights(shape, output)
    return 2 * batch * tokens * (shape.layers * (weights + attention) + head)


def least_bytes(shape: Shape, batch: int, tokens: int, precision: str, output: int = 0) -> int:
    """Return a lower bound of the bytes of one run: what must move even if all else stayed in registers.

    The weights of all layers, and of the head, once; a row of the word embeddings for each token; the residual
    stream, written by the embedding, then read and written by each layer; logits written.

    Worked example: L 1, H = A = 4, F 8, B 1, T 2 in fp32: 64 + 16 weights and biases of attention, 64 + 12 of the
    feed-forward block, 16 of two norms, 172 in all, 688 bytes; 2 rows of 16 bytes are 32; the stream of 32 bytes
    is moved 3 times, 96 bytes: 816.
    """
    number = format_of(precision)
    stream = batch * tokens * shape.hidden
    head = _head_weights(shape, output)
    weights = number.weight_bytes * (shape.layers * shape.layer_parameters + head + stream)
    return weights + number.activation_bytes * ((2 * shape.layers + 1) * stream + batch * tokens * output)


def _head_weights(shape: Shape, output: int) -> int:
    """Return the weights of a head: of a masked LM the transform to the width of the table, and the table."""
    if output != shape.vocab:
        return shape.hidden * output
    width = shape.size("embedding")
    return shape.hidden * width + width * output


def standing(
    run_operations: float, run_bytes: float, milliseconds: float, rates: tuple[float, float] | None
) -> Standing:
    """Return where a run of `milliseconds` stands against the highest rates (GFLOP/s, GB/s), if they are known.

    At intensity I operations a byte the roofline is min(P, I M) for product rate P and copy rate M. Achieved over that
    is max(achieved / P, achieved / (I M)), and achieved / I is the rate of bytes: the larger of the two shares. Bytes
    that move faster than memory can copy come from caches: then M is no limit, and the compute share counts.

    Worked example: 2 x 10^9 operations and 10^9 bytes in 100 ms are 20 GFLOP/s and 10 GB/s; against 40 and 100 that is
    0.5 and 0.1 of the peaks: half of the roofline, and computing is what bounds it.
    """
    gflops, gbytes = run_operations / milliseconds / 1e6, run_bytes / milliseconds / 1e6
    compute, bandwidth = (gflops / rates[0], gbytes / rates[1]) if rates else (None, None)
    share: float | None = None
    bound: Literal["compute", "bandwidth"] | None = None
    if compute is not None and bandwidth is not None:
        bound = "compute" if compute >= bandwidth or bandwidth > 1 else "bandwidth"
        share = compute if bound == "compute" else bandwidth
    return Standing(
        gflop=round(run_operations / 1e9, 6),
        gflops=round(gflops, 4),
        gbytes_per_s=round(gbytes, 4),
        compute_share=_share(compute),
        bandwidth_share=_share(bandwidth),
        share_of_peak=_share(share),
        bound=bound,
    )


def highest(peaks: Sequence[Peak], device: Device, threads: int, precision: str) -> tuple[float, float] | None:
    """Return product and copy rate (GFLOP/s, GB/s) for one precision: of several libraries the fastest counts."""
    numbers = format_of(precision).name
    for peak in peaks:
        if (peak.device, peak.threads) == (device, threads) and peak.gflops.get(numbers):
            return max(peak.gflops[numbers].values()), peak.copy_gbytes_per_s
    return None


def measure_peak(device: Device, threads: int, precisions: Sequence[str], seconds: float) -> Peak:
    """Measure the peaks of this machine in a fresh process, for `seconds` each.

    Raises:
        HostError: the process failed.
    """
    request = PeakRequest(device=device, threads=threads, precisions=precisions, seconds=seconds)
    done = run_fresh("edgeenc.bench.peaks_process", json.dumps(plain(request)), threads)
    if not done.answer:
        raise HostError(f"bench: the process that measures the machine's peaks {done.reason}; free memory")
    return parse(Peak, done.answer)


def _share(value: float | None) -> float | None:
    return None if value is None else round(value, 5)
