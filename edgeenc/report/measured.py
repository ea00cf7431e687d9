"""What a reader chooses by, whatever measured it: models with their size, time, memory and scores."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

from pydantic import BaseModel, ConfigDict

from edgeenc.machine.describe import Fact
from edgeenc.record.old_facts import Facts
from edgeenc.record.old_scores import TaskDifference, TaskScore

TEACHER = "teacher"
TRIM_ONLY = "trim-only"
METRICS = {
    "macro_f1": "macro F1",
    "accuracy": "accuracy",
    "span_f1": "span F1",
    "token_accuracy": "token accuracy",
}

RUNTIMES = {"ort": "ONNX Runtime", "torch": "PyTorch", "torch-compiled": "PyTorch, compiled"}


def metric_words(metric: str) -> str:
    """Return how a metric is called in sentences: `macro_f1` is `macro F1`."""
    return METRICS.get(metric, metric)


class Row(BaseModel):
    """One measurement of `edgeenc bench` as far as a report shows it; more fields are passed over.

    Fields and units are those of `edgeenc.record.rows.Row`: None stands for what was not measured, and `reason` says
    why a row has no figures.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    model: str
    runtime: str
    device: str
    precision: str
    threads: int
    batch: int
    seq_len: int | None = None
    status: str = "measured"
    reason: str = ""
    file_bytes: int | None = None
    p50_ms: float | None = None
    p90_ms: float | None = None
    p99_ms: float | None = None
    spread: float | None = None
    noisy: bool = False
    sentences_per_s: float | None = None
    tokens_per_s: float | None = None
    tokenizer_ms: float | None = None
    load_ms: float | None = None
    cold_start_ms: float | None = None
    base_rss_bytes: int | None = None
    peak_rss_bytes: int | None = None
    steady_rss_bytes: int | None = None
    retained_bytes: int | None = None
    vram_allocated_bytes: int | None = None
    vram_reserved_bytes: int | None = None
    gflops: float | None = None
    gbytes_per_s: float | None = None
    share_of_peak: float | None = None
    bound: str | None = None

    @property
    def measured(self) -> bool:
        """Whether there is a time at all."""
        return self.p50_ms is not None

    @property
    def peak_above_base(self) -> int | None:
        """Bytes that the model costs at its peak, the interpreter with its runtime taken off."""
        if self.peak_rss_bytes is None or self.base_rss_bytes is None:
            return None
        return self.peak_rss_bytes - self.base_rss_bytes

    @property
    def name(self) -> str:
        """Model and precision in one, such as `student int8`."""
        return f"{self.model} {self.precision}"

    @property
    def condition(self) -> Condition:
        """Everything but the model that a time depends on."""
        return Condition(self.runtime, self.device, self.threads, self.batch, self.seq_len)


class Peak(BaseModel):
    """The highest rates that a machine reached: 10^9 operations per second by precision and library, and a copy."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    device: str
    threads: int
    gflops: dict[str, dict[str, float]]
    copy_gbytes_per_s: float


class Score(BaseModel):
    """A `TaskScore` as it is read from a file; more fields are passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    task: str
    model: str
    precision: str
    metric: str
    value: float
    low: float
    high: float
    deviation: float | None = None
    n: int
    seeds: int

    def to_fact(self) -> TaskScore:
        """Return the score as plain JSON."""
        return cast("TaskScore", self.model_dump())


class Difference(BaseModel):
    """A `TaskDifference` as it is read from a file; more fields are passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    task: str
    metric: str
    model: str
    precision: str
    baseline: str
    difference: float
    low: float
    high: float
    seen: bool

    def to_fact(self) -> TaskDifference:
        """Return the difference as plain JSON."""
        return cast("TaskDifference", self.model_dump())


@dataclass(frozen=True, slots=True)
class Condition:
    """What a time depends on besides the model; `seq_len` None means that every sentence has its own length."""

    runtime: str
    device: str
    threads: int
    batch: int
    seq_len: int | None

    @property
    def runtime_words(self) -> str:
        """Name the runtime as its makers do."""
        return RUNTIMES.get(self.runtime, self.runtime)

    @property
    def device_words(self) -> str:
        """Name the device in words."""
        return {"cpu": "CPU", "cuda": "GPU"}.get(self.device, self.device)

    @property
    def place(self) -> str:
        """Say in words all but the length."""
        threads = f"{self.threads} thread{'' if self.threads == 1 else 's'}"
        return f"{self.runtime_words}, {self.device_words}, {threads}, batch {self.batch}"

    @property
    def words(self) -> str:
        """Say the condition in words."""
        length = "sentences at their own length" if self.seq_len is None else f"{self.seq_len} pieces a sentence"
        return f"{self.place}, {length}"


@dataclass(frozen=True, slots=True)
class Candidate:
    """One model in one precision.

    Attributes:
        bytes: of the file; `computed` tells that it follows from the shape, since no such file was made.
        ms: p50 of one sentence (of one batch, where the condition has larger ones).
        share: its time as a share of the teacher's.
        rough: the rounds of its time differ too widely to conclude from it.
        peak_bytes: highest memory of the process, less that of the interpreter with its runtime.
    """

    model: str
    precision: str
    bytes: int | None = None
    computed: bool = False
    ms: float | None = None
    share: float | None = None
    rough: bool = False
    peak_bytes: int | None = None

    @property
    def name(self) -> str:
        """Model and precision in one, such as `student int8`."""
        return f"{self.model} {self.precision}"


@dataclass(frozen=True, slots=True)
class Measured:
    """Everything that one folder tells.

    Attributes:
        name: of the language, or of the folder.
        candidates: from the largest file to the smallest.
        timed: how the times of the candidates were taken, in words; empty where there are none.
        rows: measurements of `edgeenc bench`.
        facts: what a build says of itself; None for a benchmark alone.
    """

    name: str
    candidates: tuple[Candidate, ...]
    scores: tuple[TaskScore, ...] = ()
    differences: tuple[TaskDifference, ...] = ()
    timed: str = ""
    rows: tuple[Row, ...] = ()
    facts: Facts | None = None
    host: dict[str, Fact] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    peaks: tuple[Peak, ...] = ()

    @property
    def tasks(self) -> tuple[str, ...]:
        """Names of the tasks in the order of the source."""
        return tuple(dict.fromkeys(score["task"] for score in self.scores))

    def score(self, task: str, candidate: Candidate) -> TaskScore | None:
        """Return the score of a candidate's exported file; fp32 may also have been scored in PyTorch alone."""
        same = (score for score in self.scores if (score["task"], score["model"]) == (task, candidate.model))
        found = {score["precision"]: score for score in same}
        return found.get(candidate.precision) or (found.get("torch") if candidate.precision == "fp32" else None)

    def difference(self, task: str, candidate: Candidate) -> TaskDifference | None:
        """Return the paired difference between a candidate and the teacher."""
        for found in self.differences:
            asked = (found["task"], found["model"], found["precision"], found["baseline"].split()[0])
            if asked == (task, candidate.model, candidate.precision, TEACHER):
                return found
        return None

    @property
    def teacher(self) -> Candidate | None:
        """The teacher as fp32."""
        return next((c for c in self.candidates if (c.model, c.precision) == (TEACHER, "fp32")), None)

    @property
    def shipped(self) -> tuple[Candidate, ...]:
        """The smallest file of every model that is neither the teacher nor merely trimmed."""
        smallest: dict[str, Candidate] = {}
        for candidate in self.candidates:
            if candidate.model not in (TEACHER, TRIM_ONLY):
                smallest[candidate.model] = candidate
        return tuple(smallest.values())
