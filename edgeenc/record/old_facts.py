"""What a report is told: one dict, plain JSON. None stands for what was not measured."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from edgeenc.bench.turns import Latency
from edgeenc.machine.describe import Fact
from edgeenc.record.old_scores import TaskDifference, TaskScore


class Language(TypedDict):
    """The language of the build; of several all of them in one, as `tl+en`."""

    tag: str
    name: str
    iso639_3: str
    script: str


class Teacher(TypedDict):
    """The untouched teacher; parameters of the masked-LM model."""

    source: str
    parameters: int


class Parts(TypedDict):
    """Parameters by part: the three tables and their norm, all layers, the masked-LM head without the tied table."""

    embeddings: int
    layers: int
    head: int


class Step(TypedDict):
    """One step of the build; steps that hold no model have no parameters, parts or shape."""

    name: str
    kind: str
    seconds: float
    tokens: int | None
    parameters: int | None
    parts: Parts | None
    shape: dict[str, int] | None


class Student(TypedDict):
    """What came out; parameters of the masked-LM model, the tied table once."""

    family: str
    parameters: int
    layers: int
    hidden: int
    heads: int
    head_width: int
    ffn: int
    vocab: int


class Sizes(TypedDict):
    """Bytes of exported files: the untouched teacher as ONNX fp32, the student as fp32 and as int8."""

    teacher_fp32: int
    fp32: int
    int8: int | None


class Bits(TypedDict):
    """Bits per character on held-out text."""

    unigram: float
    teacher: float
    cut: float | None
    student: float
    random: float | None


class Check(TypedDict):
    """A floor: a figure, and the bound it is held against."""

    name: str
    figure: float
    bound: float
    passed: bool


class GateFacts(Check):
    """A gate: its unit and the sentence it was worst on, both of which may be empty."""

    unit: str
    worst: str | None


class TokenizerQuality(TypedDict):
    """Pieces; share of unknown pieces; pieces per word. On held-out text."""

    vocab: int
    unknown_rate: float
    fertility: float


class TokenizerFacts(TypedDict):
    """The tokenizer before and after trimming; `coverage` is the share of the text's pieces that were kept."""

    before: TokenizerQuality
    after: TokenizerQuality
    coverage: float


class Constant(TypedDict):
    """The score of always saying the most frequent label of the training part."""

    task: str
    label: str
    value: float


class LanguageFacts(TypedDict):
    """One of several languages: its share of what was read, its text and lines, figures on its held-out text."""

    tag: str
    name: str
    weight: float
    corpus: str
    train: int
    bits_per_character: Bits
    tokenizer: TokenizerFacts


class Facts(TypedDict):
    """Everything a report says.

    `control` says which other build measured the bits of random weights, where this one did not.
    `corpus` is `starter` or the name of a file; `compression` is 1 - bytes of the student (int8, else fp32) / bytes of
    the teacher. `tasks` and `differences` are there where a task was scored, `languages` where there are several.
    """

    edgeenc: str
    language: Language
    recipe: str
    teacher: Teacher
    corpus: str
    steps: list[Step]
    student: Student
    bytes: Sizes
    compression: float
    bits_per_character: Bits
    floors: list[Check]
    tokenizer: TokenizerFacts
    gates: list[GateFacts]
    latency: Latency | None
    control: NotRequired[str]
    languages: NotRequired[list[LanguageFacts]]
    tasks: NotRequired[list[TaskScore]]
    constant: NotRequired[Constant]
    differences: NotRequired[list[TaskDifference]]
    host: dict[str, Fact]
    versions: dict[str, str]
