"""What `edgeenc bench` measured, one row a measurement. None stands for what was not measured, never for 0."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from edgeenc.record.host import Gpu, Peak
from edgeenc.record.scores import Difference, Score

Status = Literal["measured", "not run", "failed"]


@dataclass(frozen=True, slots=True)
class Condition:
    """What a time depends on besides the model; `seq_len` None means that every sentence has its own length."""

    runtime: str
    device: str
    threads: int
    batch: int
    seq_len: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One model in one runtime at one shape of input, over all rounds; each round is a fresh process.

    A row that was not run says why; its lists are empty and its figures None.

    Attributes:
        model: the name given on the command line (`name=folder`), else that of the folder.
        runtime, device, precision: `ort` is ONNX Runtime, `torch` is eager PyTorch.
        threads: threads within one operation.
        batch: sentences a run.
        seq_len: tokens a sentence with [CLS] and [SEP]; None: every sentence at its own length, padded in its batch.
        status, reason: `reason` is empty where it was measured.
        text: where the sentences come from.
        output: first output of the model, `last_hidden_state` or `logits`; rows that differ in it are not comparable.
        tokens_per_sentence, characters_per_sentence: means; padding is not counted. Two tokenizers at one `seq_len` get
            through different amounts of text: milliseconds per character say which model is faster on text.
        file_bytes: the file that was run: the ONNX file with its external data, or `model.safetensors`.
        p50_ms, p90_ms, p99_ms: a run of a whole batch, over the samples of all rounds; tokenization is not in it.
        samples_ms, samples_per_round: every sample, round after round, and how many belong to each.
        clock: `wall`, or `events` of CUDA.
        spread: slowest less fastest median of a round, as a share of `p50_ms`; None where there was one round.
        noisy: the spread is too wide to conclude from this row.
        sentences_per_s, tokens_per_s: over the time of all samples; padding is not counted.
        tokenizer_ms, tokenizer_samples_ms: text to ids, a batch, with as many threads; median and samples of all
            rounds.
        load_ms, load_samples_ms: file to a session that can be run, the runtime imported before and the file in the
            page cache; median over the rounds, and each.
        cold_start_ms, cold_start_samples_ms: start of the process to its first result: interpreter, imports, tokenizer,
            load, one batch of text; median over the rounds, and each. Of `torch-compiled` the first round counts, since
            later ones find compiled code on disk.
        base_rss_bytes: interpreter and runtime, before any model; median of the rounds.
        peak_rss_bytes, steady_rss_bytes: of the process in its worst round: highest until the last sample, loading
            included; and after the last sample.
        peak_above_base_bytes, steady_above_base_bytes: the same less the base of that round: what the model costs.
        retained_bytes: what is kept above `steady_rss_bytes` after a run of batches of other lengths; of the first
            round.
        vram_allocated_bytes, vram_reserved_bytes: peaks of PyTorch's allocator on the GPU.
        gflop: 10^9 operations of one run, 2 for each multiply-add; `bench.roofline` has the arithmetic.
        gflops, gbytes_per_s: at `p50_ms`; the bytes are a lower bound.
        compute_share, bandwidth_share: of the highest product and copy rates measured on this machine.
        share_of_peak, bound: the larger of the two, which is the share of the roofline, and which one it is. A
            bandwidth share above 1 means that the weights came from caches, faster than memory; then it is the compute
            share.
    """

    model: str
    runtime: str
    device: str
    precision: str
    threads: int
    batch: int
    seq_len: int | None = None
    status: Status = "measured"
    reason: str = ""

    text: str = ""
    output: str | None = None
    tokens_per_sentence: float | None = None
    characters_per_sentence: float | None = None
    file_bytes: int | None = None

    p50_ms: float | None = None
    p90_ms: float | None = None
    p99_ms: float | None = None
    samples_ms: tuple[float, ...] = ()
    samples_per_round: tuple[int, ...] = ()
    clock: Literal["wall", "events"] | None = None
    spread: float | None = None
    noisy: bool = False
    sentences_per_s: float | None = None
    tokens_per_s: float | None = None
    tokenizer_ms: float | None = None
    tokenizer_samples_ms: tuple[float, ...] = ()
    load_ms: float | None = None
    load_samples_ms: tuple[float, ...] = ()
    cold_start_ms: float | None = None
    cold_start_samples_ms: tuple[float, ...] = ()

    base_rss_bytes: int | None = None
    peak_rss_bytes: int | None = None
    steady_rss_bytes: int | None = None
    peak_above_base_bytes: int | None = None
    steady_above_base_bytes: int | None = None
    retained_bytes: int | None = None
    vram_allocated_bytes: int | None = None
    vram_reserved_bytes: int | None = None

    gflop: float | None = None
    gflops: float | None = None
    gbytes_per_s: float | None = None
    compute_share: float | None = None
    bandwidth_share: float | None = None
    share_of_peak: float | None = None
    bound: Literal["compute", "bandwidth"] | None = None

    @property
    def name(self) -> str:
        """Model and precision in one, such as `student int8`."""
        return f"{self.model} {self.precision}"

    @property
    def measured(self) -> bool:
        """Whether there is a time at all."""
        return self.p50_ms is not None

    @property
    def condition(self) -> Condition:
        """Everything but the model that a time depends on."""
        return Condition(self.runtime, self.device, self.threads, self.batch, self.seq_len)


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchHost:
    """The machine of a benchmark; None for what it does not tell, and nothing (or 0) for what an old file does not.

    Attributes:
        cores_of_cgroup: cores that the cgroup grants; None for no limit.
        load: the one-minute average before the first measurement.
        The others as in `host.Host`.
    """

    cpu: str = ""
    architecture: str = ""
    flags: tuple[str, ...] = ()
    cores: int = 0
    cores_of_machine: int = 0
    cores_of_cgroup: float | None = None
    governor: str | None = None
    memory_bytes: int | None = None
    load: float | None = None
    system: str = ""
    python: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    gpus: tuple[Gpu, ...] = ()
    peaks: tuple[Peak, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """The whole result: what `--json` prints and `bench.json` holds.

    `tasks` and `differences` are what the reports of the bundles say, measured when they were built; empty of other
    models.
    """

    host: BenchHost
    rows: tuple[Row, ...]
    tasks: tuple[Score, ...] = ()
    differences: tuple[Difference, ...] = ()
