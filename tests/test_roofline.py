"""Operations and bytes: by hand, and against PyTorch's own counter on a real model."""

from __future__ import annotations

import copy
import json

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import BertForMaskedLM

from edgeenc.bench import roofline
from edgeenc.bench.fresh import Finished
from edgeenc.bench.roofline import highest, least_bytes, measure_peak, operations, standing
from edgeenc.errors import HostError
from edgeenc.model.encoder import Encoder
from edgeenc.model.shape import Shape
from edgeenc.record.form import parse, plain
from edgeenc.record.host import Peak

SMALL = Shape(layers=1, hidden=4, heads=1, head_width=4, ffn=8, vocab=10, positions=16, types=2, family="bert")
PEAKS = [
    Peak(device="cpu", threads=1, gflops={"fp32": {"a": 40.0, "b": 30.0}, "int8": {}}, copy_gbytes_per_s=100.0),
]


def test_operations_by_hand() -> None:
    # a token: 4 x 4 x 4 + 2 x 4 x 8 = 128 with weights, 2 x 2 x 4 = 16 in attention; 2 tokens, 2 a multiply-add
    assert operations(SMALL, batch=1, tokens=2) == 2 * 2 * (128 + 16) == 576
    assert operations(SMALL, batch=3, tokens=2) == 3 * 576
    # twice the tokens: twice the work with weights, four times the work of attention
    assert operations(SMALL, batch=1, tokens=4) == 2 * 4 * (128 + 32)
    # a masked-LM head: 4 x 4 + 4 x 10 a token; a head of 3 labels: 4 x 3
    assert operations(SMALL, batch=1, tokens=2, output=10) == 576 + 2 * 2 * 56
    assert operations(SMALL, batch=1, tokens=2, output=3) == 576 + 2 * 2 * 12


@pytest.mark.parametrize("batch", [1, 3])
def test_operations_are_those_that_pytorch_counts(tiny_encoder: Encoder, batch: int) -> None:
    ids_BT = torch.randint(5, 100, (batch, 17))
    # the counter does not see into the fused attention of the CPU, so the attention is written out
    model = BertForMaskedLM._from_config(copy.deepcopy(tiny_encoder.model.config), attn_implementation="eager")
    with torch.inference_mode():
        with FlopCounterMode(display=False) as body:
            hidden_BTH = model.base_model(ids_BT).last_hidden_state
        with FlopCounterMode(display=False) as head:
            model.cls(hidden_BTH)
    shape = tiny_encoder.shape
    assert body.get_total_flops() == operations(shape, batch, 17)
    assert body.get_total_flops() + head.get_total_flops() == operations(shape, batch, 17, output=shape.vocab)


def test_bytes_by_hand() -> None:
    # 172 numbers of the layer; 2 rows of 4 numbers; the stream of 8 numbers moved three times
    assert least_bytes(SMALL, 1, 2, "fp32") == 4 * (172 + 8) + 4 * 24 == 816
    assert least_bytes(SMALL, 1, 2, "bf16") == 816 // 2
    assert least_bytes(SMALL, 1, 2, "int8") == 172 + 8 + 4 * 24
    assert least_bytes(SMALL, 1, 2, "fp32", output=3) == 816 + 4 * 12 + 4 * 6


def test_layers_have_the_bytes_that_the_model_has(tiny_encoder: Encoder) -> None:
    parameters = tiny_encoder.model.base_model.named_parameters()
    held = sum(4 * parameter.numel() for name, parameter in parameters if name.startswith("encoder.layer."))
    assert held == 4 * 3 * (4 * 33 * 32 + 2 * 32 * 48 + 48 + 32 + 4 * 32)
    stream = 5 * 32
    assert least_bytes(tiny_encoder.shape, 1, 5, "fp32") == held + 4 * stream + 4 * 7 * stream


def test_standing_by_hand() -> None:
    found = standing(2e9, 1e9, 100.0, (40.0, 100.0))
    assert (found.gflop, found.gflops, found.gbytes_per_s) == (2.0, 20.0, 10.0)
    assert (found.compute_share, found.bandwidth_share) == (0.5, 0.1)
    assert (found.share_of_peak, found.bound) == (0.5, "compute")
    # the roofline at 2 operations a byte is min(400, 2 x 12.5) = 25 GFLOP/s, of which 20 are 0.8
    slow = standing(2e9, 1e9, 100.0, (400.0, 12.5))
    assert (slow.share_of_peak, slow.bound) == (0.8, "bandwidth")
    # bytes at twice the rate of memory came from caches: memory is not what bounds this run
    cached = standing(2e9, 1e9, 100.0, (40.0, 5.0))
    assert (cached.bandwidth_share, cached.share_of_peak, cached.bound) == (2.0, 0.5, "compute")


def test_without_a_peak_there_is_no_share() -> None:
    found = standing(2e9, 1e9, 100.0, None)
    assert found.gflops == 20.0
    assert [found.compute_share, found.bandwidth_share, found.share_of_peak, found.bound] == [None] * 4


def test_the_fastest_library_is_the_peak() -> None:
    assert highest(PEAKS, "cpu", 1, "fp32") == (40.0, 100.0)
    assert highest(PEAKS, "cpu", 1, "int8") is None
    assert highest(PEAKS, "cpu", 2, "fp32") is None
    assert highest(PEAKS, "cuda", 1, "fp32") is None


def test_peaks_of_this_machine() -> None:
    peak = measure_peak("cpu", 1, ["fp32", "int8"], seconds=0.0)
    assert (peak.device, peak.threads) == ("cpu", 1)
    assert {name: set(found) for name, found in peak.gflops.items()} == {
        "fp32": {"torch", "numpy", "onnxruntime"},
        "int8": {"onnxruntime"},
    }
    assert min(rate for found in peak.gflops.values() for rate in found.values()) > 0
    assert peak.copy_gbytes_per_s > 0
    assert parse(Peak, json.dumps(plain(peak))) == peak


def test_a_process_that_dies_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roofline, "run_fresh", lambda *asked: Finished(-9, "", "", 0))
    with pytest.raises(HostError, match=r"peaks ended by signal 9 \(no message\); free memory"):
        measure_peak("cpu", 1, ["fp32"], seconds=0.0)
