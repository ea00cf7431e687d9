"""Train a student towards a teacher's sentence vectors.

Axis letters: N texts, B texts of a batch, T tokens, H hidden, D dimensions of a vector.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from edgeenc.compress.frozen import frozen
from edgeenc.compress.inner import cosine_distance
from edgeenc.compress.losses import similarity_divergence
from edgeenc.compress.match import bridge_of
from edgeenc.compress.teacher_vectors import NoCache, VectorCache, teacher_vectors
from edgeenc.compress.vector_aim import VectorAim, aim_of, start_from
from edgeenc.compress.whole_texts import usual_prompt
from edgeenc.errors import InputError, ShapeError
from edgeenc.model.encoder import Encoder
from edgeenc.model.sentence_head import SentenceHead
from edgeenc.stages.distill_sentences import SentenceOptions
from edgeenc.stages.training import schedule_of
from edgeenc.text.corpus import Corpus
from edgeenc.text.mixture import pattern_of
from edgeenc.text.sentence_order import Numbers, SentenceOrder, Texts, prompted, read_texts
from edgeenc.text.specials import Specials
from edgeenc.text.whole import Widths, encode_whole, padded
from edgeenc.training_loop import History, Job, Loss, train

STARTING_BATCHES = 8
"""Batches on which a projection that is learnt begins."""
HELD_TEXTS = 512
"""Texts of `valid`, at most, that choose a checkpoint."""


def distill_sentences(
    student: Encoder,
    teacher: Encoder,
    corpus: Corpus,
    options: SentenceOptions | None = None,
    job: Job | None = None,
    cache: VectorCache | None = None,
) -> tuple[Encoder, History]:
    """Return `student` trained towards the sentence vectors of `teacher`, and what happened.

    The loss is the sum of those of `SentenceOptions`, each times its weight, mean over the texts of a batch. Only
    vectors are compared, so the two may have different tokenizers. The vectors of the teacher are made once, before the
    training. What comes back has the lowest loss seen on texts of `valid`, and the head that was trained.

    Source: Reimers and Gurevych 2020, arXiv:2004.09813, for the squared error to a teacher's vector; Passalis and Tefas
    2018, arXiv:1803.10837, and Fang et al. 2021, arXiv:2101.04731, for similarities as a distribution, with the
    temperature of Hinton et al. 2015, arXiv:1503.02531.

    Args:
        student: where to start; not changed, unless the job is done in place.
        teacher: stands still.
        corpus: whole lines of `train` are read; of several languages each has as many texts as its weight says.
        options: which losses, texts and rates.
        job: seed, runtime, scratch folder, progress.
        cache: of the teacher's vectors; it changes no bit of what comes back.

    Raises:
        ShapeError: the vectors of the two cannot be compared.
        InputError: one of the two has no such prompt, or the text is too little.
    """
    options, job, cache = options or SentenceOptions(), job or Job(), cache or NoCache()
    device = job.runtime.device
    head = student.sentence or SentenceHead()
    reader = SentenceReader.of(student, teacher, options)
    read, held = reader.train(corpus), reader.held(corpus)
    targets_ND = torch.from_numpy(teacher_vectors(teacher, read.asked, options.max_length, cache, job))
    held_ND = torch.from_numpy(teacher_vectors(teacher, held.asked, options.max_length, cache, job))
    aim = aim_of(head, student.shape.hidden, targets_ND, options)
    taught_ND, taught_held_ND = aim.taught(targets_ND), aim.taught(held_ND)

    model = student.model if job.in_place else copy.deepcopy(student.model)
    pupil = replace(student, model=nn.Module.to(model.eval(), device))
    order = SentenceOrder(read.groups, options.batch_size, pattern_of(corpus), job.seed)
    widths = Widths(job.runtime.width_step, _both_read(student, teacher, options))
    tokens = PaddedTexts(read.texts, Specials.of(student.tokenizer).pad, widths, device)
    lesson = SentenceLesson(options, aim, _inner(pupil, teacher, tokens.batch(order(0)), options))
    if aim.learned is not None:
        nn.Module.to(aim.learned, device)
        _start(aim, pupil, tokens, [order(step) for step in range(STARTING_BATCHES)], taught_ND)

    def loss_at(step: int) -> Loss:
        numbers = order(step)
        batch = tokens.batch(numbers)
        return Loss(lesson.loss(pupil, batch, taught_ND[torch.from_numpy(numbers)].to(device)), batch.count)

    fixed = [
        (replace(tokens, texts=held.texts).batch(numbers), taught_held_ND[torch.from_numpy(numbers)].to(device))
        for numbers in _held_batches(held.texts, options.batch_size)
    ]

    def evaluate() -> float:
        values = [float(lesson.loss(pupil, batch, taught_BD)) * len(taught_BD) for batch, taught_BD in fixed]
        return sum(values) / sum(len(taught_BD) for _, taught_BD in fixed)

    steps = max(1, math.ceil(options.tokens / (options.batch_size * float(read.texts.lengths.mean()))))
    beside = [*([] if lesson.inner is None else [lesson.inner.bridge]), *([] if aim.learned is None else [aim.learned])]
    trained = nn.ModuleList([pupil.model, *beside]) if beside else pupil.model
    history = train(trained, loss_at, schedule_of(steps, options.lr, options), evaluate, job)
    return replace(pupil, model=nn.Module.to(pupil.model, "cpu"), sentence=aim.shipped()), history


def _start(aim: VectorAim, pupil: Encoder, tokens: PaddedTexts, batches: list[Numbers], taught_NE: Tensor) -> None:
    """Let the map that is learnt begin near: by least squares, on some batches of the untrained student."""
    assert aim.learned is not None
    before = replace(aim.head, dense=aim.head.dense[:-1], normalize=False)
    with torch.no_grad():
        pooled = [
            before(pupil.hidden(batch.ids_BT, batch.attend_BT), batch.attend_BT).float()
            for batch in map(tokens.batch, batches)
        ]
    numbers = torch.from_numpy(np.concatenate(batches))
    start_from(aim.learned, torch.cat(pooled).cpu(), taught_NE[numbers])


@dataclass(frozen=True)
class ReadTexts:
    """Texts that are read, as the student and as the teacher is given them.

    Attributes:
        texts: with the student's tokens.
        asked: the same texts with the teacher's prompts.
        groups: the lengths of the texts of each language, one language after the other.
    """

    texts: Texts
    asked: list[str]
    groups: tuple[Numbers, ...]


@dataclass(frozen=True)
class SentenceReader:
    """Reads texts as a student and its teacher are given them.

    Attributes:
        student: whose tokens are read.
        options: how many, how long.
        own: the student's prompts.
        taught: those of the teacher of the same names.
        longest: tokens to which a text is cut.
    """

    student: Encoder
    options: SentenceOptions
    own: tuple[str, ...]
    taught: tuple[str, ...]
    longest: int

    @staticmethod
    def of(student: Encoder, teacher: Encoder, options: SentenceOptions) -> SentenceReader:
        """Return the reader of two encoders.

        Raises:
            InputError: one of them has no prompt of a name that is asked for.
        """
        own, taught = (encoder.sentence or SentenceHead() for encoder in (student, teacher))
        first = usual_prompt(own)
        names = options.prompts or ((first,) if first is not None else ())
        most = min(student.longest_text, _both_read(student, teacher, options), options.max_length)
        prompts = _prompts(own, names, "student"), _prompts(taught, names, "teacher")
        return SentenceReader(student, options, *prompts, most)

    def train(self, corpus: Corpus) -> ReadTexts:
        """Return so many training texts as the tokens of the options ask for, of each language by its weight."""
        options, most = self.options, self.options.texts
        return self._read(
            [
                read_texts(
                    part.corpus.train,
                    self.student.tokenizer,
                    self.own,
                    self.longest,
                    options.tokens * part.weight,
                    max(1, round((most or len(part.corpus.train)) * (part.weight if most else 1))),
                )
                for part in corpus.each
            ]
        )

    def held(self, corpus: Corpus) -> ReadTexts:
        """Return the first texts of `valid`, of each language by its weight."""
        found = [part.corpus.valid[: max(2, round(HELD_TEXTS * part.weight))] for part in corpus.each]
        read = self.student.tokenizer
        rows = (encode_whole(read, prompted(lines, self.own), self.longest) for lines in found)
        return self._read([Texts.of(*pair) for pair in zip(found, rows, strict=True)])

    def _read(self, parts: list[Texts]) -> ReadTexts:
        if any(len(part.lines) < 2 for part in parts):
            raise InputError("distill-sentences: a language has fewer than 2 texts; give more text")
        asked = [line for part in parts for line in prompted(part.lines, self.taught)]
        return ReadTexts(Texts.joined(parts), asked, tuple(part.lengths for part in parts))


def _prompts(head: SentenceHead, names: Sequence[str], whose: str) -> tuple[str, ...]:
    if unknown := [name for name in names if name not in head.prompts]:
        known = ", ".join(head.prompts) or "none"
        raise InputError(f"distill-sentences: the {whose} has no prompt {unknown[0]!r}; there are: {known}")
    return tuple(head.prompts[name] for name in names) or ("",)


def _both_read(student: Encoder, teacher: Encoder, options: SentenceOptions) -> int:
    """Return how many tokens a batch may be wide, which the teacher reads too where hidden states are compared."""
    own, taught = student.shape.longest, teacher.shape.longest
    return min(own, taught) if options.hidden else own


def _held_batches(texts: Texts, batch_size: int) -> list[Numbers]:
    """Return batches of texts of like lengths, none of one text alone, which is similar to nothing."""
    order = np.argsort(texts.lengths, kind="stable")
    batches = [order[first : first + batch_size] for first in range(0, len(order), batch_size)]
    return [batch for batch in batches if len(batch) == min(batch_size, 2) or len(batch) > 1]


@dataclass(frozen=True)
class PaddedBatch:
    """Padded texts: ids and attention (B, T), and their tokens without padding."""

    ids_BT: Tensor
    attend_BT: Tensor
    count: int

    def at_tokens(self, hidden_BTH: Tensor) -> Tensor:
        """Return the hidden states (N, H) at tokens that are no padding."""
        return hidden_BTH[self.attend_BT.bool()]


@dataclass(frozen=True)
class PaddedTexts:
    """Makes padded batches of texts on a device."""

    texts: Texts
    pad: int
    widths: Widths
    device: str

    def batch(self, numbers: Numbers) -> PaddedBatch:
        """Return the batch of the texts of these numbers."""
        rows = [self.texts.row(int(number)) for number in numbers]
        arrays = padded(rows, self.pad, self.widths)
        ids_BT, attend_BT = (torch.from_numpy(array).to(self.device) for array in arrays)
        return PaddedBatch(ids_BT, attend_BT, sum(map(len, rows)))


@dataclass(frozen=True)
class BesideTeacher:
    """A teacher that runs beside the student, and what maps the student's hidden states to its width."""

    teacher: Encoder
    bridge: nn.Module

    def loss(self, own_BTH: Tensor, batch: PaddedBatch) -> Tensor:
        """Return 1 - cosine of the last hidden states, mean over tokens."""
        with torch.no_grad():
            taught_BTH = self.teacher.hidden(batch.ids_BT, batch.attend_BT)
        bridged_NH = self.bridge(batch.at_tokens(own_BTH))
        return cosine_distance(bridged_NH.float(), batch.at_tokens(taught_BTH).float()).mean()


def _inner(pupil: Encoder, teacher: Encoder, batch: PaddedBatch, options: SentenceOptions) -> BesideTeacher | None:
    """Return what compares hidden states, where they are; the map between two widths starts as the nearest one.

    Raises:
        ShapeError: the two have other tokens.
    """
    if not options.hidden:
        return None
    if pupil.tokenizer.get_vocab() != teacher.tokenizer.get_vocab():
        raise ShapeError(
            "distill-sentences: hidden compares token by token, and student and teacher have other tokens; say"
            " hidden: 0, or read a step with the same vocabulary"
        )
    still = frozen(teacher, batch.ids_BT.device.type)
    if pupil.shape.hidden == still.shape.hidden:
        return BesideTeacher(still, nn.Identity())
    with torch.no_grad():
        own_NH, taught_NH = (batch.at_tokens(one.hidden(batch.ids_BT, batch.attend_BT)) for one in (pupil, still))
    return BesideTeacher(still, nn.Module.to(bridge_of(own_NH, taught_NH), batch.ids_BT.device))


@dataclass(frozen=True)
class SentenceLesson:
    """What a student's vectors are measured by: which losses, what is compared, the teacher's hidden states."""

    options: SentenceOptions
    aim: VectorAim
    inner: BesideTeacher | None = None

    def loss(self, pupil: Encoder, batch: PaddedBatch, taught_BD: Tensor) -> Tensor:
        """Return the weighted sum of the losses of a batch."""
        options = self.options
        hidden_BTH = pupil.hidden(batch.ids_BT, batch.attend_BT)
        own_BD = self.aim.head(hidden_BTH, batch.attend_BT).float()
        each = [self._of_vectors(own, taught) for own, taught in self.aim.pairs(own_BD, taught_BD)]
        total = sum(each[1:], each[0]) / len(each)
        if self.inner is not None:
            total = total + options.hidden * self.inner.loss(hidden_BTH, batch)
        return total

    def _of_vectors(self, own_BD: Tensor, taught_BD: Tensor) -> Tensor:
        """Return the weighted sum of the losses that compare vectors."""
        options = self.options
        total = torch.zeros((), device=own_BD.device)
        if options.cosine:
            total = total + options.cosine * cosine_distance(own_BD, taught_BD).mean()
        if options.mse:
            total = total + options.mse * (own_BD - taught_BD).square().sum(-1).mean()
        if options.similarity:
            total = total + options.similarity * similarity_divergence(own_BD, taught_BD, options.temperature)
        return total
