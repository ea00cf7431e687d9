"""What `edgeenc bench` says: plain JSON, one row a measurement. None stands for what was not measured, never for 0."""

from __future__ import annotations

from typing import Literal, TypedDict

from edgeenc.record.old_scores import TaskDifference, TaskScore

RuntimeName = Literal["ort", "torch", "torch-compiled"]
Device = Literal["cpu", "cuda"]
Precision = Literal["fp32", "int8", "bf16", "fp16"]
Status = Literal["measured", "not run", "failed"]


class Setting(TypedDict):
    """What was to be measured, and whether it was.

    model: the name given on the command line (`name=folder`), else that of the folder.
    runtime, device, precision: `ort` is ONNX Runtime, `torch` is eager PyTorch.
    threads: threads within one operation.
    batch: sentences a run.
    seq_len: pieces a sentence with [CLS] and [SEP]; None: every sentence at its own length, padded in its batch.
    status, reason: `reason` is empty where it was measured.
    """

    model: str
    runtime: RuntimeName
    device: Device
    precision: Precision
    threads: int
    batch: int
    seq_len: int | None
    status: Status
    reason: str


class Content(TypedDict):
    """What was run.

    text: where the sentences come from.
    output: first output of the model, `last_hidden_state` or `logits`; rows that differ in it are not comparable.
    tokens_per_sentence, characters_per_sentence: means; padding is not counted. Two tokenizers at one `seq_len` get
        through different amounts of text: milliseconds per character say which model is faster on text.
    file_bytes: the file that was run: the ONNX file with its external data, or `model.safetensors`.
    """

    text: str
    output: str | None
    tokens_per_sentence: float | None
    characters_per_sentence: float | None
    file_bytes: int | None


class Times(TypedDict):
    """Milliseconds and rates.

    p50_ms, p90_ms, p99_ms: a run of a whole batch, over the samples of all rounds; tokenization is not in it.
    samples_ms, samples_per_round: every sample, round after round, and how many belong to each.
    clock: `wall`, or `events` of CUDA.
    spread: slowest less fastest median of a round, as a share of `p50_ms`; None where there was one round.
    noisy: the spread is too wide to conclude from this row.
    sentences_per_s, tokens_per_s: over the time of all samples; padding is not counted.
    tokenizer_ms, tokenizer_samples_ms: text to ids, a batch, with as many threads; median and samples of all rounds.
    load_ms, load_samples_ms: file to a session that can be run, the runtime imported before and the file in the page
        cache; median over the rounds, and each.
    cold_start_ms, cold_start_samples_ms: start of the process to its first result: interpreter, imports, tokenizer,
        load, one batch of text; median over the rounds, and each. Of `torch-compiled` the first round counts, since
        later ones find compiled code on disk.
    """

    p50_ms: float | None
    p90_ms: float | None
    p99_ms: float | None
    samples_ms: list[float]
    samples_per_round: list[int]
    clock: Literal["wall", "events"] | None
    spread: float | None
    noisy: bool
    sentences_per_s: float | None
    tokens_per_s: float | None
    tokenizer_ms: float | None
    tokenizer_samples_ms: list[float]
    load_ms: float | None
    load_samples_ms: list[float]
    cold_start_ms: float | None
    cold_start_samples_ms: list[float]


class Memory(TypedDict):
    """Bytes of the process, in its worst round.

    base_rss_bytes: interpreter and runtime, before any model; median of the rounds.
    peak_rss_bytes, steady_rss_bytes: highest until the last sample, loading included; and after the last sample.
    peak_above_base_bytes, steady_above_base_bytes: the same less the base of that round: what the model costs.
    retained_bytes: what is kept above `steady_rss_bytes` after a run of batches of other lengths; of the first round.
    vram_allocated_bytes, vram_reserved_bytes: peaks of PyTorch's allocator on the GPU.
    """

    base_rss_bytes: int | None
    peak_rss_bytes: int | None
    steady_rss_bytes: int | None
    peak_above_base_bytes: int | None
    steady_above_base_bytes: int | None
    retained_bytes: int | None
    vram_allocated_bytes: int | None
    vram_reserved_bytes: int | None


class Standing(TypedDict):
    """How far from the machine's limit; `roofline.py` has the arithmetic.

    gflop: 10^9 operations of one run, 2 for each multiply-add.
    gflops, gbytes_per_s: at `p50_ms`; the bytes are a lower bound.
    compute_share, bandwidth_share: of the highest product and copy rates measured on this machine.
    share_of_peak, bound: the larger of the two, which is the share of the roofline, and which one it is. A bandwidth
        share above 1 means that the weights came from caches, faster than memory; then it is the compute share.
    """

    gflop: float | None
    gflops: float | None
    gbytes_per_s: float | None
    compute_share: float | None
    bandwidth_share: float | None
    share_of_peak: float | None
    bound: Literal["compute", "bandwidth"] | None


class Row(Setting, Content, Times, Memory, Standing):
    """One model in one runtime at one shape of input, over all rounds; each round is a fresh process.

    A row that was not run has its `Setting`; its lists are empty and its figures None.
    """


class Peak(TypedDict):
    """The highest rates that this machine reached, in a fresh process, on one device at one number of threads.

    `gflops` holds 10^9 operations per second of a large square product, by precision and then by library; `int8` counts
    whole-number operations. `copy_gbytes_per_s` is 10^9 bytes, those read and those written, of a copy that no cache
    holds.
    """

    device: Device
    threads: int
    gflops: dict[str, dict[str, float]]
    copy_gbytes_per_s: float


class Gpu(TypedDict):
    """A graphics processor as its driver and PyTorch tell of it."""

    name: str
    memory_bytes: int
    driver: str | None
    cuda: str | None


class BenchHost(TypedDict):
    """The machine; None for what it does not tell. `load` is the one-minute average before the first measurement."""

    cpu: str
    architecture: str
    flags: list[str]
    cores: int
    cores_of_machine: int
    cores_of_cgroup: float | None
    governor: str | None
    memory_bytes: int | None
    load: float | None
    system: str
    python: str
    versions: dict[str, str]
    gpus: list[Gpu]
    peaks: list[Peak]


class Bench(TypedDict):
    """The whole result: what `--json` prints and `bench.json` holds.

    tasks, differences: what the reports of the bundles say, measured when they were built; empty of other models.
    """

    host: BenchHost
    rows: list[Row]
    tasks: list[TaskScore]
    differences: list[TaskDifference]
