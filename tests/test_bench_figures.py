"""From samples to rows: every formula by hand, texts of an exact length, and what cannot be run."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers

from edgeenc.bench.engines import engines
from edgeenc.bench.figures import BenchText, Round, empty_row, measured_row, percentiles, spread, throughput
from edgeenc.bench.fresh import Finished, run_fresh
from edgeenc.bench.matrix import Case, Matrix, contests, obstacle
from edgeenc.bench.row_process import Taken, sampled, up_and_down
from edgeenc.bench.sentences import exact_batches, exact_text, own_lengths
from edgeenc.bench.settings import Device
from edgeenc.bench.subject import Subject
from edgeenc.errors import InputError, UsageError
from edgeenc.machine import describe as host
from edgeenc.machine.memory import status_bytes
from edgeenc.model.encoder import Encoder
from edgeenc.model.shape import Shape
from edgeenc.record.form import plain
from edgeenc.record.rows import Condition, Row
from edgeenc.report.conditions import runtime_words
from edgeenc.screen.bench_lines import host_notes, input_name, notes, progress_line, runs_as
from edgeenc.text.whole import padded

MB = 2**20
SHAPE = Shape(layers=1, hidden=4, heads=1, head_width=4, ffn=8, vocab=10, positions=16, types=2, family="bert")
ALL, NONE = True, False


@pytest.fixture
def subject(tmp_path: Path) -> Subject:
    """Return a model with a checkpoint of 5 bytes and an fp32 file of 7 with 4 bytes beside it."""
    (tmp_path / "model.safetensors").write_bytes(b"12345")
    (tmp_path / "model.onnx").write_bytes(b"1234567")
    (tmp_path / "model.onnx_data").write_bytes(b"1234")
    return Subject("small", tmp_path, SHAPE, 16, 0, {"fp32": tmp_path / "model.onnx"}, "")


def case(subject: Subject, length: int | None = 2) -> Case:
    return Case(subject, "ort", "cpu", "fp32", threads=1, batch=2, length=length)


def taken(samples: list[float], base: int, peak: int, steady: int) -> Taken:
    return Taken(
        output="last_hidden_state",
        width=4,
        clock="wall",
        tokens=((2, 2), (1, 2)),
        samples_ms=tuple(samples),
        tokenizer_ms=(0.1, 0.3),
        load_ms=5.0,
        first_result_ns=250_000_000,
        base_rss_bytes=base,
        peak_rss_bytes=peak,
        steady_rss_bytes=steady,
        retained_bytes=3 * MB,
        vram=None,
    )


def machine(monkeypatch: pytest.MonkeyPatch, *, able: bool) -> None:
    """Let the machine be one where everything runs, or one without GPU and compiler."""
    providers = ["CUDAExecutionProvider", "CPUExecutionProvider"] if able else ["CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: providers)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: able)
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}" if able else None)


def test_percentiles_by_hand() -> None:
    assert percentiles([float(number) for number in range(11, 0, -1)]) == (6.0, 10.0, 10.9)
    assert percentiles([4.0]) == (4.0, 4.0, 4.0)


def test_throughput_by_hand() -> None:
    # 4 runs of 2 sentences in 0.1 s; two passes over 7 + 13 tokens
    assert throughput([10, 30, 20, 40], [7, 13], batch=2) == (80.0, 400.0)


def test_spread_by_hand() -> None:
    assert spread([[1, 2, 3], [3, 4, 5]]) == round(2 / 3, 4)
    assert spread([[5, 5], [5]]) == 0.0
    assert spread([[1, 2, 3]]) is None


def test_a_row_by_hand(subject: Subject) -> None:
    rounds = [
        Round(taken([10.0, 30.0], 50 * MB, 80 * MB, 70 * MB), started_ns=50_000_000),
        Round(taken([20.0, 40.0], 40 * MB, 75 * MB, 72 * MB), started_ns=0),
        Round(taken([20.0, 20.0], 45 * MB, 70 * MB, 60 * MB), started_ns=150_000_000),
    ]
    row = measured_row(case(subject), rounds, BenchText("lines.txt", [["isa", "dalawa"], ["a", "bb"]]), [])
    assert (row.status, row.reason, row.text) == ("measured", "", "lines.txt")
    assert row.samples_ms == (10, 30, 20, 40, 20, 20)
    assert row.samples_per_round == (2, 2, 2)
    assert row.p50_ms == 20.0
    assert row.spread == 0.5  # medians 20, 30, 20
    assert row.noisy is True
    assert row.sentences_per_s == round(12 / 0.14, 4)
    assert row.tokens_per_s == round(3 * 7 / 0.14, 4)
    assert row.tokens_per_sentence == 1.75
    assert row.characters_per_sentence == 3.0
    assert row.cold_start_samples_ms == (200.0, 250.0, 100.0)
    assert row.cold_start_ms == 200.0
    assert (row.load_ms, row.tokenizer_ms) == (5.0, 0.2)
    assert row.file_bytes == 11
    assert (row.base_rss_bytes, row.peak_rss_bytes, row.steady_rss_bytes) == (45 * MB, 80 * MB, 72 * MB)
    assert (row.peak_above_base_bytes, row.steady_above_base_bytes) == (35 * MB, 32 * MB)
    assert row.retained_bytes == 3 * MB
    assert (row.vram_allocated_bytes, row.vram_reserved_bytes) == (None, None)
    # both batches are 2 sentences padded to 2 tokens: 2 x 576 operations in 20 ms
    assert row.gflops == round(1152 / 20e-3 / 1e9, 4)
    assert row.share_of_peak is None


def test_the_first_start_of_compiled_code_counts(subject: Subject) -> None:
    compiled = Case(subject, "torch-compiled", "cpu", "fp32", 1, 2, 2)
    rounds = [Round(taken([1.0, 1.0], MB, MB, MB), started) for started in (0, 200_000_000, 210_000_000)]
    assert measured_row(compiled, rounds, BenchText("", [["a"]]), []).cold_start_ms == 250.0


def test_a_row_that_was_not_run_has_no_figure(subject: Subject) -> None:
    row = empty_row(case(subject), "not run", "no reason")
    written = plain(row)
    assert isinstance(written, dict) and list(written) == [one.name for one in fields(Row)]
    asked = {"model", "runtime", "device", "precision", "threads", "batch", "seq_len", "status", "reason"}
    assert {key for key, value in written.items() if value not in (None, [], "", False)} == asked


def test_padding_by_hand() -> None:
    ids_BT, attend_BT = padded([[7, 8], [9]], 0)
    assert ids_BT.tolist() == [[7, 8], [9, 0]]
    assert attend_BT.tolist() == [[1, 1], [1, 0]]
    assert ids_BT.dtype == attend_BT.dtype == np.int64


def test_samples_are_whole_passes() -> None:
    clock = itertools.count(1)
    runs = [lambda: float(next(clock)), lambda: -float(next(clock))]
    assert sampled(runs, 3, 0.0) == [1.0, -2.0, 3.0, -4.0]


def test_lengths_go_up_and_down() -> None:
    assert up_and_down(80) == [80, 10, 70, 20, 60, 30, 50, 40]
    assert min(up_and_down(3)) == 1


@pytest.mark.parametrize("length", [3, 5, 16, 64])
def test_texts_are_exactly_as_long_as_asked(tiny_encoder: Encoder, sentences: tuple[str, ...], length: int) -> None:
    batches = exact_batches(tiny_encoder.tokenizer, sentences, length, batch=3)
    assert [len(batch) for batch in batches] == [3, 3, 3, 3]
    cutting = Tokenizer.from_str(tiny_encoder.tokenizer.to_str())
    cutting.enable_truncation(length)
    text = " ".join(sentences)
    longest_word = max(len(word) for word in text.split())
    for line in itertools.chain(*batches):
        assert len(cutting.encode(line).ids) == length
        assert length <= len(tiny_encoder.tokenizer.encode(line).ids) < length + longest_word
        assert line in f"{text} {text}"  # real text, cut between words
    assert len({line for batch in batches for line in batch}) > 1


def test_a_length_needs_room_and_a_text_needs_tokens(tiny_encoder: Encoder) -> None:
    with pytest.raises(UsageError, match=r"length 2 has no room for text; expected at least 3"):
        exact_batches(tiny_encoder.tokenizer, ["isa"], 2, batch=1)
    nothing = Tokenizer(models.WordLevel({"isa": 0}, unk_token="isa"))
    nothing.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    with pytest.raises(InputError, match="makes no tokens of the text"):
        exact_text(nothing, itertools.repeat(" "), 4, most=5)


def test_sentences_at_their_own_length() -> None:
    lines = [str(number) for number in range(128)]
    batches = own_lengths(lines, 48)
    assert [len(batch) for batch in batches] == [48, 48]
    assert batches[0][:3] == ["0", "2", "4"]
    assert batches[1][15:18] == ["126", "0", "2"]
    assert own_lengths(["a", "b"], 1) == [["a"], ["b"]]


def test_cases_are_grouped_by_what_they_are_compared_at(subject: Subject) -> None:
    ask = Matrix(("cpu", "cuda"), ("ort",), ("fp32", "int8"), (1, 2), (1, 8), (16, None))
    groups = contests([subject], ask)
    assert [(group[0].threads, group[0].batch, group[0].length) for group in groups] == list(
        itertools.product((1, 2), (1, 8), (16, None))
    )
    assert [(one.device, one.precision) for one in groups[0]] == list(itertools.product(ask.devices, ask.precisions))
    assert {one.device for group in groups[4:] for one in group} == {"cpu"}
    with pytest.raises(UsageError, match="at least one model"):
        contests([], ask)


@pytest.mark.parametrize(("asked", "able", "reason"), [
    (("ort", "cpu", "fp32", 16), NONE, ""),
    (("ort", "cpu", "fp32", 17), ALL, "the model reads texts of 16 tokens at most"),
    (("ort", "cpu", "int8", 16), ALL, "no file model_quantized.onnx"),
    (("ort", "cuda", "fp32", 16), NONE, "this ONNX Runtime has no CUDA provider"),
    (("ort", "cuda", "fp32", 16), ALL, ""),
    (("torch", "cpu", "int8", 16), ALL, "int8 is the name of an exported file; PyTorch has none"),
    (("torch", "cuda", "bf16", 16), NONE, "PyTorch sees no CUDA device"),
    (("torch", "cuda", "bf16", 16), ALL, ""),
    (("torch-compiled", "cpu", "fp32", 16), NONE, "PyTorch compiles with a C++ compiler, and none is installed"),
    (("torch", "cpu", "fp16", None), NONE, ""),
])  # fmt: skip
def test_what_cannot_be_run(
    monkeypatch: pytest.MonkeyPatch,
    subject: Subject,
    asked: tuple[str, Device, str, int | None],
    able: bool,
    reason: str,
) -> None:
    machine(monkeypatch, able=able)
    runtime, device, precision, length = asked
    assert obstacle(Case(subject, runtime, device, precision, 1, 1, length)) == reason


def test_every_runtime_is_a_file_of_its_own_and_reports_know_its_words() -> None:
    words = {
        "ort": "ONNX Runtime",
        "session": "the target's own session",
        "torch": "PyTorch",
        "torch-compiled": "PyTorch, compiled",
    }
    assert {name: engine.words for name, engine in engines().items()} == words
    for name, known in words.items():
        assert runtime_words(Condition(name, "cpu", 1, 1, None)) == known
    code = "import sys; from edgeenc.bench.engines import engines; engines(); print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "onnxruntime", "numpy", "transformers", "pydantic"} & set(re.findall(r"\w+", done.stdout))


def test_a_checkpoint_may_be_missing(monkeypatch: pytest.MonkeyPatch, subject: Subject) -> None:
    machine(monkeypatch, able=ALL)
    (subject.folder / "model.safetensors").unlink()
    assert obstacle(Case(subject, "torch", "cpu", "fp32", 1, 1, 4)) == "no checkpoint in the folder"


def test_memory_is_read_in_units_of_1024() -> None:
    text = "Name:\tpython\nVmHWM:\t      12 kB\nVmRSS:\t       3 kB\n"
    assert status_bytes(text, "VmHWM") == 12_288
    assert status_bytes(text, "VmRSS") == 3_072
    assert status_bytes(text, "VmSwap") is None


def test_memory_that_is_taken_is_seen() -> None:
    """A peak of 64 MB stays a peak after it is given back, and a large parent does not show in its child."""
    ballast = b"1" * (256 * MB)
    code = (
        "import mmap; from edgeenc.machine.memory import *\n"
        "before = resident_bytes(); m = mmap.mmap(-1, 64 * 2**20); m.write(b'1' * 2**20 * 64)\n"
        "during = resident_bytes(); m.close(); print(before, during, resident_bytes(), peak_resident_bytes())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    before, during, after, peak = map(int, done.stdout.split())
    assert len(ballast) > peak
    assert 60 * MB < during - before < 200 * MB
    assert during - after > 60 * MB
    assert peak > during - 2 * MB


def test_a_process_says_how_it_ended() -> None:
    done = run_fresh("edgeenc.bench.row_process", "no json", threads=1)
    assert done.answer == ""
    assert done.reason.startswith("ended with code 1 (json.decoder.JSONDecodeError: Expecting value")
    assert Finished(-9, "", "", 0).reason == "ended by signal 9 (no message)"


def test_cores_of_a_cgroup() -> None:
    files = {"/sys/fs/cgroup/cpu.max": "150000 100000\n"}
    assert host.cgroup_cores(lambda path: files.get(path, "")) == 1.5
    assert host.cgroup_cores(lambda path: {"/sys/fs/cgroup/cpu.max": "max 100000\n"}.get(path, "")) is None
    first = {"/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "50000\n", "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n"}
    assert host.cgroup_cores(lambda path: first.get(path, "")) == 0.5
    first["/sys/fs/cgroup/cpu/cpu.cfs_quota_us"] = "-1\n"
    assert host.cgroup_cores(lambda path: first.get(path, "")) is None
    assert host.cgroup_cores(lambda path: "") is None


def test_what_is_said(subject: Subject) -> None:
    assert input_name(1, 8, 64) == "batch 8, 64 tokens, 1 thread"
    assert input_name(2, 1, None) == "batch 1, sentences as they are, 2 threads"
    rows = [empty_row(case(subject, length), "not run", "no file") for length in (2, 3)]
    assert notes(rows) == ["not run: small ort fp32: no file"]
    assert runs_as(empty_row(Case(subject, "torch", "cuda", "bf16", 1, 1, 2), "not run", "")) == "torch bf16 cuda"
    loud = replace(empty_row(case(subject), "measured", ""), spread=0.2, noisy=True)
    said = notes([loud, replace(loud, noisy=False)])
    assert "in 1 of 2 rows (!) the rounds are more than 10 % apart" in said[-1]
    fast = replace(loud, noisy=False, compute_share=1.01)
    assert "do not trust the column `roofline`" in notes([fast])[-1]
    within = replace(fast, compute_share=0.99, bandwidth_share=1.4)  # caches are faster than memory
    assert len(notes([within])) == 1
    assert "one round shows no noise" in notes([replace(loud, spread=None)])[-1]


def test_progress_tells_the_time_that_is_left(subject: Subject) -> None:
    from edgeenc.bench.harness import ProcessStart

    start = "small, ort fp32 on cpu, batch 2, 2 tokens, 1 thread, round 1"
    assert progress_line(ProcessStart(0, 4, case(subject), 1), 9.0) == f"1 of 4: {start}"
    assert progress_line(ProcessStart(1, 4, case(subject), 1), 9.0) == f"2 of 4: {start}, 27 s left"


def test_another_load_is_warned_of() -> None:
    machine = replace(host.bench_host(), cores=2)
    assert host_notes(replace(machine, load=0.9)) == []
    assert host_notes(replace(machine, load=None)) == []
    assert "the load was 1.0 on 2 cores" in host_notes(replace(machine, load=1.0))[0]


def test_a_measuring_process_holds_no_tokenizer_and_no_library_of_tensors_before_its_baseline() -> None:
    code = "import sys; import edgeenc.bench.row_process; print([m for m in HEAVY if m in sys.modules])"
    heavy = ("torch", "tokenizers", "transformers", "onnxruntime", "scipy")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    asked = [sys.executable, "-c", f"HEAVY = {heavy}; {code}"]
    assert subprocess.run(asked, capture_output=True, text=True, check=True, env=environment).stdout.strip() == "[]"
