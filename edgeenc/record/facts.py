"""What a build says of itself: everything that its report, its model card and the screen show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from edgeenc.record.form import SORTED, SPARE
from edgeenc.record.gates import Floor, Gate
from edgeenc.record.host import Host
from edgeenc.record.latency import Latency
from edgeenc.record.scores import Difference, MajorityBaseline, Score
from edgeenc.record.vectors import VectorFigures


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
    """Parameters by part: the three tables and their norm, all layers, the masked-LM head without the tied matrix.

    `dense` are those of the Dense modules of sentence vectors, where there are any.
    """

    embeddings: int
    layers: int
    head: int
    dense: int | None = field(default=None, metadata=SPARE)

    @property
    def total(self) -> int:
        """Parameters of all parts."""
        return self.embeddings + self.layers + self.head + (self.dense or 0)


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


OF_TEACHER = "teacher_"
"""What a report puts before the precision of the teacher's file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileBytes:
    """Bytes of exported files; the names of the precisions are those of the target.

    Attributes:
        first: name of the precision that the others are held against.
        teacher: the untouched teacher in it.
        student: the student in each precision, in the order in which they are made; None where one was not.
    """

    first: str
    teacher: int
    student: Mapping[str, int | None]

    @property
    def made(self) -> Mapping[str, int]:
        """The student's files that there are."""
        return {name: size for name, size in self.student.items() if size is not None}

    @property
    def shipped(self) -> tuple[int, str]:
        """Bytes and precision of the last file, which is the smallest."""
        name, size = list(self.made.items())[-1]
        return size, name

    @property
    def written(self) -> Mapping[str, int | None]:
        """The bytes as a report has them.

        Worked example: of ONNX files `{"teacher_fp32": 50, "fp32": 10, "int8": 3}`.
        """
        return {f"{OF_TEACHER}{self.first}": self.teacher, **self.student}


def file_bytes(written: Mapping[str, int | None]) -> FileBytes:
    """Return what a report says of its files.

    Raises:
        ValueError: it says nothing of the teacher's, or of no file of the student.
    """
    student = dict(written)
    first = next((name.removeprefix(OF_TEACHER) for name in written if name.startswith(OF_TEACHER)), "")
    teacher = student.pop(f"{OF_TEACHER}{first}", None)
    if teacher is None or not any(size is not None for size in student.values()):
        raise ValueError("bytes of a teacher's file and of the student's are expected")
    return FileBytes(first=first, teacher=teacher, student=student)


UNTRAINED = "head not trained: bits per character mean nothing"
"""What stands in the place of bits where the files of a teacher have no masked-LM head and no stage trained one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BitsPerCharacter:
    """Bits per character on the test split; `cut` is pruned and not yet distilled, `random` trained from scratch.

    None of `teacher` and `student` says that nobody has trained its masked-LM head, so that bits mean nothing.
    """

    unigram: float
    teacher: float | None
    cut: float | None = None
    student: float | None
    random: float | None = None

    def advantage_kept(self, value: float | None) -> float | None:
        """Return the share of the teacher's gain over the unigram baseline that a model of `value` bits retains.

        Worked example: unigram 3, teacher 2 and student 2.25 bits give 0.75. None where the teacher has no gain, or
        where one of the two was not measured.
        """
        if self.teacher is None or value is None:
            return None
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
    """One of several languages: its share of what was read, its text and lines, metrics on its test split.

    Where sentence vectors are what a model is for no bits are measured, nor a tokenizer that was not trimmed.
    """

    tag: str
    name: str
    weight: float
    corpus: str
    train: int
    bits_per_character: BitsPerCharacter | None = field(default=None, metadata=SPARE)
    tokenizer: TokenizerFit | None = field(default=None, metadata=SPARE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything a report says.

    Attributes:
        edgeenc: version.
        corpus: `starter` or the name of a file.
        bytes: as `FileBytes.written` has them; `files` reads them.
        compression: 1 - bytes of the student's last file / bytes of the teacher.
        latency: None where nothing was timed.
        languages: where there are several.
        tasks, differences, constant: where a task was scored.
        vectors: where one vector a text is what the model is for.
    """

    edgeenc: str
    language: LanguageName
    recipe: str
    teacher: TeacherFacts
    corpus: str
    steps: tuple[StepFacts, ...]
    student: StudentFacts
    bytes: Mapping[str, int | None]
    compression: float
    bits_per_character: BitsPerCharacter | None = field(default=None, metadata=SPARE)
    floors: tuple[Floor, ...]
    tokenizer: TokenizerFit | None = field(default=None, metadata=SPARE)
    gates: tuple[Gate, ...] = field(metadata=SORTED)
    latency: Latency | None = field(default=None, metadata=SORTED)
    host: Host
    versions: Mapping[str, str]
    languages: tuple[LanguageFacts, ...] = field(default=(), metadata=SPARE)
    tasks: tuple[Score, ...] = field(default=(), metadata=SPARE | SORTED)
    differences: tuple[Difference, ...] = field(default=(), metadata=SPARE | SORTED)
    constant: MajorityBaseline | None = field(default=None, metadata=SPARE | SORTED)
    vectors: VectorFigures | None = field(default=None, metadata=SPARE | SORTED)

    def __post_init__(self) -> None:
        """See to it that what is said of the files can be read.

        Raises:
            ValueError: it cannot.
        """
        file_bytes(self.bytes)

    @property
    def files(self) -> FileBytes:
        """The bytes of the exported files."""
        return file_bytes(self.bytes)
