"""What a build says of itself: everything that its report, its model card and the screen show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from edgeenc.record.form import SORTED, SPARE
from edgeenc.record.gates import Floor, Gate
from edgeenc.record.host import Host
from edgeenc.record.latency import Latency
from edgeenc.record.scores import Difference, MajorityBaseline, Score


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageName:
    """The language of the build; of several all of them in one, as `tl+en`."""

    tag: str
    name: str
    iso639_3: str
    script: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TeacherFacts:
    """The untouched teacher; parameters of the masked-LM model."""

    source: str
    parameters: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Parameters by part: the three tables and their norm, all layers, the masked-LM head without the tied matrix."""

    embeddings: int
    layers: int
    head: int

    @property
    def total(self) -> int:
        """Parameters of all parts."""
        return self.embeddings + self.layers + self.head


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFacts:
    """One step of the build; steps that hold no model have no parameters, parts or shape."""

    name: str
    kind: str
    seconds: float
    tokens: int | None = None
    parameters: int | None = None
    parts: Parts | None = None
    shape: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StudentFacts:
    """What came out; parameters of the masked-LM model, the tied table once. Old reports do not tell the family."""

    parameters: int
    family: str | None = field(default=None, metadata=SPARE)
    layers: int
    hidden: int
    heads: int
    head_width: int
    ffn: int
    vocab: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FileBytes:
    """Bytes of exported files, under the names of ONNX files: the first precision is that which others are made from.

    Attributes:
        teacher_fp32: the untouched teacher in the first precision.
        fp32: the student in it.
        int8: the student in the smallest precision that was made from another; None where there is none.
        names: what these two precisions are called where they are not `fp32` and `int8`.
    """

    teacher_fp32: int
    fp32: int
    int8: int | None = None
    names: tuple[str, str] | tuple[()] = field(default=(), metadata=SPARE)

    @property
    def first(self) -> str:
        """Name of the first precision."""
        return self.names[0] if self.names else "fp32"

    @property
    def smallest(self) -> str:
        """Name of the smallest precision, whether it was made or not."""
        return self.names[1] if self.names else "int8"

    @property
    def shipped(self) -> tuple[int, str]:
        """Bytes and precision of the smallest file."""
        return (self.fp32, self.first) if self.int8 is None else (self.int8, self.smallest)


@dataclass(frozen=True, slots=True, kw_only=True)
class BitsPerCharacter:
    """Bits per character on the test split; `cut` is pruned and not yet distilled, `random` trained from scratch."""

    unigram: float
    teacher: float
    cut: float | None = None
    student: float
    random: float | None = None

    def advantage_kept(self, value: float) -> float | None:
        """Return the share of the teacher's gain over the unigram baseline that a model of `value` bits retains.

        Worked example: unigram 3, teacher 2 and student 2.25 bits give 0.75. None where the teacher has no gain.
        """
        advantage = self.unigram - self.teacher
        return None if advantage <= 0 else (self.unigram - value) / advantage


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenizerQuality:
    """How well a tokenizer fits a text.

    Attributes:
        vocab: tokens of the tokenizer.
        unknown_rate: unknown tokens / all tokens.
        fertility: tokens per word, words split by white space.
    """

    vocab: int
    unknown_rate: float
    fertility: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenizerFit:
    """The tokenizer before and after trimming; `coverage` is the share of the text's tokens that were kept."""

    before: TokenizerQuality = field(metadata=SORTED)
    after: TokenizerQuality = field(metadata=SORTED)
    coverage: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageFacts:
    """One of several languages: its share of what was read, its text and lines, metrics on its test split."""

    tag: str
    name: str
    weight: float
    corpus: str
    train: int
    bits_per_character: BitsPerCharacter
    tokenizer: TokenizerFit


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything a report says.

    Attributes:
        edgeenc: version.
        corpus: `starter` or the name of a file.
        compression: 1 - bytes of the student (int8, else fp32) / bytes of the teacher.
        latency: None where nothing was timed.
        control: which other build measured the bits of training from scratch, where this one did not.
        languages: where there are several.
        tasks, differences, constant: where a task was scored.
    """

    edgeenc: str
    language: LanguageName
    recipe: str
    teacher: TeacherFacts
    corpus: str
    steps: tuple[StepFacts, ...]
    student: StudentFacts
    bytes: FileBytes
    compression: float
    bits_per_character: BitsPerCharacter
    floors: tuple[Floor, ...]
    tokenizer: TokenizerFit
    gates: tuple[Gate, ...] = field(metadata=SORTED)
    latency: Latency | None = field(default=None, metadata=SORTED)
    host: Host
    versions: Mapping[str, str]
    control: str | None = field(default=None, metadata=SPARE)
    languages: tuple[LanguageFacts, ...] = field(default=(), metadata=SPARE)
    tasks: tuple[Score, ...] = field(default=(), metadata=SPARE | SORTED)
    differences: tuple[Difference, ...] = field(default=(), metadata=SPARE | SORTED)
    constant: MajorityBaseline | None = field(default=None, metadata=SPARE | SORTED)
