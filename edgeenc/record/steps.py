"""The figures of each kind of step, as its manifest keeps them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from edgeenc.record.facts import TokenizerFit, TokenizerQuality
from edgeenc.record.form import SPARE
from edgeenc.record.gates import Gate
from edgeenc.record.scores import Difference, MajorityBaseline, Score


@dataclass(frozen=True, slots=True, kw_only=True)
class Nothing:
    """Of a step that measures nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextTally:
    """What was found in a user's text.

    Attributes:
        lines: that are not empty.
        repeated: lines that say what an earlier one said; they are left out.
        garbage: lines without any letter, or with characters that could not be read when the text was made (U+FFFD);
            they stay, since what language a line is in, and whether it is one, is the user's to judge.
        bytes: of the distinct lines.
        documents: that the distinct lines make; as many as these where each is one.
        files: read of a folder or a zip file.
        passed: how many files of it are no text.
        passed_over: the first of these, each with what it is.
    """

    lines: int
    repeated: int
    garbage: int
    bytes: int
    documents: int
    files: int | None = field(default=None, metadata=SPARE)
    passed_over: tuple[str, ...] = field(default=(), metadata=SPARE)
    passed: int = field(default=0, metadata=SPARE)


def files_said(read: int, passed: int, first: Sequence[str]) -> str:
    """Say of a folder how many files were read, and which were not: how many, and the first three with the reason."""
    named = f": {'; '.join(first[:3])}{f' and {passed - 3:,} more' if passed > 3 else ''}" if first else ""
    return f"{read:,} file{'' if read == 1 else 's'} read" + (f", {passed:,} passed over{named}" if passed else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusFigures:
    """Lines of each part, distinct characters, bytes of the training part; `languages` where there are several."""

    train: int
    valid: int
    test: int
    characters: int
    bytes: int
    text: TextTally | None = field(default=None, metadata=SPARE)
    held_out_elsewhere: int | None = field(default=None, metadata=SPARE | {"alias": "held out elsewhere"})
    languages: Mapping[str, CorpusFigures] = field(default_factory=dict, metadata=SPARE)


@dataclass(frozen=True, slots=True, kw_only=True)
class TeacherFigures:
    """Parameters of the teacher; what of its configuration was left out; `weights` is `random` in a rehearsal.

    `head` is `grown` where its files have no masked-LM head; `notes` say what else was done to read it.
    """

    parameters: int
    head: Literal["grown"] | None = field(default=None, metadata=SPARE)
    notes: tuple[str, ...] = field(default=(), metadata=SPARE)
    left_out: tuple[str, ...] = field(default=(), metadata=SPARE)
    weights: str | None = field(default=None, metadata=SPARE)


@dataclass(frozen=True, slots=True, kw_only=True)
class StageFigures:
    """What came out of a stage of the recipe, and what the stage measured; what it did not measure is not there.

    Attributes:
        shape: sizes of the encoder by name, and its family.
        tokens: read in training, repeats included.
        best_step, best_loss: the checkpoint that was kept; nats per predicted token.
        evaluations: (step, validation loss) of each.
        kept: layers, channels or neurons that were kept, where the stage says so.
        loss_without: (layer, loss without it) in the order in which layers went.
        before, after, coverage: the tokenizer before and after trimming, on the test split.
        languages: the same of each of several languages.
        head: `grown` where nobody has trained the masked-LM head so far, `trained` where this stage first did.
    """

    shape: Mapping[str, int | str | tuple[str, ...]] = field(default_factory=dict, metadata=SPARE)
    parameters: int | None = field(default=None, metadata=SPARE)
    tokens: int | None = field(default=None, metadata=SPARE)
    best_step: int | None = field(default=None, metadata=SPARE)
    best_loss: float | None = field(default=None, metadata=SPARE)
    evaluations: tuple[tuple[int, float], ...] = field(default=(), metadata=SPARE | {"alias": "looks"})
    kept: tuple[int, ...] = field(default=(), metadata=SPARE)
    loss_without: tuple[tuple[int, float], ...] = field(default=(), metadata=SPARE)
    before: TokenizerQuality | None = field(default=None, metadata=SPARE)
    after: TokenizerQuality | None = field(default=None, metadata=SPARE)
    coverage: float | None = field(default=None, metadata=SPARE)
    languages: Mapping[str, TokenizerFit] = field(default_factory=dict, metadata=SPARE)
    head: Literal["grown", "trained"] | None = field(default=None, metadata=SPARE)


@dataclass(frozen=True, slots=True, kw_only=True)
class BitsFigures:
    """Bits per character of each model on the same words; `control` has random weights, `cut` no last training.

    `teacher` and `student` are None where nobody has trained the masked-LM head, as is `cut`.
    """

    unigram: float
    teacher: float | None
    student: float | None
    cut: float | None = field(default=None, metadata=SPARE)
    control: float | None = field(default=None, metadata=SPARE)
    tokenizer: TokenizerFit
    languages: Mapping[str, BitsFigures] = field(default_factory=dict, metadata=SPARE)


@dataclass(frozen=True, slots=True, kw_only=True)
class TagTally:
    """What was mended in tagged sentences.

    Attributes:
        scheme: of the tags as their files have them; nothing where they mark no spans.
        strays: tags that start a span, though by their letter they do not.
        empty: words without a character, which are left out.
        prefixed: words whose language stood before them.
    """

    scheme: str
    strays: int
    empty: int
    prefixed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFigures:
    """Examples of each part, the labels, the figure that counts; `tags` where something was mended in them."""

    train: int
    validation: int
    test: int
    labels: tuple[str, ...]
    metric: str
    tags: TagTally | None = field(default=None, metadata=SPARE)


@dataclass(frozen=True, slots=True, kw_only=True)
class TuneFigures:
    """What happened while a model learnt a task; `validation` is its figure there, 0..1, at the kept checkpoint."""

    tokens: int
    best_step: int
    best_loss: float
    evaluations: tuple[tuple[int, float], ...] = field(metadata={"alias": "looks"})
    validation: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceFigures:
    """The seed that is shipped, and the figure on validation by seed."""

    seed: int
    validation: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFigures:
    """Bytes of an exported file."""

    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GateFigures:
    """Every gate of the exported files; `read` of the `reads` tokens that a model can read, where they had not all.

    `not_run` names what could not be measured on the machine, and why.
    """

    gates: tuple[Gate, ...]
    not_run: tuple[str, ...] = field(default=(), metadata=SPARE)
    read: int | None = field(default=None, metadata=SPARE)
    reads: int | None = field(default=None, metadata=SPARE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreFigures:
    """Scores of every form of every model, and what must be beaten; F1 by tag of the shipped model, for a tagger."""

    tasks: tuple[Score, ...]
    differences: tuple[Difference, ...]
    constant: MajorityBaseline | None = field(default=None, metadata=SPARE)
    per_tag_f1: Mapping[str, float] = field(default_factory=dict, metadata=SPARE)
