"""`edgeenc bench` on real models of a few neurons, in real processes: bounded by runs, not by the clock."""

from __future__ import annotations

import json
import math
import re
import shutil
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from line import Done, edgeenc
from onnx import TensorProto, helper, numpy_helper
from shown import changed, task_facts

from edgeenc.bench import harness
from edgeenc.bench.engines import engines
from edgeenc.bench.engines.clocks import by_clock
from edgeenc.bench.subject import Subject, read_subject, stored_bytes
from edgeenc.bench.taken_scores import BundleScores, read_scores
from edgeenc.errors import InputError
from edgeenc.model.encoder import Encoder, save_encoder
from edgeenc.model.purpose import default_purpose
from edgeenc.model.shape import Shape
from edgeenc.record.facts import Facts
from edgeenc.record.form import Json, as_object, parse, plain
from edgeenc.record.rows import Bench, BenchHost, Row
from edgeenc.targets.sessions.torch_session import encoder_session
from edgeenc.text.whole import padded

KEYS = {  # the issue's own list
    *("model", "runtime", "device", "precision", "threads", "batch", "seq_len", "p50_ms", "p90_ms", "p99_ms"),
    *("samples_ms", "sentences_per_s", "tokens_per_s", "peak_rss_bytes", "steady_rss_bytes", "load_ms"),
    *("cold_start_ms", "file_bytes"),
}
TASK_KEYS = {"task", "model", "precision", "metric", "value", "low", "high", "n", "seeds"}
FEW = ("--runs", "3", "--seconds", "0")


@dataclass(frozen=True)
class Run:
    """A run of the command, what it printed, and what it wrote."""

    bundle: Path
    out: Path
    done: Done
    printed: dict[str, Json]
    written: dict[str, Json]
    result: Bench

    def rows(self, runtime: str, device: str = "cpu", precision: str = "fp32") -> list[Row]:
        wanted = (runtime, device, precision)
        return [row for row in self.result.rows if (row.runtime, row.device, row.precision) == wanted]


def rows_graph(path: Path, rows: int, width: int) -> None:
    """Write a graph that looks up a row for each token: the smallest thing that ONNX Runtime can run."""
    table = numpy_helper.from_array(np.random.default_rng(0).normal(size=(rows, width)).astype(np.float32), "table")
    node = helper.make_node("Gather", ["table", "input_ids"], ["last_hidden_state"])
    ids = helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch", "tokens"])
    hidden = helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, ["batch", "tokens", width])
    graph = helper.make_graph([node], "rows", [ids], [hidden], [table])
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


def make_bundle(encoder: Encoder, lines: tuple[str, ...], folder: Path) -> Path:
    """Write what `bench` reads of a bundle: a checkpoint, an fp32 file, golden texts."""
    save_encoder(encoder, folder)
    rows_graph(folder / "onnx" / "model.onnx", encoder.shape.vocab, encoder.shape.hidden)
    golden = "".join(json.dumps({"text": line, "ids": [], "output": []}) + "\n" for line in lines)
    (folder / "golden.jsonl").write_text(golden, encoding="utf-8")
    return folder


def with_report(folder: Path, facts: Facts) -> None:
    (folder / "report").mkdir(exist_ok=True)
    (folder / "report" / "report.json").write_text(json.dumps(plain(facts)), encoding="utf-8")


@pytest.fixture(scope="module")
def bundle(tiny_encoder: Encoder, sentences: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_bundle(tiny_encoder, sentences, tmp_path_factory.mktemp("models") / "tiny")
    with_report(folder, task_facts())
    return folder


@pytest.fixture
def no_peaks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the process that measures the machine, which has tests of its own and is the slowest to start."""
    monkeypatch.setattr(harness, "measured_peaks", lambda cases, ask: [])


@pytest.fixture(scope="module")
def run(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    out = tmp_path_factory.mktemp("results") / "here"
    asked = ["--runtime", "ort,torch", "--device", "cpu,cuda", "--batch", "2", "--seq-len", "16", *FEW]
    done = edgeenc("bench", f"one={bundle}", *asked, "--rounds", "2", "--json", "-o", str(out))
    written = json.loads((out / "bench.json").read_text("utf-8"))
    return Run(bundle, out, done, json.loads(done.stdout), written, parse(Bench, done.stdout))


def test_it_is_one_json_object_of_host_rows_and_tasks(run: Run) -> None:
    assert run.done.returncode == 0
    assert list(run.printed) == ["host", "rows", "tasks", "differences"]
    host, rows = run.printed["host"], run.printed["rows"]
    assert isinstance(host, dict) and isinstance(rows, list)
    assert list(host) == [one.name for one in fields(BenchHost)]
    assert run.printed == run.written == plain(run.result)
    for row in rows:
        assert isinstance(row, dict) and list(row) == [one.name for one in fields(Row)]
        assert set(row) >= KEYS
    # one model and one length; two runtimes, two devices, two precisions
    assert len(rows) == 2 * 2 * 2


def test_tasks_are_those_of_the_bundle_s_own_report(run: Run) -> None:
    asked = task_facts()
    assert len(run.result.tasks) == len(asked.tasks) == 8
    for written, score in zip(run.result.tasks, asked.tasks, strict=True):
        told = as_object(written)
        assert set(told) >= TASK_KEYS
        assert told == {**as_object(score), "model": "one" if score.model == "student" else score.model}
    assert {(d.model, d.baseline) for d in run.result.differences} == {("one", "teacher fp32")}
    assert "topic, macro F1: teacher torch 84.12 %, teacher fp32 84.12 %" in run.done.stderr


def test_the_pages_of_a_report_lie_beside_the_result(run: Run) -> None:
    out = run.out
    assert sorted(p.name for p in out.iterdir()) == ["bench.json", "report.html", "report.json", "report.md"]
    page = (out / "report.html").read_text("utf-8")
    assert "<script" not in page and "<link" not in page and not re.search(r"(src|href)=[\"']?(http|//)", page)
    answers = json.loads((out / "report.json").read_text("utf-8"))["answers"]
    # the paired interval of the bundle's report, not two intervals side by side
    assert "macro F1 on topic (95 % CI" in answers[0] and "of the paired difference" in answers[0]
    assert answers[0] in run.done.stderr
    assert (out / "report.md").read_text("utf-8").startswith("# here\n\n")


def test_scores_keep_apart_what_bundles_say_differently(tmp_path: Path) -> None:
    a, b, c, bare = (subject_at(tmp_path / name) for name in ("a", "b", "c", "bare"))
    for place in (a, b, c):
        with_report(place.folder, task_facts())
    told = [(s.task, s.model, s.precision) for s in read_scores([a, bare, b]).tasks]
    assert len(told) == len(set(told))
    assert {model for _, model, _ in told} == {"a", "b", "teacher", "trim-only"}
    with_report(c.folder, changed(task_facts(), "tasks.0.value", 0.5))  # the teacher on topic, in PyTorch
    scored = read_scores([a, c])
    topic = {s.model for s in scored.tasks if s.task == "topic"}
    assert topic == {"a", "c", "a teacher", "c teacher", "trim-only"}
    assert {s.model for s in scored.tasks if s.task == "pos"} == {"a", "c", "teacher"}
    assert {d.baseline for d in scored.differences if d.model == "c"} == {"c teacher fp32", "teacher fp32"}
    assert read_scores([bare]) == BundleScores()


def test_a_damaged_report_is_named(tmp_path: Path) -> None:
    subject = subject_at(tmp_path)
    (tmp_path / "report").mkdir()
    for text, words in (("[1", "is not the report of a build"), ('{"tasks": [{"task": 3}]}', "tasks.0.task: Input")):
        (tmp_path / "report" / "report.json").write_text(text, "utf-8")
        with pytest.raises(InputError, match=words):
            read_scores([subject])


def subject_at(folder: Path) -> Subject:
    folder.mkdir(exist_ok=True)
    return Subject(folder.name, folder, Shape(1, 8, 2, 4, 8, 10, 16, 2, "bert"), 16, 0, {}, "")


def test_rows_hold_every_sample(run: Run) -> None:
    measured = [*run.rows("ort"), *run.rows("torch")]
    assert [row.seq_len for row in measured] == [16, 16]
    for row in measured:
        assert (row.status, row.reason, row.batch, row.threads) == ("measured", "", 2, 1)
        assert row.samples_per_round == (4, 4)  # a whole pass over 4 batches
        assert len(row.samples_ms) == 8
        assert min(row.samples_ms) > 0
        assert row.p50_ms == pytest.approx(np.median(row.samples_ms), abs=1e-4)
        assert len(row.cold_start_samples_ms) == len(row.load_samples_ms) == 2
        assert row.sentences_per_s == pytest.approx(2e3 / np.mean(row.samples_ms), rel=1e-4)
        assert row.text == "golden.jsonl of one"
        assert row.clock == "wall"
        assert row.spread is not None


def test_sentences_have_the_tokens_that_were_asked_for(run: Run) -> None:
    for row in (*run.rows("ort"), *run.rows("torch")):
        assert row.tokens_per_sentence == 16
        assert row.tokens_per_s == pytest.approx(16 * (row.sentences_per_s or 0), rel=1e-4)


@pytest.mark.usefixtures("no_peaks")
def test_sentences_as_long_as_they_are(bundle: Path, tiny_encoder: Encoder, sentences: tuple[str, ...]) -> None:
    asked = ["--runtime", "ort", "--precision", "fp32", "--batch", "2", "--seq-len", "own", "--rounds", "1"]
    (row,) = parse(Bench, edgeenc("bench", str(bundle), *asked, *FEW, "--json").stdout).rows
    assert row.seq_len is None
    assert row.samples_per_round == (10,)  # 20 sentences
    tokens = [len(tiny_encoder.tokenizer.encode(line).ids) for line in sentences]
    assert row.tokens_per_sentence == pytest.approx(np.mean(tokens), abs=1e-4)
    assert row.characters_per_sentence == pytest.approx(np.mean([len(line) for line in sentences]), abs=1e-4)
    assert row.tokens_per_s == pytest.approx(np.mean(tokens) * (row.sentences_per_s or 0), rel=1e-4)
    assert (row.spread, row.noisy, row.share_of_peak) == (None, False, None)


def test_memory_and_times_are_possible(run: Run) -> None:
    for row in (*run.rows("ort"), *run.rows("torch")):
        base, steady, peak = row.base_rss_bytes, row.steady_rss_bytes, row.peak_rss_bytes
        assert base is not None and steady is not None and peak is not None
        assert 10e6 < base < peak + 1e6
        assert steady < peak + 1e6  # the kernel counts in batches of pages
        above = row.peak_above_base_bytes
        assert above is not None and abs(above) < 400e6
        assert row.retained_bytes is not None
        assert 0 < (row.load_ms or 0) < (row.cold_start_ms or 0)
        assert (row.tokenizer_ms or 0) > 0
    # PyTorch's interpreter is several times as large as that of ONNX Runtime: each process holds one of them
    assert (run.rows("torch")[0].base_rss_bytes or 0) > 2 * (run.rows("ort")[0].base_rss_bytes or 0)


def test_files_are_counted(run: Run) -> None:
    assert run.rows("ort")[0].file_bytes == (run.bundle / "onnx" / "model.onnx").stat().st_size
    assert run.rows("torch")[0].file_bytes == (run.bundle / "model.safetensors").stat().st_size


def test_shares_are_of_the_peaks_in_the_host(run: Run) -> None:
    peak = run.result.host.peaks[0]
    assert (peak.device, peak.threads) == ("cpu", 1)
    best = max(peak.gflops["fp32"].values())
    for row in run.rows("torch"):
        assert row.gflops == pytest.approx((row.gflop or 0) / (row.p50_ms or 1) * 1e3, rel=1e-2, abs=1e-4)
        assert row.compute_share == pytest.approx((row.gflops or 0) / best, rel=1e-2, abs=1e-5)
        bounds = {"compute": row.compute_share, "bandwidth": row.bandwidth_share}
        assert row.share_of_peak == bounds[row.bound or ""]
    # 3 layers; a token costs 4 x 32 x 32 + 2 x 32 x 48 + 2 x 16 x 32 multiply-adds in each; 2 sentences of 16
    assert run.rows("torch")[0].gflop == round(2 * 2 * 16 * 3 * (4096 + 3072 + 1024) / 1e9, 6)


def test_what_was_not_run_has_a_reason_and_no_figure(run: Run) -> None:
    missing = [*run.rows("ort", precision="int8"), *run.rows("torch", precision="int8")]
    assert {row.reason for row in run.rows("ort", precision="int8")} == {"no file model_quantized.onnx"}
    if not torch.cuda.is_available():
        assert {row.reason for row in run.rows("torch", "cuda")} == {"PyTorch sees no CUDA device"}
        missing += run.rows("torch", "cuda")
    for row in missing:
        assert row.status == "not run"
        assert row.p50_ms is row.peak_rss_bytes is row.vram_allocated_bytes is row.share_of_peak is None
        assert row.samples_ms == ()
    assert "no file model_quantized.onnx" in run.done.stderr


@pytest.mark.usefixtures("no_peaks")
def test_figures_are_shown_for_a_person(bundle: Path, tmp_path: Path) -> None:
    asked = ["--runtime", "ort", "--precision", "fp32", "--seq-len", "8", "--batch", "1", "--rounds", "1", *FEW]
    (tmp_path / "lines.txt").write_text("Kumain kami ng kanin.\n", encoding="utf-8")
    done = edgeenc("bench", str(bundle), *asked, "--text", str(tmp_path / "lines.txt"), cwd=tmp_path)
    assert done.returncode == 0
    head = next(line for line in done.stdout.splitlines() if line.startswith("model"))
    assert head.split() == [
        "model",
        "runtime",
        "p50",
        "ms",
        "p90",
        "p99",
        "spread",
        "sent/s",
        "MB",
        "start",
        "s",
        "roofline",
    ]
    line = next(line for line in done.stdout.splitlines() if line.startswith("tiny"))
    assert line.split()[:3] == ["tiny", "ort", "fp32"]
    assert "…" not in done.stdout
    assert "batch 1, 8 tokens, 1 thread" in done.stdout
    assert "one round shows no noise" in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["lines.txt"]


def test_models_take_turns(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two models, three rounds: the order is turned round each time, and a model that failed is left alone."""
    from edgeenc.bench.figures import BenchText
    from edgeenc.bench.fresh import Finished
    from edgeenc.bench.matrix import Matrix, contests

    subjects = [read_subject(f"{name}={bundle}") for name in ("first", "second", "broken")]
    ask = Matrix(runtimes=("torch",), precisions=("fp32",), lengths=(8,), rounds=3, runs=1, seconds=0.0)
    started: list[str] = []

    def run_case(case: harness.Case, text: BenchText, ask: Matrix, turn: int, scratch: Path) -> Finished:
        started.append(f"{case.subject.name} {turn}")
        return Finished(1, "", "out of luck", 0) if case.subject.name == "broken" else Finished(0, "{}", "", 0)

    monkeypatch.setattr(harness, "parse", lambda kind, answer: answer)
    monkeypatch.setattr(harness, "run_case", run_case)
    monkeypatch.setattr(harness, "measured_row", lambda case, rounds, text, peaks: len(rounds))
    group = contests(subjects, ask)[0]
    told: list[tuple[int, int]] = []
    watch = harness.Watch(lambda progress: told.append((progress.done, progress.total)))
    setup = harness.Setup(ask, "text", ["isa dalawa tatlo"], [], watch)
    rows = harness.run_contest(group, setup, (0, 9))
    assert started == ["first 0", "second 0", "broken 0", "second 1", "first 1", "first 2", "second 2"]
    assert rows[:2] == [3, 3]
    assert (rows[2].status, rows[2].reason) == ("failed", "ended with code 1 (out of luck)")
    assert told == [(number, 9) for number in range(9)]


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_an_engine_runs_the_model_it_is_given(bundle: Path, tiny_encoder: Encoder, precision: str) -> None:
    threads = torch.get_num_threads()
    rows = [tiny_encoder.tokenizer.encode(line).ids for line in ("Kumain kami.", "Ang tubig sa ilog ay malinaw.")]
    ids_BT, attend_BT = padded(rows, 0)
    weights = bundle / "model.safetensors"
    engine = engines()["torch"].open(weights, "cpu", precision, threads)  # pyright: ignore[reportArgumentType]
    found_BTH = engine.run(ids_BT, attend_BT)
    expected_BTH = encoder_session(tiny_encoder, default_purpose())(ids_BT, attend_BT)
    kept = attend_BT == 1
    tolerance = 1e-5 if precision == "fp32" else 0.2  # bfloat16 has 8 bits, and the layers are 3
    assert np.abs(found_BTH - expected_BTH)[kept].max() < tolerance
    assert (np.abs(found_BTH - expected_BTH)[kept].max() > 1e-5) is np.bool_(precision == "bf16")
    assert engine.vram() is None
    assert engine.bind(ids_BT, attend_BT)() > 0


def test_a_run_is_timed_from_begin_to_end() -> None:
    ran: list[float] = []
    assert by_clock(lambda: ran.append(math.factorial(2000) % 7)) > 0
    assert len(ran) == 1


@pytest.mark.usefixtures("no_peaks")
def test_a_damaged_file_fails_its_rows_and_no_others(bundle: Path, tmp_path: Path) -> None:
    shutil.copytree(bundle, tmp_path / "bad")
    (tmp_path / "bad" / "onnx" / "model.onnx").write_bytes(b"no graph")
    asked = ["--runtime", "ort", "--precision", "fp32", "--seq-len", "8", "--rounds", "1", *FEW, "--json"]
    done = edgeenc("bench", str(tmp_path / "bad"), f"good={bundle}", *asked)
    assert done.returncode == 5
    assert "1 of 2 measurements failed; the first is bad, ort fp32: ended with code 1" in done.stderr
    assert "ONNX Runtime cannot load it" in done.stderr
    bad, good = parse(Bench, done.stdout).rows
    assert (bad.status, bad.p50_ms, good.status) == ("failed", None, "measured")


@pytest.mark.parametrize(("arguments", "code", "words"), [
    ([], 2, "Missing argument"),
    (["{tmp}/none"], 5, "no such folder"),
    (["x={tmp}/none"], 5, "no such folder"),
    (["{tmp}"], 5, "config.json is missing"),
    (["{bundle}", "{bundle}"], 2, "more than one of them called tiny; give each a name: tiny-1="),
    (["{bundle}", "--runtime", "tflite"], 2, "'tflite': expected one or more of ort, session, torch, torch-compiled"),
    (["{bundle}", "--device", "tpu"], 2, "'tpu': expected one or more of cpu, cuda"),
    (["{bundle}", "--precision", "int4"], 2, "expected one or more of fp32, int8, bf16, fp16"),
    (["{bundle}", "--batch", "1,0"], 2, "'0': expected one or more of whole numbers from 1"),
    (["{bundle}", "--seq-len", "16,whole"], 2, "'whole': expected one or more of whole numbers from 1, own"),
    (["{bundle}", "--seq-len", "2"], 2, "length 2 has no room for text"),
    (["{bundle}", "--text", "{tmp}/none.txt"], 5, "no such file"),
    (["{bundle}", "--rounds", "0"], 2, "0 is not in the range"),
    (["{plain}"], 2, "give one with --text FILE"),
])  # fmt: skip
def test_mistakes_have_words_and_a_code(
    bundle: Path, tmp_path: Path, arguments: list[str], code: int, words: str
) -> None:
    plain = tmp_path / "plain"
    shutil.copytree(bundle, plain, ignore=shutil.ignore_patterns("golden.jsonl", "onnx"))
    filled = [argument.format(tmp=tmp_path, bundle=bundle, plain=plain) for argument in arguments]
    done = edgeenc("bench", *filled, cwd=tmp_path)
    assert words in " ".join(done.stderr.split())
    assert done.returncode == code
    assert "Traceback" not in done.stderr


def test_a_folder_with_nothing_to_run_is_refused(bundle: Path, tmp_path: Path) -> None:
    shutil.copytree(bundle, tmp_path / "bare", ignore=shutil.ignore_patterns("*.safetensors", "onnx"))
    with pytest.raises(InputError, match=r"bare has neither model\.safetensors nor onnx/model\.onnx"):
        read_subject(str(tmp_path / "bare"))


def test_a_subject_is_read(bundle: Path, tiny_encoder: Encoder, tmp_path: Path) -> None:
    named, plain = read_subject(f"student={bundle}"), read_subject(str(bundle))
    assert (named.name, plain.name) == ("student", "tiny")
    assert named.folder == plain.folder == bundle.resolve()
    assert named.shape == tiny_encoder.shape
    assert set(named.exported) == {"fp32"}
    assert named.file("torch", "bf16") == bundle.resolve() / "model.safetensors"
    (tmp_path / "big.onnx").write_bytes(b"123")
    (tmp_path / "big.onnx_data").write_bytes(b"12345")
    assert stored_bytes(tmp_path / "big.onnx") == 8
